//! gpu-avail - could this user get a GPU now, and if not, what is in the way
fn main() -> std::process::ExitCode {
    cli::main::<gpu_avail::Args>()
}
