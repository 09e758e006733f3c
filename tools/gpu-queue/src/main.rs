//! gpu-queue - wait in line for a GPU: join, leave, see who waits and when it is whose turn
fn main() -> std::process::ExitCode {
    cli::main::<gpu_queue::Args>()
}
