//! container-cleanup - remove your stopped and never started containers
fn main() -> std::process::ExitCode {
    cli::main::<container_cleanup::Args>()
}
