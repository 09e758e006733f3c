//! ledger-soak - many processes on one ledger, killed at random, and no slot given twice
//!
//! Each process takes and gives back slots for ever. Beside the ledger every lease is marked
//! by a file of its own, made after the answer and removed before the release: a mark that is
//! there already is a slot given twice, a mark without a lease is an answer that was lost.

mod child;
mod parent;
mod random;

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Leases taken and given back, all processes together
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    operations: u64,
    /// Processes at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    processes: usize,
    /// Where the ledger is made; a directory that does not outlive the run unless named
    #[arg(long, value_name = "DIR")]
    directory: Option<std::path::PathBuf>,
    /// Run as this one of the processes
    #[arg(long, value_name = "NUMBER", hide = true, requires = "directory")]
    child: Option<usize>,
    /// Where its random numbers begin
    #[arg(long, value_name = "NUMBER", hide = true, default_value_t = 1)]
    seed: u64,
}

impl cli::Tool for Args {
    const NAME: &'static str = "ledger-soak";
    const ABOUT: &'static str =
        "many processes on one ledger, killed at random, and no slot given twice";

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        match (self.child, &self.directory) {
            (Some(number), Some(directory)) => child::run(directory, number, self.seed),
            _ => parent::run(&self),
        }
    }
}

fn main() -> std::process::ExitCode {
    cli::main::<Args>()
}
