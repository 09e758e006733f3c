//! The line in words.

use ds01_ledger::types::QueueEntry;
use ds01_line::{Done, Queue, Waiting};
use ds01_text::{Table, printable};
use ds01_units::Stamp;

/// A time as people say it on that day; all times are UTC.
fn clock(at: Stamp, now: Stamp) -> String {
    let (time, today) = (at.utc(), now.utc());
    let form = if time.date_naive() == today.date_naive() { "%H:%M" } else { "%d %b %Y %H:%M" };
    format!("{} UTC", time.format(form))
}

fn start(one: &Waiting, now: Stamp) -> String {
    if let Some(until) = one.claim_until {
        return format!("now: {} kept {} more", one.slots.join(","), until.since(now).words());
    }
    let why = match one.waits_for.as_deref() {
        Some("own_limit") => ", after an own lease ends",
        Some("group_limit") => ", after a lease of the group ends",
        _ => "",
    };
    match (one.start.as_str(), one.expected_start) {
        ("now", _) => "with the next pass".to_owned(),
        (_, Some(at)) => format!("by {}{why}", clock(at, now)),
        ("never", _) => "never: the limits or the board do not allow it any more".to_owned(),
        _ => format!("unknown: somebody before has no latest end{why}"),
    }
}

fn what(one: &Waiting) -> String {
    let slots = if one.gpus == 1 { "slot" } else { "slots" };
    match one.profile.to_string().as_str() {
        "any" => format!("{} GPU {slots}", one.gpus),
        profile => format!("{} {profile} {slots}", one.gpus),
    }
}

/// One entry in one or two lines.
pub fn joined(one: &Waiting, now: Stamp) -> String {
    let container =
        one.container.as_ref().map(|name| format!(" for {}", printable(name))).unwrap_or_default();
    let mut text = format!(
        "Position {}: {}{container} (entry {}, {})\nStart: {}",
        one.position,
        what(one),
        one.id,
        printable(&one.user),
        start(one, now)
    );
    if one.claims_missed > 0 {
        text += &format!("\nClaims let pass: {} of {}", one.claims_missed, ds01_queue::MISSES);
    }
    text
}

/// The whole line.
pub fn list(queue: &Queue, now: Stamp) -> String {
    if queue.entries.is_empty() {
        return "Nobody waits.".to_owned();
    }
    let mut table =
        Table::new(["POS", "ID", "USER", "WANTS", "RUN", "CONTAINER", "WAITS", "START"]);
    for one in &queue.entries {
        table.row([
            one.position.to_string(),
            one.id.to_string(),
            one.user.clone(),
            what(one),
            one.max_runtime.map_or_else(|| "no end".to_owned(), |run| run.words()),
            one.container.clone().unwrap_or_else(|| "-".to_owned()),
            now.since(one.joined_at).words(),
            start(one, now),
        ]);
    }
    table.render()
}

pub fn left(entries: &[QueueEntry]) -> String {
    if entries.is_empty() {
        return "There was nothing to give up.".to_owned();
    }
    let line = |entry: &QueueEntry| format!("{} left the line (entry {})", entry.user, entry.id);
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn done(done: &Done) -> String {
    let mut lines = vec![format!("{} wait, {} got a claim", done.waiting, done.claimed.len())];
    for loss in &done.missed {
        let left = if loss.left { " and left the line" } else { "" };
        let why = if loss.why == "missed" { "let a claim pass" } else { "lost a claim's slot" };
        lines.push(format!("{} {why}{left} (entry {})", loss.user, loss.id));
    }
    lines.join("\n")
}
