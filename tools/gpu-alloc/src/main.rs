//! gpu-alloc - who may use which GPU: give, keep, free, show and explain
fn main() -> std::process::ExitCode {
    cli::main::<gpu_alloc::Args>()
}
