//! container-create - make a container with a GPU, your files and yourself in it
//!
//! It is made, not started. Limits, labels and the GPU come from the Docker door, to which
//! this is a client like any other; what it adds is comfort: an image by the name of its
//! framework, the directories, the person's own name inside, and words for a refusal.

mod framework;
mod limits;
mod request;
mod retry;
mod text;

use std::path::PathBuf;
use std::time::Instant;

use cli::For;
use ds01_ask::Ask;
use ds01_containers::create::create;
use ds01_containers::order::{Gpus, Order};
use ds01_containers::{Mine, sudo, wait};
use ds01_fault::Fault;
use ds01_ledger::types::Want;
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Span;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What you call it: letters, digits, `_`, `.` and `-`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A framework of the catalogue, such as pytorch, instead of an image
    #[arg(value_name = "FRAMEWORK", conflicts_with = "image")]
    framework: Option<String>,
    /// Its version; the newest unless said
    #[arg(value_name = "VERSION", id = "framework_version")]
    version: Option<String>,
    /// The image; fetched where it is not here
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// How many GPUs, or all that one container may have; one unless said
    #[arg(
        short,
        long,
        visible_alias = "num-gpus",
        value_name = "N",
        conflicts_with = "cpu_only",
        allow_negative_numbers = true
    )]
    gpus: Option<Gpus>,
    /// Which kind of GPU: any, full, mig, or a MIG profile such as 2g.20gb
    #[arg(long, value_name = "PROFILE", conflicts_with = "cpu_only", value_parser = profile)]
    profile: Option<String>,
    /// No GPU at all, whatever the image says
    #[arg(long)]
    cpu_only: bool,
    /// Your directory that is /workspace inside; ~/workspace/NAME unless said
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A directory that is /data inside; for reading unless you may write there
    #[arg(short, long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The same as /models
    #[arg(short, long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// The project it belongs to; its directory is the workspace then
    #[arg(short, long, value_name = "NAME")]
    project: Option<String>,
    /// Wait in line where no GPU is free, and make it when one is
    #[arg(long)]
    wait: bool,
    /// Give up waiting after this
    #[arg(long, value_name = "SPAN", requires = "wait")]
    wait_at_most: Option<Span>,
    /// Show what you may use, and make nothing
    #[arg(long)]
    show_limits: bool,
    /// List the frameworks of the catalogue for this machine, and make nothing
    #[arg(long)]
    frameworks: bool,
    /// Show what would be made, and make nothing
    #[arg(long)]
    dry_run: bool,
}

fn profile(text: &str) -> Result<String, String> {
    text.parse::<Want>().map(|_| text.to_owned())
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-create";
    const ABOUT: &'static str = "make a container with a GPU, your files and yourself in it";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        if self.frameworks {
            return framework::list(site);
        }
        sudo::step_down(site)?;
        let mine = Mine::at_the_door(site)?;
        if self.show_limits {
            return limits::show(&mine);
        }
        let ask = Ask::at(site);
        let (wait, at_most, dry_run) = (self.wait, self.wait_at_most, self.dry_run);
        let order = request::order(self, site, &mine, &ask)?;
        if dry_run {
            return text::would(&mine, &order);
        }
        let plan = Plan { wait, at_most, ask: &ask };
        let (order, created) = plan.make(&mine, order)?;
        text::created(&mine, &order, &created)
    }
}

/// How far somebody goes to get it.
struct Plan<'a> {
    wait: bool,
    at_most: Option<Span>,
    ask: &'a Ask,
}

impl Plan<'_> {
    /// Until it is made, or there is nothing more to try.
    fn make(
        mut self,
        mine: &Mine,
        mut order: Order,
    ) -> Result<(Order, ds01_containers::create::Created), Fault> {
        let begun = Instant::now();
        loop {
            let fault = match create(mine, &order, &cli::progress) {
                Ok(created) => return Ok((order, created)),
                Err(fault) => fault,
            };
            if self.wait && retry::is_about_gpus(&fault) {
                let left = self.at_most.map(|span| {
                    let gone = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    Span::from_millis(span.millis().saturating_sub(gone))
                });
                wait::wait(mine, &order, left, &cli::progress)?;
                continue;
            }
            match retry::offer(self.ask, &order, &fault)? {
                Some(retry::Other::Wait) => self.wait = true,
                Some(retry::Other::Order(other)) => order = *other,
                None => return Err(fault),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_profile_is_one_that_the_ledger_knows() {
        for good in ["any", "full", "mig", "2g.20gb", "1g.10gb+me"] {
            assert!(profile(good).is_ok(), "{good}");
        }
        assert!(profile("huge").is_err());
    }
}
