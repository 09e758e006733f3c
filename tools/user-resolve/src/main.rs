//! user-resolve - who a user is: canonical name, groups, admin or not, slice, name spaces
fn main() -> std::process::ExitCode {
    cli::main::<user_resolve::Args>()
}
