//! docker-events - Docker's events as JSON lines, taken up again where they broke off

fn main() -> std::process::ExitCode {
    cli::main::<docker_events::Args>()
}
