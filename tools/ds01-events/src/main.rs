//! ds01-events - what happened: find, follow and count events

fn main() -> std::process::ExitCode {
    cli::main::<ds01_events::Args>()
}
