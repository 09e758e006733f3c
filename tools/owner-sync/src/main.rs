//! owner-sync - the index of who owns which container, kept in step with Docker

fn main() -> std::process::ExitCode {
    cli::main::<owner_sync::Args>()
}
