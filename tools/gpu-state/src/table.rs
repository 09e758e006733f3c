//! The same for people.

use ds01_text::Table;
use ds01_units::Stamp;

use crate::rows::{ContainerRow, InterfaceRow, UserRow};
use crate::totals::Totals;
use crate::unmanaged::Unmanaged;

pub fn users(rows: &[UserRow]) -> String {
    let mut table = Table::new(["USER", "EQ", "GPU", "HELD", "STOPPED", "PENDING", "WAITING"]);
    for row in rows {
        table.row([
            row.user.clone(),
            format!("{:.2}", row.gpueq),
            or_dash(&row.gpu_id),
            row.held.to_string(),
            row.stopped.to_string(),
            row.pending.to_string(),
            row.waiting.to_string(),
        ]);
    }
    or_say(&table, "nobody has a GPU or waits for one\n")
}

pub fn containers(rows: &[ContainerRow]) -> String {
    let mut table = Table::new(["CONTAINER", "USER", "GPU", "PROFILE", "EQ", "SINCE", "STATE"]);
    for row in rows {
        let profiles: Vec<&str> = row.slots.iter().map(|slot| slot.profile.as_str()).collect();
        let state = match (row.state, row.until) {
            (state, Some(until)) => format!("{state} until {until}"),
            ("stopped", None) => "stopped, kept until removed".into(),
            (state, None) => state.into(),
        };
        table.row([
            row.container.clone(),
            row.user.clone(),
            row.gpu_id.clone(),
            profiles.join(","),
            format!("{:.2}", row.gpueq),
            row.allocated_at.to_string(),
            state,
        ]);
    }
    or_say(&table, "no GPU is leased\n")
}

pub fn interfaces(rows: &[InterfaceRow]) -> String {
    let mut table = Table::new(["INTERFACE", "EQ", "SLOTS", "CONTAINERS", "USERS"]);
    for row in rows {
        table.row([
            row.interface.clone(),
            format!("{:.2}", row.gpueq),
            row.slots.to_string(),
            row.containers.len().to_string(),
            row.users.join(","),
        ]);
    }
    or_say(&table, "no GPU is leased\n")
}

pub fn unmanaged(rows: &[Unmanaged]) -> String {
    let mut table = Table::new(["UNMANAGED", "USER", "ASKED", "SLOTS", "BESIDE", "STATE", "SINCE"]);
    for row in rows {
        let state = match (row.monitoring, row.running) {
            (true, _) => "monitoring",
            (false, true) => "running",
            (false, false) => "stopped",
        };
        table.row([
            row.container.clone(),
            or_dash(row.user.as_deref().unwrap_or_default()),
            row.gpus.clone(),
            match &row.slots {
                Some(slots) => or_dash(&slots.join(",")),
                None => "?".into(),
            },
            or_dash(&row.beside.join(",")),
            state.into(),
            row.since.as_ref().map_or_else(|| "-".into(), Stamp::to_string),
        ]);
    }
    or_say(&table, "every container with a GPU has a lease\n")
}

pub fn totals(totals: &Totals) -> String {
    let number = |known: Option<String>| known.unwrap_or_else(|| "?".into());
    let (slots, gpueq) = (&totals.slots, &totals.gpueq);
    format!(
        "{} slots: {} held, {} stopped, {} pending, {} drained, {} free\n\
         {} GPU equivalents: {:.2} leased, {} free\n",
        number(slots.total.map(|n| n.to_string())),
        slots.held,
        slots.stopped,
        slots.pending,
        slots.drained,
        number(slots.free.map(|n| n.to_string())),
        number(gpueq.total.map(|sum| format!("{sum:.2}"))),
        gpueq.used,
        number(gpueq.free.map(|sum| format!("{sum:.2}"))),
    )
}

fn or_say(table: &Table, nothing: &str) -> String {
    if table.is_empty() { nothing.to_owned() } else { table.render() }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.to_owned() }
}
