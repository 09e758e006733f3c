//! container-logs - what a container has printed
fn main() -> std::process::ExitCode {
    cli::main::<container_logs::Args>()
}
