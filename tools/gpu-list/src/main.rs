//! gpu-list - GPUs and MIG instances: identity, size, place, health
fn main() -> std::process::ExitCode {
    cli::main::<gpu_list::Args>()
}
