//! container-run - start a container if need be, and work in it
fn main() -> std::process::ExitCode {
    cli::main::<container_run::Args>()
}
