//! dfilter: every Docker API request, from any client, passes here.
//!
//! The decisions are [`ds01_door`]'s; this is the I/O around them: sockets, who is asking,
//! what the daemon knows, and the answer on its way back.

mod answer;
mod audit;
mod builds;
mod check;
mod conn;
mod counters;
mod daemon;
mod door;
mod drain;
mod events;
mod explain;
mod gate;
mod grpc;
mod host;
mod judge;
mod lease;
mod passing;
mod peer;
mod people;
mod reply;
mod resolve;
mod serve;
mod splice;
mod stream;
mod upward;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Subcommand, ValueEnum};
use cli::{For, Tool};
use ds01_fault::Fault;
use ds01_people::Nss;
use ds01_site::Site;
use ds01_text::Output;

pub use door::Door;
pub use gate::Gate;
pub use judge::once;
pub use people::{Directory, who};
pub use serve::{bind, run};

/// The daemon's own socket.
pub fn upstream(site: &Site) -> PathBuf {
    site.root().join("var/run/docker-real.sock")
}

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Socket for everybody, in place of /var/run/docker.sock; one that systemd passes comes first
    #[arg(long, value_name = "SOCKET")]
    listen: Option<PathBuf>,
    /// Socket of the Docker daemon, in place of /var/run/docker-real.sock
    #[arg(long, value_name = "SOCKET", global = true)]
    upstream: Option<PathBuf>,
    /// Refuse, or only record what would be refused
    #[arg(long, value_enum, default_value = "enforce")]
    mode: Mode,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Look at the engine and its sockets, and say what is open
    Check,
    /// The verdict on a request, without sending it
    Explain {
        /// HTTP method, such as POST
        method: String,
        /// Path and query, such as /containers/create?name=x
        path: String,
        /// JSON body
        body: Option<String>,
        /// Who asks
        #[arg(long = "as", value_name = "USER")]
        user: String,
    },
}

/// What becomes of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The request is refused
    Enforce,
    /// The request passes, and what would have been refused is recorded
    Warn,
}

impl Tool for Args {
    const NAME: &'static str = "dfilter";
    const ABOUT: &'static str = "the per-user filter in front of the Docker socket";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let listen = self.listen.unwrap_or_else(|| site.root().join("var/run/docker.sock"));
        let upstream = self.upstream.unwrap_or_else(|| upstream(site));
        match self.verb {
            Some(Verb::Check) => check::check(site, &upstream, &listen),
            Some(Verb::Explain { method, path, body, user }) => {
                explain::explain(site, &method, &path, body.as_deref(), &user)
            }
            None => {
                let listener = serve::listener(&listen)?;
                let directory: Directory = Arc::new(Nss);
                run(Door::new(site, upstream, self.mode, directory)?, listener)?;
                Ok(Output::default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
