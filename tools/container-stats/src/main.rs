//! container-stats - what your containers use now: CPU, memory, GPU
fn main() -> std::process::ExitCode {
    cli::main::<container_stats::Args>()
}
