//! container-start - start containers; each takes up its GPU again
fn main() -> std::process::ExitCode {
    cli::main::<container_start::Args>()
}
