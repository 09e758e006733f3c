//! slice-make - bring systemd's slices for groups and users to what the config says
fn main() -> std::process::ExitCode {
    cli::main::<slice_make::Args>()
}
