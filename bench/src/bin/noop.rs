//! noop - a tool with the options of limits-resolve that does nothing
//!
//! What a command of this suite costs before it does anything; the others are measured
//! against it.

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;

#[derive(clap::Args, Debug)]
struct Args {
    /// Whose limits
    users: Vec<String>,
    /// Everybody
    #[arg(long)]
    all: bool,
    /// One limit
    #[arg(long)]
    get: Option<String>,
    /// Why
    #[arg(long)]
    explain: Option<String>,
    /// Which config
    #[arg(long)]
    config: Option<std::path::PathBuf>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "noop";
    const ABOUT: &'static str = "a tool that does nothing";

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        Ok(Output::default())
    }
}

fn main() -> std::process::ExitCode {
    cli::main::<Args>()
}
