//! gpu-reserve - keep GPU slots for a user for a time, once or every day or week
fn main() -> std::process::ExitCode {
    cli::main::<gpu_reserve::Args>()
}
