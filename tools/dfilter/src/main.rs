//! dfilter - the per-user filter in front of the Docker socket
fn main() -> std::process::ExitCode {
    cli::main::<dfilter::Args>()
}
