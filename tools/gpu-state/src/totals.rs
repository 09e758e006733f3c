//! How much there is, and how much of it is taken.

use std::collections::BTreeMap;

use ds01_board::Slot;
use ds01_ledger::view::View;
use serde::Serialize;

use crate::rows::{containers, round};

/// Counts of slots and sums of GPU equivalents. What depends on a board that cannot be
/// asked is none, which is not zero.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Totals {
    pub slots: Slots,
    pub gpueq: Equivalents,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slots {
    pub total: Option<usize>,
    pub held: usize,
    pub stopped: usize,
    pub pending: usize,
    /// Out of use for their health, whether leased or not.
    pub drained: usize,
    pub free: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Equivalents {
    pub total: Option<f64>,
    pub used: f64,
    pub free: Option<f64>,
}

impl Totals {
    pub fn of(view: &View, board: Option<&[Slot]>) -> Self {
        // By slot: one that Docker gave to two containers is taken once.
        let mut taken: BTreeMap<String, (&str, f64)> = BTreeMap::new();
        for lease in containers(view) {
            for slot in lease.slots {
                let at = taken.entry(slot.uuid).or_insert((lease.state, slot.gpueq));
                if lease.state == "held" {
                    at.0 = "held";
                }
            }
        }
        let count = |state| taken.values().filter(|(of, _)| *of == state).count();
        let drained = |uuid: &str| view.drained.iter().any(|drain| drain.uuid == uuid);
        let free: Option<Vec<&Slot>> = board.map(|slots| {
            slots
                .iter()
                .filter(|slot| !taken.contains_key(&slot.uuid) && !drained(&slot.uuid))
                .collect()
        });
        Self {
            slots: Slots {
                total: board.map(<[Slot]>::len),
                held: count("held"),
                stopped: count("stopped"),
                pending: count("pending"),
                drained: view.drained.len(),
                free: free.as_ref().map(Vec::len),
            },
            gpueq: Equivalents {
                total: board.map(|slots| round(slots.iter().map(|slot| slot.gpueq).sum())),
                used: round(taken.values().map(|(_, gpueq)| gpueq).sum()),
                free: free.map(|free| round(free.iter().map(|slot| slot.gpueq).sum())),
            },
        }
    }
}
