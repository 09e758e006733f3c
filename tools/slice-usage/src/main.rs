//! slice-usage - what each group and user consumes now: CPU, memory, tasks, pressure, OOM kills
fn main() -> std::process::ExitCode {
    cli::main::<slice_usage::Args>()
}
