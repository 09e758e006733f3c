//! Who waits, and what the plan says to each: for the ledger's owner fresh, for everybody
//! else from the view, which is written with every change of the line.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use ds01_fault::{Code, Context, Fault};
use ds01_ledger::types::Want;
use ds01_queue::{Plan, Start, Wait, order, plan};
use ds01_site::Site;
use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

use ds01_ledger::Host;

const SCHEMA: u32 = 1;

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    pub schema: u32,
    pub as_of: Stamp,
    pub entries: Vec<Waiting>,
}

/// One entry, where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// 1 is the first in line.
    pub position: usize,
    pub id: u64,
    pub user: String,
    pub gpus: u32,
    pub profile: Want,
    pub container: Option<String>,
    pub priority: u8,
    /// Weighted GPU seconds that the fair share went by.
    pub share: u64,
    pub joined_at: Stamp,
    /// Seconds; none: without end.
    pub max_runtime: Option<Span>,
    /// `now`, `planned`, `unknown` or `never`.
    pub start: String,
    /// Exact when everybody before it runs to the limit.
    pub expected_start: Option<Stamp>,
    /// `slots`, `own_limit`, `group_limit` or nothing.
    pub waits_for: Option<String>,
    /// Display names of the slots that are planned for it or claimed.
    pub slots: Vec<String>,
    /// Until when the slots are kept for it; none: not its turn yet.
    pub claim_until: Option<Stamp>,
    pub claims_missed: u8,
}

/// The line with its plan, as of the host's moment.
pub fn queue(host: &Host) -> Queue {
    let entries = host.entries();
    let policy = host.policy();
    let order = order(&entries, policy.half_life, policy.patience);
    let plan = plan(&host.world(), &entries, &order, host.now, policy.claim);
    Queue { schema: SCHEMA, as_of: host.now, entries: waiting(host, &plan, &entries) }
}

/// What a plan says, for people and programs. The plan is over `entries`.
pub fn waiting(host: &Host, plan: &Plan, entries: &[ds01_queue::Entry]) -> Vec<Waiting> {
    let names: HashMap<String, String> =
        host.slots().into_iter().map(|slot| (slot.uuid, slot.id.to_string())).collect();
    let by_place: Vec<String> = host.slots().iter().map(|slot| slot.id.to_string()).collect();
    let describe = |(place, &index): (usize, &usize)| {
        let (entry, planned) = (&entries[index], &plan.of[index]);
        let recorded = host.state.queue.get(&entry.id)?;
        let claim = entry.claim.as_ref().filter(|claim| claim.until > host.now);
        let slots = match claim {
            Some(claim) => {
                claim.slots.iter().map(|id| names.get(id).unwrap_or(id).clone()).collect()
            }
            None => planned.slots.iter().map(|&at| by_place[at].clone()).collect(),
        };
        let (start, expected_start) = match planned.start {
            Start::At(at) if at <= host.now => ("now", Some(at)),
            Start::At(at) => ("planned", Some(at)),
            Start::Unknown => ("unknown", None),
            Start::Never => ("never", None),
        };
        Some(Waiting {
            position: place + 1,
            id: entry.id,
            user: entry.user.clone(),
            gpus: entry.count,
            profile: recorded.want.clone(),
            container: recorded.container.clone(),
            priority: entry.priority,
            share: entry.share,
            joined_at: entry.joined,
            max_runtime: entry.runtime,
            start: start.to_owned(),
            expected_start,
            waits_for: waits_for(planned.waits),
            slots,
            claim_until: claim.map(|claim| claim.until),
            claims_missed: entry.missed,
        })
    };
    plan.order.iter().enumerate().filter_map(describe).collect()
}

fn waits_for(wait: Wait) -> Option<String> {
    match wait {
        Wait::Nothing => None,
        Wait::Slots => Some("slots".to_owned()),
        Wait::OwnLimit => Some("own_limit".to_owned()),
        Wait::GroupLimit => Some("group_limit".to_owned()),
    }
}

/// Where the view lies.
pub fn path(site: &Site) -> PathBuf {
    site.run().join("gpu-queue.json")
}

/// Writes the view. The caller holds the ledger's lock, so views come in the order of what
/// they show.
pub(crate) fn write(site: &Site, queue: &Queue) -> Result<(), Fault> {
    let cannot = || format!("cannot write {}", path(site).display());
    std::fs::create_dir_all(site.run()).or_fault(Code::Failed, cannot)?;
    let mut text = serde_json::to_string(queue).or_fault(Code::Failed, cannot)?;
    text.push('\n');
    ds01_site::replace(&path(site), text.as_bytes(), 0o644, false)
}

/// The line as it was last written; nobody in it where there is no view yet.
pub fn read(site: &Site) -> Result<Queue, Fault> {
    let path = path(site);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Queue { schema: SCHEMA, as_of: site.now(), entries: Vec::new() });
        }
        other => other.or_fault(Code::Unreadable, || format!("cannot read {}", path.display()))?,
    };
    #[derive(Deserialize)]
    struct Form {
        schema: u32,
    }
    let cannot = || format!("cannot understand {}", path.display());
    let form: Form = serde_json::from_str(&text).or_fault(Code::Unreadable, cannot)?;
    if form.schema > SCHEMA {
        return Err(Fault::unreadable(cannot())
            .why(format!("it has schema {}, this ds01 knows {SCHEMA}", form.schema))
            .todo("use the ds01 that wrote it, or a newer one"));
    }
    serde_json::from_str(&text).or_fault(Code::Unreadable, cannot)
}
