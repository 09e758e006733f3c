//! check-limits - what you may use, what you use now, what is left, and your place in the line
fn main() -> std::process::ExitCode {
    cli::main::<check_limits::Args>()
}
