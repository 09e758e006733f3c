//! The table for people.

use ds01_containers::table::left;
use ds01_text::Table;
use ds01_units::{Bytes, Stamp};

use crate::Used;

const UNKNOWN: &str = "-";

pub fn of(all: &[Used], now: Stamp, everyone: bool) -> String {
    let head = [
        "NAME",
        "USER",
        "CPU",
        "MEMORY",
        "TASKS",
        "NET IN/OUT",
        "GPU",
        "PROFILE",
        "BUSY",
        "GPU MEM",
        "IDLE",
        "STOPS IN",
    ];
    let mut table =
        Table::new(head.map(|column| if column == "USER" && !everyone { "" } else { column }));
    for Used { row, consumed } in all {
        let user = row.user.clone().unwrap_or_else(|| "nobody".into());
        let percent = |share: Option<f64>| share.map_or(UNKNOWN.into(), |p| format!("{p:.0}%"));
        let list = |all: &Option<Vec<String>>| match all {
            Some(all) if !all.is_empty() => all.join(","),
            Some(_) => "none".into(),
            None => UNKNOWN.into(),
        };
        table.row([
            row.name.clone(),
            if everyone { user } else { String::new() },
            percent(consumed.cpu_percent),
            of_limit(consumed.memory, consumed.memory_limit),
            consumed.tasks.map_or(UNKNOWN.into(), |tasks| tasks.to_string()),
            match (consumed.received, consumed.sent) {
                (Some(received), Some(sent)) => {
                    format!("{}/s {}/s", Bytes(received).words(), Bytes(sent).words())
                }
                _ => UNKNOWN.into(),
            },
            list(&row.gpu),
            row.profile
                .as_ref()
                .filter(|all| !all.is_empty())
                .map_or(UNKNOWN.into(), |all| all.join(",")),
            percent(row.now.gpu_busy),
            of_limit(row.now.gpu_memory_used, row.now.gpu_memory),
            row.idle_since.map_or(UNKNOWN.into(), |since| now.since(since).words()),
            row.deadline.map_or(UNKNOWN.into(), |at| left(at, now)),
        ]);
    }
    table.render()
}

fn of_limit(used: Option<Bytes>, limit: Option<Bytes>) -> String {
    match (used, limit) {
        (Some(used), Some(limit)) => format!("{} / {}", used.words(), limit.words()),
        (Some(used), None) => used.words(),
        (None, _) => UNKNOWN.into(),
    }
}
