//! limits-check - what is wrong with the config, all of it at once
fn main() -> std::process::ExitCode {
    cli::main::<limits_check::Args>()
}
