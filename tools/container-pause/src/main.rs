//! container-pause - let containers stand still; they keep their GPU
fn main() -> std::process::ExitCode {
    cli::main::<container_pause::Args>()
}
