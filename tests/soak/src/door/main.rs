//! door-soak - the Docker door under load, its clients killed, its daemon and itself restarted
//!
//! A stand-in for the daemon, the door as a process before it, and clients of every kind:
//! idle ones, followers of logs, short requests on connections of their own, and such as are
//! killed in the middle. The listening socket is held here, as systemd holds it, so that a
//! restart of the door may refuse nobody. At the end descriptors, threads and memory of the
//! door must be what they were.

mod clients;
mod door;
#[path = "../random.rs"]
mod random;
mod run;

use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use ds01_text::Output;

/// Set for a process that is one of the two sides.
const BE: &str = "DOOR_SOAK_BE";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Short requests on a connection each, all clients together
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    connections: u64,
    /// Connections that ask once and wait
    #[arg(long, value_name = "N", default_value_t = 1000)]
    idle: usize,
    /// Followers of logs
    #[arg(long, value_name = "N", default_value_t = 200)]
    logs: usize,
    /// Clients that ask at the same time
    #[arg(long, value_name = "N", default_value_t = 8)]
    clients: usize,
    /// Restarts of the door, and as many of the daemon
    #[arg(long, value_name = "N", default_value_t = 5)]
    restarts: u32,
}

impl cli::Tool for Args {
    const NAME: &'static str = "door-soak";
    const ABOUT: &'static str =
        "the Docker door under load, its clients killed, its daemon and itself restarted";

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        if !nix::unistd::Uid::effective().is_root() {
            return Err(
                Fault::not_permitted("the soak asks as somebody else").todo("run it as root")
            );
        }
        run::run(&self)
    }
}

#[derive(clap::Args, Debug)]
struct StandIn {
    socket: std::path::PathBuf,
}

impl cli::Tool for StandIn {
    const NAME: &'static str = "stand-in";
    const ABOUT: &'static str = "the daemon of the soak";

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        ds01_standin::serve(&self.socket, clients::USER)
            .or_fault(Code::Failed, || "cannot stand in for the daemon".to_owned())?;
        Ok(Output::default())
    }
}

fn main() -> std::process::ExitCode {
    match std::env::var(BE).as_deref() {
        Ok("door") => cli::main::<dfilter::Args>(),
        Ok(_) => cli::main::<StandIn>(),
        Err(_) => cli::main::<Args>(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_options_are_well_formed() {
        cli::check::<super::Args>();
    }
}
