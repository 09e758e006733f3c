//! admit - may this person create or start this container, and with what
fn main() -> std::process::ExitCode {
    cli::main::<admit::Args>()
}
