//! Leaving the line.

use ds01_board::Board;
use ds01_config::Config;
use ds01_eventlog::Kind;
use ds01_fault::Fault;
use ds01_ledger::types::QueueEntry;
use ds01_ledger::{Decision, State};
use ds01_site::Site;
use serde_json::json;

use crate::Asker;
use crate::work::Work;

/// Takes entries out: those named by id or container, or all of `user`'s. Returns what was
/// taken out; a claim among them goes to the next at once.
///
/// Names are sought among `user`'s own entries first; ids are unique.
pub fn leave(
    site: &Site,
    config: &Config,
    board: &Board,
    asker: &Asker,
    user: &str,
    names: Option<&[String]>,
    dry_run: bool,
) -> Result<Vec<QueueEntry>, Fault> {
    if dry_run {
        return chosen(&ds01_ledger::look(site)?, asker, user, names);
    }
    let mut work = Work::open(site, config, board)?;
    // All are found before the first goes: half of what was asked for is nothing.
    let leaving = chosen(work.ledger.state(), asker, user, names)?;
    for entry in &leaving {
        work.record(Decision::Left { id: entry.id })?;
        let details = json!({"id": entry.id, "container": entry.container, "why": "left"});
        work.event(Kind::QueueLeave, &entry.user, details);
    }
    if !leaving.is_empty() {
        let (_, queue) = work.pass()?;
        work.publish(&queue);
    }
    Ok(leaving)
}

fn chosen(
    state: &State,
    asker: &Asker,
    user: &str,
    names: Option<&[String]>,
) -> Result<Vec<QueueEntry>, Fault> {
    let own = |entry: &&QueueEntry| entry.user == user;
    let Some(names) = names else {
        return Ok(state.queue.values().filter(own).cloned().collect());
    };
    let mut leaving: Vec<QueueEntry> = Vec::new();
    for name in names {
        let is_named = |entry: &&QueueEntry| {
            name.parse() == Ok(entry.id) || entry.container.as_ref() == Some(name)
        };
        let entry = state
            .queue
            .values()
            .filter(own)
            .find(is_named)
            .or_else(|| state.queue.values().find(is_named))
            .ok_or_else(|| {
                Fault::not_found(format!("no entry `{}` in line", ds01_text::printable(name)))
                    .why("it is neither an entry's id nor the container that one waits for")
                    .todo("`gpu-queue list` shows them")
            })?;
        if entry.user != user && !asker.admin {
            return Err(Fault::not_permitted(format!("entry {} is {}'s", entry.id, entry.user))
                .why("everybody leaves for themselves; the admins for anybody"));
        }
        if !leaving.iter().any(|one| one.id == entry.id) {
            leaving.push(entry.clone());
        }
    }
    Ok(leaving)
}
