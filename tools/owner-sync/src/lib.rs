//! owner-sync - the index of who owns which container, kept in step with Docker

mod index;

use std::thread::sleep;
use std::time::Duration;

use cli::Tool;
use ds01_docker::{Docker, Next};
use ds01_fault::{Code, Fault};
use ds01_site::Site;
use ds01_text::{Emit, Output};
use serde_json::json;

use crate::index::{Index, Known};

/// Also without events: admins, accounts and the owners of directories change silently.
const AT_LEAST: Duration = Duration::from_secs(5);
/// What comes together is written together.
const TOGETHER: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_secs(1);
const EVENTS: &str = r#"{"event":["create","destroy","rename"],"type":["container"]}"#;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write the index once, and print it
    #[arg(long, required_unless_present = "watch")]
    once: bool,
    /// Write it at every event and every five seconds; one line for each change
    #[arg(long, conflicts_with = "once")]
    watch: bool,
    /// Print the index and write nothing
    #[arg(long, conflicts_with = "watch")]
    dry_run: bool,
}

impl Tool for Args {
    const NAME: &'static str = "owner-sync";
    const ABOUT: &'static str = "the index of who owns which container, kept in step with Docker";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let docker = Docker::from_env()?;
        if self.watch {
            let site = site.clone();
            return Ok(Output::stream(move |emit| watch(&site, &docker, emit)));
        }
        let index = index::read(site, &docker, &mut Known::new())?;
        if !self.dry_run {
            index::write(site, &index)?;
        }
        let document = serde_json::to_value(&index).unwrap_or_default();
        Ok(Output::one(&cli::dry_run::marked(document, self.dry_run))
            .text(cli::dry_run::told(words(&index), self.dry_run)))
    }
}

fn words(index: &Index) -> String {
    format!("{} containers, {} flagged", index.containers.len(), index.flagged.len())
}

fn watch(site: &Site, docker: &Docker, emit: Emit<'_>) -> Result<(), Fault> {
    let (mut known, mut last) = (Known::new(), None);
    loop {
        match follow(site, docker, &mut known, &mut last, emit) {
            // The daemon comes back; what is written stays until then.
            Err(fault) if fault.code != Code::Unreachable || last.is_none() => return Err(fault),
            _ => sleep(PAUSE),
        }
    }
}

/// As long as one connection lasts. Events first, then the list: nothing falls between.
fn follow(
    site: &Site,
    docker: &Docker,
    known: &mut Known,
    last: &mut Option<Index>,
    emit: Emit<'_>,
) -> Result<(), Fault> {
    let mut events = docker.follow(&["events"], &[("filters", EVENTS)])?;
    loop {
        let index = index::read(site, docker, known)?;
        index::write(site, &index)?;
        let changed = last
            .as_ref()
            .is_none_or(|last| Index { updated_at: last.updated_at, ..index.clone() } != *last);
        if changed {
            let line = json!({"containers": index.containers.len(), "flagged": index.flagged,
                "updated_at": index.updated_at});
            emit(line, &words(&index))?;
        }
        *last = Some(index);
        let mut wait = AT_LEAST;
        for _ in 0..100 {
            match events.next_within(Some(wait))? {
                Next::Item(_) => wait = TOGETHER,
                Next::Quiet => break,
                Next::End => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_is_well_formed() {
        cli::check::<super::Args>();
    }
}
