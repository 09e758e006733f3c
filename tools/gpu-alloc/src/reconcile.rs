//! `reconcile`: the ledger beside what Docker runs and the board shows.

use std::io::Read;

use ds01_config::Config;
use ds01_docker::{Container, Docker, read_listing};
use ds01_eventlog::Event;
use ds01_fault::{Code, Context, Fault};
use ds01_ledger::State;
use ds01_ledger::reconcile::{Difference, Sides, differences};
use ds01_site::Site;
use ds01_text::{Output, Table};
use serde_json::{Value, json};

use crate::after;

#[derive(clap::Args, Debug)]
pub struct Reconcile {
    /// - reads `docker inspect` documents from stdin in place of asking Docker
    #[arg(value_name = "-", value_parser = ["-"])]
    listing: Option<String>,
    /// Mend what can be mended
    #[arg(long)]
    apply: bool,
    /// Show what would be mended, and change nothing
    #[arg(long, conflicts_with = "apply")]
    dry_run: bool,
}

impl Reconcile {
    pub fn run(self, site: &Site) -> Result<Output, Fault> {
        ds01_ledger::may_write(site)?;
        let config = Config::load(site)?;
        // A missing NVML leaves display names unknown, and is no reason to leave leases lost.
        let board = ds01_ledger::facts::read_board();
        let note = board.as_ref().err().map(|fault| format!("without the board: {}", fault.what));
        let board = board.ok();
        let now = site.now();
        let compare = |state: &State, containers: &[Container]| {
            differences(&Sides { state, containers, board: board.as_ref(), config: &config, now })
        };
        let output = if self.apply {
            // The lock first: what Docker says must not be older than what the ledger says.
            let mut ledger = ds01_ledger::open(site)?;
            let containers = self.containers()?;
            let found = compare(ledger.state(), &containers);
            let mut events: Vec<Event> = Vec::new();
            for decision in found.iter().filter_map(|one| one.decision.as_ref()) {
                let before = before(ledger.state(), decision);
                // Another difference of the same container may have been mended with it.
                if ledger.state().check(decision).is_ok() {
                    ledger.record(decision.clone(), now)?;
                    events.extend(after::event(decision, before.as_ref()));
                }
            }
            let _ = ledger.shorten();
            let (state, born) = (ledger.state().clone(), ledger.born());
            drop(ledger);
            let site = site.clone();
            shown(&found, true).after(move || after::tell(&site, &state, born, &events))
        } else {
            shown(&compare(&ds01_ledger::look(site)?, &self.containers()?), false)
        };
        Ok(match note {
            Some(note) => output.note(note),
            None => output,
        })
    }

    fn containers(&self) -> Result<Vec<Container>, Fault> {
        if self.listing.is_none() {
            return Docker::from_env()?.containers();
        }
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .or_fault(Code::Usage, || "cannot read the listing on stdin".into())?;
        read_listing(&text)
    }
}

fn before(state: &State, decision: &ds01_ledger::Decision) -> Option<ds01_ledger::types::Lease> {
    match decision {
        ds01_ledger::Decision::Released { containers, .. } => {
            state.leases.get(containers.first()?).cloned()
        }
        _ => None,
    }
}

fn shown(found: &[Difference], applied: bool) -> Output {
    let mut table = Table::new(["CONTAINER", "USER", "FOUND", "FIX"]);
    let items: Vec<Value> = found
        .iter()
        .map(|one| {
            let mut item = json!(one);
            item["applied"] = json!(applied && one.decision.is_some());
            table.row([
                one.container.clone(),
                one.user.clone(),
                one.found.clone(),
                one.fix.clone(),
            ]);
            item
        })
        .collect();
    let text = if found.is_empty() { "no difference\n".to_owned() } else { table.render() };
    Output::many(items).text(text)
}
