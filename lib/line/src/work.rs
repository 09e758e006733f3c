//! What is done to the line under the ledger's lock: the pass, and the records of it.

use ds01_board::Board;
use ds01_config::Config;
use ds01_eventlog::{Event, Kind, append};
use ds01_fault::Fault;
use ds01_ledger::disk::Directory;
use ds01_ledger::types::Claim;
use ds01_ledger::{Decision, Host, Ledger};
use ds01_site::Site;
use ds01_units::Stamp;
use serde::Serialize;
use serde_json::json;

use crate::{Queue, view};

/// The tool that events name as their source.
pub(crate) const SOURCE: &str = "gpu-queue";

/// What a pass did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Done {
    /// Entries that got a claim, first in line first.
    pub claimed: Vec<u64>,
    /// Claims that ended without a container.
    pub missed: Vec<Loss>,
    /// How many wait, those with a claim included.
    pub waiting: usize,
}

/// A claim that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    pub id: u64,
    pub user: String,
    /// `missed`: its time ran out; `withdrawn`: its slots went away.
    pub why: &'static str,
    /// Whether the entry left the line with it.
    pub left: bool,
}

/// The line under lock.
pub(crate) struct Work<'a> {
    pub site: &'a Site,
    pub config: &'a Config,
    pub board: &'a Board,
    pub ledger: Ledger<Directory>,
    pub now: Stamp,
}

impl<'a> Work<'a> {
    pub fn open(site: &'a Site, config: &'a Config, board: &'a Board) -> Result<Self, Fault> {
        let ledger = ds01_ledger::open(site)?;
        // After the lock, which may have taken a while.
        Ok(Self { site, config, board, ledger, now: site.now() })
    }

    pub fn host(&self) -> Host<'_> {
        Host { config: self.config, board: self.board, state: self.ledger.state(), now: self.now }
    }

    pub fn record(&mut self, decision: Decision) -> Result<(), Fault> {
        self.ledger.record(decision, self.now)
    }

    pub fn event(&self, kind: Kind, user: &str, details: serde_json::Value) {
        append(self.site, &Event::new(kind, user, SOURCE, details).at(self.now));
    }

    /// Reservations whose last window is over.
    fn forget_past_windows(&mut self) -> Result<(), Fault> {
        let all = self.ledger.state().reservations.values();
        let past = all.filter(|one| one.window_after(self.now).is_none());
        let past: Vec<u64> = past.map(|one| one.id).collect();
        past.into_iter().try_for_each(|id| self.record(Decision::ReservationCancelled { id }))
    }

    /// One pass: records every change before the next, so that a crash in between leaves a
    /// line that the next pass goes on with.
    pub fn pass(&mut self) -> Result<(Done, Queue), Fault> {
        self.forget_past_windows()?;
        let host = self.host();
        let mut entries = host.entries();
        let outcome = ds01_queue::pass(&host.world(), &mut entries, self.now, host.policy());
        let names: Vec<(String, String)> =
            host.slots().into_iter().map(|slot| (slot.uuid, slot.id.to_string())).collect();
        let mut done = Done { claimed: Vec::new(), missed: Vec::new(), waiting: entries.len() };
        for miss in outcome.missed {
            let id = miss.id;
            self.record(match miss.passed {
                true => Decision::Missed { id },
                false => Decision::Unclaimed { id },
            })?;
            if miss.leaves {
                self.record(Decision::Left { id })?;
                self.event(Kind::QueueLeave, &miss.user, json!({"id": id, "why": "claims_missed"}));
            }
            let why = if miss.passed { "missed" } else { "withdrawn" };
            done.missed.push(Loss { id, user: miss.user, why, left: miss.leaves });
        }
        for (id, claim) in outcome.claims {
            let recorded =
                Claim { slots: claim.slots.clone(), since: claim.given, until: claim.until };
            self.record(Decision::Claimed { id, claim: recorded })?;
            let slots: Vec<&String> = names
                .iter()
                .filter(|(uuid, _)| claim.slots.contains(uuid))
                .map(|(_, name)| name)
                .collect();
            if let Some(entry) = self.ledger.state().queue.get(&id) {
                let details = json!({
                    "id": id, "container": entry.container, "slots": slots, "until": claim.until,
                });
                self.event(Kind::QueueClaim, &entry.user, details);
            }
            done.claimed.push(id);
        }
        let host = self.host();
        let entries_now = view::waiting(&host, &outcome.plan, &entries);
        let queue = Queue { schema: 1, as_of: self.now, entries: entries_now };
        Ok((done, queue))
    }

    /// Makes what was decided visible. Derived, so a failure undoes nothing; `ds01-health`
    /// finds a view that is missing or old.
    pub fn publish(mut self, queue: &Queue) {
        let _ = view::write(self.site, queue);
        let _ = self.ledger.shorten();
        let _ = ds01_ledger::view::write(self.site, self.ledger.state(), self.ledger.born());
    }
}

/// One pass over the line.
pub fn pass(site: &Site, config: &Config, board: &Board, dry_run: bool) -> Result<Done, Fault> {
    if dry_run {
        let state = ds01_ledger::look(site)?;
        let host = Host { config, board, state: &state, now: site.now() };
        let mut entries = host.entries();
        let outcome = ds01_queue::pass(&host.world(), &mut entries, host.now, host.policy());
        return Ok(Done {
            claimed: outcome.claims.iter().map(|(id, _)| *id).collect(),
            missed: outcome
                .missed
                .into_iter()
                .map(|miss| Loss {
                    id: miss.id,
                    user: miss.user,
                    why: if miss.passed { "missed" } else { "withdrawn" },
                    left: miss.leaves,
                })
                .collect(),
            waiting: entries.len(),
        });
    }
    let mut work = Work::open(site, config, board)?;
    let (done, queue) = work.pass()?;
    work.publish(&queue);
    Ok(done)
}
