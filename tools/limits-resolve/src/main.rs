//! limits-resolve - what a user may use, and which line of the config says so
fn main() -> std::process::ExitCode {
    cli::main::<limits_resolve::Args>()
}
