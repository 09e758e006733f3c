//! container-list - your containers, with GPU, time left and what they do
fn main() -> std::process::ExitCode {
    cli::main::<container_list::Args>()
}
