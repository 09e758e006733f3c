//! container-remove - remove containers and free their GPU
fn main() -> std::process::ExitCode {
    cli::main::<container_remove::Args>()
}
