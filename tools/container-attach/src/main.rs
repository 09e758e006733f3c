//! container-attach - a shell in a container that runs
fn main() -> std::process::ExitCode {
    cli::main::<container_attach::Args>()
}
