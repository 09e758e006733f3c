//! event-log - write down that something happened

fn main() -> std::process::ExitCode {
    cli::main::<event_log::Args>()
}
