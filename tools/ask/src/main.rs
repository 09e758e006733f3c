//! ask - a question at the terminal, for scripts: a yes, one of a list, a line
fn main() -> std::process::ExitCode {
    cli::main::<ask::Args>()
}
