//! container-unpause - let paused containers go on
fn main() -> std::process::ExitCode {
    cli::main::<container_unpause::Args>()
}
