//! container-create - make a container with a GPU, your files and yourself in it
fn main() -> std::process::ExitCode {
    cli::main::<container_create::Args>()
}
