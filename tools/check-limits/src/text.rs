//! The same for people: bars for what has a limit, and sentences for the rest.

use std::fmt::Display;

use ds01_text::{Table, printable};
use ds01_units::{Bytes, Limit, Span, Stamp};

use crate::standing::{Held, Lifetime, Queued, Share, Standing};

const UNKNOWN: &str = "unknown";
const NONE: &str = "unlimited";
/// Characters of a full bar.
const BAR: usize = 20;

pub fn of(standing: &Standing, now: Stamp) -> String {
    let mut text = format!(
        "{} (group {}, priority {})\n\n",
        printable(&standing.user),
        printable(&standing.group),
        standing.priority
    );
    let mut table = Table::new(["", "USED", "LIMIT", "LEFT", ""]);
    let count = |amount: u64| amount.to_string();
    let share = |amount: f64| amount.to_string();
    row(&mut table, "GPUs", &standing.gpus, share, |amount| amount);
    row(&mut table, "GPU equivalents", &standing.gpu_equivalents, share, |amount| amount);
    row(&mut table, "Containers", &standing.containers, count, |amount| amount as f64);
    row(&mut table, "Memory", &standing.memory, Bytes::words, |Bytes(amount)| amount as f64);
    row(&mut table, "Tasks", &standing.tasks, count, |amount| amount as f64);
    text += &table.render();
    text.push('\n');
    for (name, value) in facts(standing) {
        text += &format!("{:<WIDTH$}{value}\n", format!("{name}:"));
    }
    text += &held(standing.leases.as_deref(), now);
    text += &waits(standing.queue.as_deref(), now);
    text
}

const WIDTH: usize = 24;

fn row<T: Copy>(
    table: &mut Table,
    name: &str,
    share: &Share<T>,
    words: impl Fn(T) -> String,
    number: impl Fn(T) -> f64,
) {
    let limit = share.limit.max().copied();
    let left = match (limit, share.left) {
        (None, _) => NONE.to_owned(),
        (_, left) => left.map_or_else(|| UNKNOWN.to_owned(), &words),
    };
    let bar = share.used.zip(limit).map(|(used, limit)| bar(number(used), number(limit)));
    table.row([
        name.to_owned(),
        share.used.map_or_else(|| UNKNOWN.to_owned(), &words),
        limit.map_or_else(|| NONE.to_owned(), &words),
        left,
        bar.unwrap_or_default(),
    ]);
}

/// `[#####---------------]`: a little shows as a little, and only what is used up is full.
fn bar(used: f64, limit: f64) -> String {
    let full = if used >= limit {
        BAR
    } else if used <= 0.0 {
        0
    } else {
        ((used / limit * BAR as f64).round() as usize).clamp(1, BAR - 1)
    };
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR - full))
}

fn facts(standing: &Standing) -> Vec<(&'static str, String)> {
    let (each, lifetime) = (&standing.per_container, &standing.lifetime);
    let spent = standing.cpus.seconds.map_or_else(
        || "CPU time unknown".to_owned(),
        |seconds| format!("{} of CPU time so far", Span::from_secs(seconds as u64).words()),
    );
    vec![
        (
            "Each container",
            format!(
                "GPUs {}, CPUs {}, memory {}, tasks {}",
                each.gpus,
                each.cpus,
                limit(each.memory, Bytes::words),
                each.tasks
            ),
        ),
        ("CPUs of all together", format!("{}; {spent}", standing.cpus.limit)),
        ("Stopped when idle for", life(lifetime, "idle_timeout")),
        ("Stopped after", life(lifetime, "max_runtime")),
        ("GPU kept after stop", limit(lifetime.gpu_hold_after_stop, Span::words)),
        ("Container kept", limit(lifetime.container_hold_after_stop, Span::words)),
    ]
}

/// A time, and the kinds of container for which it is another.
fn life(lifetime: &Lifetime, field: &str) -> String {
    let idle = field == "idle_timeout";
    let own = if idle { lifetime.idle_timeout } else { lifetime.max_runtime };
    let words = |time| if let Limit::Max(span) = time { Span::words(span) } else { "never".into() };
    let others: Vec<String> = lifetime
        .container_types
        .iter()
        .map(|one| {
            let life = one.lifecycle;
            (&one.kind, if idle { life.idle_timeout } else { life.max_runtime })
        })
        .filter(|(_, time)| *time != own)
        .map(|(kind, time)| format!("{}: {}", printable(kind), words(time)))
        .collect();
    match others.is_empty() {
        true => words(own),
        false => format!("{} ({})", words(own), others.join(", ")),
    }
}

fn held(leases: Option<&[Held]>, now: Stamp) -> String {
    let Some(leases) = leases else { return String::new() };
    let mut table = Table::new(["CONTAINER", "GPU", "STATE"]);
    for one in leases {
        let state = match (one.state, one.until) {
            ("stopped", Some(until)) => format!("stopped, kept {} more", until.since(now).words()),
            (state, _) => state.to_owned(),
        };
        table.row([one.container.clone(), one.gpu_id.clone(), state]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}", table.render()) }
}

fn waits(queue: Option<&[Queued]>, now: Stamp) -> String {
    let Some(queue) = queue else { return line("Waiting line", UNKNOWN) };
    if queue.is_empty() {
        return line("Waiting line", "not in it");
    }
    let places = queue.iter().map(|one| {
        let position = one.position.map_or_else(|| UNKNOWN.to_owned(), |at| at.to_string());
        let entry = format!("entry {}, GPUs {} ({})", one.id, one.gpus, one.profile);
        line("Waiting line", format!("position {position}, {entry}, start {}", start(one, now)))
    });
    places.collect()
}

fn start(one: &Queued, now: Stamp) -> String {
    match (one.claim_until, one.start.as_deref(), one.expected_start) {
        (Some(until), ..) => format!("now: kept {} more", until.since(now).words()),
        (_, Some("now"), _) => "with the next pass".to_owned(),
        (_, _, Some(at)) => format!("by {}", at.utc().format("%d %b %Y %H:%M UTC")),
        (_, Some("never"), _) => "never: the limits or the board do not allow it".to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

fn line(name: &str, value: impl Display) -> String {
    format!("\n{:<WIDTH$}{value}\n", format!("{name}:"))
}

fn limit<T>(limit: Limit<T>, words: impl Fn(T) -> String) -> String {
    match limit {
        Limit::Max(amount) => words(amount),
        Limit::None => NONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_empty_or_full_only_when_that_is_so() {
        let marks = |used, limit| bar(used, limit).matches('#').count();
        assert_eq!([marks(0.0, 4.0), marks(2.0, 4.0), marks(4.0, 4.0)], [0, 10, 20]);
        assert_eq!([marks(0.001, 4.0), marks(3.999, 4.0)], [1, 19]);
        assert_eq!([marks(9.0, 4.0), marks(0.0, 0.0)], [20, 20], "over it, and nothing allowed");
    }
}
