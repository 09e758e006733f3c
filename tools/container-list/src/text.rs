//! The table for people.

use ds01_containers::table::{Row, left};
use ds01_text::Table;
use ds01_units::{Bytes, Stamp};

const UNKNOWN: &str = "-";

pub fn of(rows: &[Row], now: Stamp, everyone: bool) -> String {
    let head = [
        "NAME",
        "USER",
        "STATE",
        "GPU",
        "PROFILE",
        "BUSY",
        "GPU MEM",
        "IDLE",
        "STOPS IN",
        "KEEPS GPU",
        "IMAGE",
    ];
    let own = head.map(|column| if column == "USER" && !everyone { "" } else { column });
    let mut table = Table::new(own);
    for row in rows {
        let list = |all: &Option<Vec<String>>| match all {
            Some(all) if !all.is_empty() => all.join(","),
            Some(_) => "none".into(),
            None => UNKNOWN.into(),
        };
        let user = row.user.clone().unwrap_or_else(|| "nobody".into());
        table.row([
            row.name.clone(),
            if everyone { user } else { String::new() },
            state(row, now),
            list(&row.gpu),
            row.profile
                .as_ref()
                .filter(|all| !all.is_empty())
                .map_or(UNKNOWN.into(), |all| all.join(",")),
            row.now.gpu_busy.map_or(UNKNOWN.into(), |busy| format!("{busy:.0}%")),
            row.now.gpu_memory_used.map_or(UNKNOWN.into(), Bytes::words),
            row.idle_since.map_or(UNKNOWN.into(), |since| now.since(since).words()),
            row.deadline.map_or(UNKNOWN.into(), |at| left(at, now)),
            hold(row, now),
            row.image.clone(),
        ]);
    }
    table.render()
}

fn state(row: &Row, now: Stamp) -> String {
    let since = row.started_at.or(row.stopped_at).or(row.created_at);
    let since = since.map_or_else(String::new, |since| format!(" {}", now.since(since).words()));
    match row.exit_code {
        Some(code) if code != 0 => format!("{}{since} ({code})", row.state),
        _ => format!("{}{since}", row.state),
    }
}

/// Only what is stopped keeps a GPU by a hold; what runs has it.
fn hold(row: &Row, now: Stamp) -> String {
    match (row.gpu_hold_until, row.held_for_good) {
        (Some(until), _) => left(until, now),
        (None, true) => "until removed".into(),
        (None, false) => UNKNOWN.into(),
    }
}
