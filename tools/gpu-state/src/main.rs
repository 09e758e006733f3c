//! gpu-state - who has which GPU, seen by user, by container or by interface

fn main() -> std::process::ExitCode {
    cli::main::<gpu_state::Args>()
}
