//! limits-schema - the JSON Schema of the config, for editors that check while one types
fn main() -> std::process::ExitCode {
    cli::main::<limits_schema::Args>()
}
