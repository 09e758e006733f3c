//! container-exit - what goes on when you leave a container, and until when
fn main() -> std::process::ExitCode {
    cli::main::<container_exit::Args>()
}
