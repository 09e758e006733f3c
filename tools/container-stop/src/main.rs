//! container-stop - stop containers; their GPU is kept for the hold
fn main() -> std::process::ExitCode {
    cli::main::<container_stop::Args>()
}
