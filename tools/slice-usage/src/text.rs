//! The table for people.

use ds01_text::Table;
use ds01_units::Bytes;

use crate::Row;

pub(crate) fn of(rows: &[Row]) -> String {
    let mut table = Table::new([
        "SLICE", "RUNS", "CPU", "CPU TIME", "QUOTA", "MEMORY", "MAX", "TASKS", "MAX", "OOM",
        "WAITS",
    ]);
    for row in rows {
        table.row([
            name(row),
            row.containers.to_string(),
            percent(row.cpu_percent),
            known(row.cpu_seconds, |seconds| format!("{seconds:.1} s")),
            percent(row.cpu_quota),
            known(row.memory, Bytes::words),
            known(row.memory_max, Bytes::words),
            known(row.tasks, |tasks| tasks.to_string()),
            known(row.tasks_max, |tasks| tasks.to_string()),
            known(row.oom_kills, |kills| kills.to_string()),
            waits(row),
        ]);
    }
    table.render()
}

/// People know users and groups, not units; a user is set in below their group.
fn name(row: &Row) -> String {
    match (&row.group, &row.user) {
        (_, Some(user)) => format!("    {user}"),
        (Some(group), None) if row.slice.matches('-').count() == 1 => format!("  {group}"),
        _ if row.slice == "ds01.slice" => "all".to_owned(),
        _ => format!("    {}", row.slice),
    }
}

/// The resource that is waited for most.
fn waits(row: &Row) -> String {
    let all = [("cpu", row.pressure.cpu), ("memory", row.pressure.memory), ("io", row.pressure.io)];
    let known = all.iter().filter_map(|(name, percent)| Some((name, (*percent)?)));
    match known.max_by(|a, b| a.1.total_cmp(&b.1)) {
        None => "-".to_owned(),
        Some((_, percent)) if percent < 0.05 => "no".to_owned(),
        Some((name, percent)) => format!("{name} {percent:.0}%"),
    }
}

fn percent(value: Option<f64>) -> String {
    known(value, |value| format!("{value:.0}%"))
}

fn known<T>(value: Option<T>, words: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), words)
}
