//! The ledger's leases, grouped.

use std::collections::{BTreeMap, BTreeSet};

use ds01_ledger::types::SlotUse;
use ds01_ledger::view::View;
use ds01_units::Stamp;
use serde::Serialize;

/// A lease.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerRow {
    pub container: String,
    pub user: String,
    /// `held`, `stopped` or `pending`.
    pub state: &'static str,
    pub gpu_id: String,
    pub gpueq: f64,
    pub slots: Vec<SlotUse>,
    pub allocated_at: Stamp,
    pub stopped_at: Option<Stamp>,
    /// Until when a stopped one keeps its slots, or a pending one may be created.
    pub until: Option<Stamp>,
    pub interface: Option<String>,
    pub priority: u8,
    pub container_id: Option<String>,
}

impl ContainerRow {
    /// Whether it is meant by a name, with or without its user's suffix, or by an id.
    pub fn is(&self, wanted: &str) -> bool {
        let named = self.container.strip_prefix(wanted);
        named.is_some_and(|rest| rest.is_empty() || (rest.starts_with("._.") && !wanted.is_empty()))
            || (wanted.len() >= 12
                && self.container_id.as_ref().is_some_and(|id| id.starts_with(wanted)))
    }
}

/// What one person has.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UserRow {
    pub user: String,
    /// GPU equivalents of all leases, also of stopped and pending ones.
    pub gpueq: f64,
    pub slots: usize,
    pub gpu_id: String,
    pub held: usize,
    pub stopped: usize,
    pub pending: usize,
    pub containers: Vec<String>,
    /// Entries in the waiting line.
    pub waiting: usize,
}

/// What came in one way.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InterfaceRow {
    /// `unknown` where the lease does not say.
    pub interface: String,
    pub gpueq: f64,
    pub slots: usize,
    pub containers: Vec<String>,
    pub users: Vec<String>,
}

/// Every lease, by container; those that wait for their container last.
pub fn containers(view: &View) -> Vec<ContainerRow> {
    let held = view.allocations.iter().map(|(name, one)| ContainerRow {
        container: name.clone(),
        user: one.user.clone(),
        state: if one.stopped_at.is_some() { "stopped" } else { "held" },
        gpu_id: one.gpu_id.clone(),
        gpueq: sum(&one.slots),
        slots: one.slots.clone(),
        allocated_at: one.allocated_at,
        stopped_at: one.stopped_at,
        until: one.hold_until,
        interface: one.interface.clone(),
        priority: one.priority,
        container_id: one.container_id.clone(),
    });
    let pending = view.pending.iter().map(|one| ContainerRow {
        container: one.container.clone(),
        user: one.user.clone(),
        state: "pending",
        gpu_id: one.gpu_id.clone(),
        gpueq: sum(&one.slots),
        slots: one.slots.clone(),
        allocated_at: one.allocated_at,
        stopped_at: None,
        until: Some(one.deadline),
        interface: one.interface.clone(),
        priority: one.priority,
        container_id: None,
    });
    held.chain(pending).collect()
}

/// Everybody who has a slot or waits for one.
pub fn users(view: &View) -> Vec<UserRow> {
    let leases = containers(view);
    let names: BTreeSet<&str> = leases
        .iter()
        .map(|row| row.user.as_str())
        .chain(view.queue.iter().map(|entry| entry.user.as_str()))
        .collect();
    names.into_iter().map(|name| user_of(&leases, view, name)).collect()
}

/// One person, who may have nothing.
pub fn user(view: &View, name: &str) -> UserRow {
    user_of(&containers(view), view, name)
}

fn user_of(leases: &[ContainerRow], view: &View, name: &str) -> UserRow {
    let own: Vec<_> = leases.iter().filter(|row| row.user == name).collect();
    let count = |state| own.iter().filter(|row| row.state == state).count();
    UserRow {
        user: name.to_owned(),
        gpueq: round(own.iter().map(|row| row.gpueq).sum()),
        slots: own.iter().map(|row| row.slots.len()).sum(),
        gpu_id: own.iter().map(|row| row.gpu_id.as_str()).collect::<Vec<_>>().join(","),
        held: count("held"),
        stopped: count("stopped"),
        pending: count("pending"),
        containers: own.iter().map(|row| row.container.clone()).collect(),
        waiting: view.queue.iter().filter(|entry| entry.user == name).count(),
    }
}

pub fn interfaces(view: &View) -> Vec<InterfaceRow> {
    let mut rows: BTreeMap<String, InterfaceRow> = BTreeMap::new();
    for lease in containers(view) {
        let name = lease.interface.unwrap_or_else(|| "unknown".into());
        let row = rows.entry(name.clone()).or_default();
        row.interface = name;
        row.gpueq = round(row.gpueq + lease.gpueq);
        row.slots += lease.slots.len();
        row.containers.push(lease.container);
        if !row.users.contains(&lease.user) {
            row.users.push(lease.user);
        }
    }
    rows.into_values()
        .map(|mut row| {
            row.users.sort();
            row
        })
        .collect()
}

fn sum(slots: &[SlotUse]) -> f64 {
    round(slots.iter().map(|slot| slot.gpueq).sum())
}

/// To the digits that weights are written with: sums of thirds and sevenths look odd else.
pub fn round(gpueq: f64) -> f64 {
    // The sum of nothing is -0.0.
    (gpueq * 10_000.0).round() / 10_000.0 + 0.0
}
