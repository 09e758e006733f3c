//! Joining the line.

use ds01_board::Board;
use ds01_config::Config;
use ds01_eventlog::Kind;
use ds01_fault::Fault;
use ds01_ledger::host::{kind_of, kinds, runtime};
use ds01_ledger::types::{QueueEntry, Want};
use ds01_ledger::{Decision, Host};
use ds01_queue::Kinds;
use ds01_site::Site;
use ds01_units::{Limit, Span};
use serde_json::json;

use crate::work::Work;
use crate::{Waiting, queue};

/// More than anybody waits for; a program that joins in a loop ends here.
const MOST_OF_ONE: usize = 100;
const LONGEST_NAME: usize = 255;
/// Sums of sevenths are not exact.
const HAIR: f64 = 1e-4;

/// What somebody wants to wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub user: String,
    pub gpus: u32,
    pub want: Want,
    pub runtime: Option<Span>,
    pub container: Option<String>,
}

/// Puts a request into the line and says where it stands. The same container asked for again
/// keeps its place: the answer is its entry. Whoever can start at once has a claim then.
pub fn join(
    site: &Site,
    config: &Config,
    board: &Board,
    ask: &Ask,
    dry_run: bool,
) -> Result<Waiting, Fault> {
    check_words(ask)?;
    if dry_run {
        let mut state = ds01_ledger::look(site)?;
        let now = site.now();
        let host = Host { config, board, state: &state, now };
        let entry = match same(&host, ask) {
            Some(entry) => entry.clone(),
            None => {
                check(&host, ask)?;
                entry(&host, ask)
            }
        };
        let id = entry.id;
        state.queue.insert(id, entry);
        return found(queue(&Host { config, board, state: &state, now }).entries, id);
    }
    let mut work = Work::open(site, config, board)?;
    if let Some(id) = same(&work.host(), ask).map(|entry| entry.id) {
        return found(queue(&work.host()).entries, id);
    }
    check(&work.host(), ask)?;
    let entry = entry(&work.host(), ask);
    let id = entry.id;
    work.record(Decision::Joined(entry))?;
    let (_, queue) = work.pass()?;
    let waiting = found(queue.entries.clone(), id)?;
    let details = json!({
        "id": id, "gpus": ask.gpus, "profile": ask.want, "container": ask.container,
        "position": waiting.position, "expected_start": waiting.expected_start,
    });
    work.event(Kind::QueueJoin, &ask.user, details);
    work.publish(&queue);
    Ok(waiting)
}

fn found(entries: Vec<Waiting>, id: u64) -> Result<Waiting, Fault> {
    entries
        .into_iter()
        .find(|one| one.id == id)
        .ok_or_else(|| Fault::failed(format!("entry {id} is not in the line any more")))
}

/// The entry that waits for this container already.
fn same<'a>(host: &Host<'a>, ask: &Ask) -> Option<&'a QueueEntry> {
    let container = ask.container.as_ref()?;
    host.state
        .queue
        .values()
        .find(|entry| entry.user == ask.user && entry.container.as_ref() == Some(container))
}

fn entry(host: &Host, ask: &Ask) -> QueueEntry {
    let limits = host.limits(&ask.user);
    QueueEntry {
        id: host.state.next_id(),
        user: ask.user.clone(),
        count: ask.gpus,
        want: ask.want.clone(),
        priority: limits.priority,
        runtime: ask.runtime,
        container: ask.container.clone(),
        joined_at: host.now,
        share: host.share(&ask.user),
        missed: 0,
        missed_at: None,
        claim: None,
    }
}

/// What the lightest slot that will do weighs.
fn lightest(slots: &[ds01_board::Slot], kinds: &Kinds) -> Option<f64> {
    let fitting = slots.iter().filter(|slot| kinds.take(kind_of(slot)));
    fitting.map(|slot| slot.gpueq).min_by(f64::total_cmp)
}

