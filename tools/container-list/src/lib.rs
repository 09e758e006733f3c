//! container-list - your containers, with GPU, time left and what they do
//!
//! Running and stopped ones: a stopped one may keep a GPU. What Docker, the ledger, the board,
//! the limits and `idle-check` say is put beside each other; what one of them cannot say is
//! not known, and shown as `-`.

mod text;

use std::time::Duration;

use cli::For;
use ds01_containers::Mine;
use ds01_containers::glance::Glance;
use ds01_containers::table::{any_gpu, inspected, rows};
use ds01_docker::{Container, Listed};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use serde_json::json;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these, by name or id; - reads them from stdin
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Running and stopped ones, as without it
    #[arg(short, long, conflicts_with_all = ["running", "stopped"])]
    all: bool,
    /// Only those that run
    #[arg(long, conflicts_with = "stopped")]
    running: bool,
    /// Only those that do not run
    #[arg(long)]
    stopped: bool,
    /// Everybody's; admins only
    #[arg(long, conflicts_with = "names")]
    everyone: bool,
    /// Again and again, every 2 seconds or as many as are given
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-list";
    const ABOUT: &'static str = "your containers, with GPU, time left and what they do";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mut mine = Mine::open(site)?;
        let Some(seconds) = self.watch else {
            let (found, faults) = self.find(&mine)?;
            let rows = self.rows(&mine, &found);
            let shown = text::of(&rows, mine.now(), self.everyone);
            let words = if rows.is_empty() { self.nothing(&faults) } else { shown };
            let output = Output::many(&rows).text(words);
            return Ok(faults.into_iter().fold(output, Output::fault));
        };
        Ok(Output::stream(move |emit| {
            loop {
                mine.look_again();
                let (found, faults) = self.find(&mine)?;
                if let Some(fault) = faults.into_iter().next() {
                    return Err(fault);
                }
                let rows = self.rows(&mine, &found);
                let shown = text::of(&rows, mine.now(), self.everyone);
                cli::screen(emit, rows.iter().map(|row| json!(row)), &shown)?;
                std::thread::sleep(Duration::from_secs(seconds));
            }
        }))
    }
}

impl Args {
    fn find(&self, mine: &Mine) -> Result<(Vec<Container>, Vec<Fault>), Fault> {
        if !self.names.is_empty() {
            let mut faults = Vec::new();
            let mut found = Vec::new();
            for name in verbs::Names::of(self.names.clone()).given()? {
                match mine.find(&name) {
                    Ok(container) => found.push(container),
                    Err(fault) => faults.push(fault),
                }
            }
            found.retain(|one| self.wanted(one.is_running()));
            return Ok((found, faults));
        }
        let mut listed: Vec<Listed> = if self.everyone { mine.everyones()? } else { mine.all()? };
        listed.retain(|one| self.wanted(one.state.is_running()));
        Ok((inspected(mine, &listed)?, Vec::new()))
    }

    fn wanted(&self, running: bool) -> bool {
        if running { !self.stopped } else { !self.running }
    }

    fn rows(&self, mine: &Mine, found: &[Container]) -> Vec<ds01_containers::table::Row> {
        let glance = any_gpu(mine, found).then(|| Glance::now(None).ok()).flatten();
        rows(mine, found, glance.as_ref())
    }

    fn nothing(&self, faults: &[Fault]) -> String {
        let whose = if self.everyone { "there is" } else { "you have" };
        match (faults.is_empty(), self.running, self.stopped) {
            (false, ..) => String::new(),
            (_, true, _) => format!("{whose} no running container"),
            (_, _, true) => format!("{whose} no stopped container"),
            _ => format!("{whose} no container"),
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
