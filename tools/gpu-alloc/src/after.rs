//! What follows a decision once it is recorded: the view, the events, and the next in line.
//! Nobody waits for them, and none can undo the decision.

use ds01_config::Config;
use ds01_eventlog::{Event, Kind, append};
use ds01_ledger::facts::board;
use ds01_ledger::types::Lease;
use ds01_ledger::{Decision, State, view};
use ds01_site::Site;
use ds01_units::Stamp;
use serde_json::{Value, json};

const SOURCE: &str = "gpu-alloc";

/// Writes the view and logs what happened to leases.
pub fn tell(site: &Site, state: &State, born: Stamp, events: &[Event]) {
    // A view that cannot be written is an old view: the ledger has the truth.
    let _ = view::write(site, state, born);
    events.iter().for_each(|event| append(site, event));
    if !state.queue.is_empty() {
        next_in_line(site);
    }
}

/// Whose turn it is now gets the claim now, not with the timer's next pass. Until one of the
/// two, what is planned for the line is nobody else's anyway.
pub fn next_in_line(site: &Site) {
    if let (Ok(config), Ok(board)) = (Config::load(site), board(site)) {
        let _ = ds01_line::pass(site, &config, &board, false);
    }
}

/// The end of a wait that a lease has served.
pub fn served(decision: &Decision) -> Option<Event> {
    let Decision::Leased { lease, entry: Some(id), .. } = decision else { return None };
    let details = json!({"id": id, "container": lease.container, "why": "served"});
    Some(Event::new(Kind::QueueLeave, lease.user.as_str(), SOURCE, details))
}

/// The event of a decision about a lease; `before` is the lease as it was.
pub fn event(decision: &Decision, before: Option<&Lease>) -> Option<Event> {
    let (kind, lease, more) = match decision {
        Decision::Leased { lease, ended, .. } => {
            (Kind::GpuAllocate, lease, json!({"ended": ended}))
        }
        Decision::Adopted { lease } => (Kind::GpuAllocate, lease, json!({"adopted": true})),
        Decision::Stopped { hold_until, .. } => {
            (Kind::GpuHold, before?, json!({"hold_until": hold_until}))
        }
        Decision::Released { why, .. } => (Kind::GpuRelease, before?, json!({"why": why})),
        _ => return None,
    };
    let uuids: Vec<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
    let mut details = json!({
        "container": lease.container, "gpu_id": lease.gpu_id(), "uuids": uuids,
        "gpueq": lease.gpueq(), "priority": lease.priority,
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut details, more) {
        all.extend(more);
    }
    Some(Event::new(kind, lease.user.as_str(), SOURCE, details))
}

/// The event of a refusal.
pub fn rejected(user: &str, container: &str, fault: &ds01_fault::Fault) -> Event {
    let limits = fault.details.get("limits").cloned().unwrap_or_default();
    let details = json!({"container": container, "message": fault.what, "limits": limits});
    Event::new(Kind::GpuReject, user, SOURCE, details)
}