/// Refuses what makes no sense on any host.
fn check_words(ask: &Ask) -> Result<(), Fault> {
    if ask.gpus == 0 || ask.gpus > 1024 {
        return Err(Fault::usage(format!("{} is no number of GPU slots", ask.gpus))
            .todo("ask for 1 to 1024; a container without a GPU needs no place in line"));
    }
    if ask.runtime == Some(Span::ZERO) {
        return Err(Fault::usage("a run of no length needs no GPU")
            .todo("say how long it may take at most, such as --for 4h"));
    }
    if let Some(name) = &ask.container {
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME;
        if !fits || name.chars().any(char::is_control) {
            return Err(Fault::usage(format!(
                "`{}` is no container's name",
                ds01_text::printable(&name.chars().take(60).collect::<String>())
            ))
            .why("it is empty, longer than 255 bytes, or holds a control character"));
        }
    }
    Ok(())
}

/// Refuses what waiting would not bring: beyond the limits, or not on this board.
fn check(host: &Host, ask: &Ask) -> Result<(), Fault> {
    let limits = host.limits(&ask.user);
    let slots = host.slots();
    let mut why = Vec::new();
    let mut fields = Vec::new();
    let asked = f64::from(ask.gpus);
    let mut over = |field: &str, limit: Limit<f64>, asked: f64| {
        if !limit.allows(&(asked - HAIR)) {
            why.push(format!("{field} is {limit}, by {}", limits.source(field)));
            fields.push(json!({
                "field": field, "value": limit, "asked": asked, "source": limits.source(field),
            }));
        }
    };
    over("max_slots_per_container", limits.max_slots_per_container, asked);
    over("max_slots", limits.max_slots, asked);
    let wanted = kinds(&ask.want, true);
    if let Some(weight) = lightest(&slots, &wanted) {
        over("max_gpu_equivalents", limits.max_gpu_equivalents, asked * weight);
    }
    if ask.want == Want::Full && !limits.allow_full_gpu {
        why.push(format!("allow_full_gpu is false, by {}", limits.source("allow_full_gpu")));
        fields.push(json!({
            "field": "allow_full_gpu", "value": false, "source": limits.source("allow_full_gpu"),
        }));
    }
    let most = runtime(None, &limits);
    if let (Some(asked), Some(most)) = (ask.runtime, most) {
        if asked > most {
            why.push(format!("max_runtime is {most}, by {}", limits.source("max_runtime")));
            fields.push(json!({
                "field": "max_runtime", "value": most, "asked": asked,
                "source": limits.source("max_runtime"),
            }));
        }
    }
    if !why.is_empty() {
        return Err(Fault::limit(format!("{} cannot wait for {}", ask.user, words(ask)))
            .why(why.join("; "))
            .todo("ask for less; waiting raises no limit")
            .detail("limits", fields));
    }
    let allowed = kinds(&ask.want, limits.allow_full_gpu);
    let mut kinds: Vec<&str> = slots.iter().map(kind_of).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // All of one request are of one kind.
    let count = |kind: &&str| slots.iter().filter(|slot| kind_of(slot) == *kind).count();
    let most = kinds.iter().filter(|kind| allowed.take(kind)).map(count).max().unwrap_or(0);
    if most < ask.gpus as usize {
        let there = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        return Err(Fault::limit(format!("this host never has {} free at once", words(ask)))
            .why(format!("it has {most} such slots of one kind; its kinds are: {there}"))
            .todo("`gpu-list` shows what there is; ask for fewer or for another profile"));
    }
    let own = host.state.queue.values().filter(|entry| entry.user == ask.user).count();
    if own >= MOST_OF_ONE {
        return Err(Fault::limit(format!("{} waits {own} times already", ask.user))
            .why(format!("nobody has more than {MOST_OF_ONE} entries in line"))
            .todo("`gpu-queue leave ID` takes one out"));
    }
    Ok(())
}

fn words(ask: &Ask) -> String {
    let gpus = if ask.gpus == 1 { "GPU slot" } else { "GPU slots" };
    match &ask.want {
        Want::Any => format!("{} {gpus}", ask.gpus),
        want => format!("{} {want} {gpus}", ask.gpus),
    }
}
