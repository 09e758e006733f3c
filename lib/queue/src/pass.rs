//! One pass over the line: claims that ran out go to the next, and everybody who can start
//! now gets a claim.

use ds01_units::{Span, Stamp};

use crate::{Claim, Entry, Plan, Start, World, order, plan};

/// Claims an entry may let pass; with the last of them it leaves the line.
pub const MISSES: u8 = 3;

/// The times the admins set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// After this time a use counts half.
    pub half_life: Span,
    /// Who has waited so long is overtaken by nobody who joins.
    pub patience: Span,
    /// How long a claim holds.
    pub claim: Span,
}

/// A claim that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    pub id: u64,
    pub user: String,
    /// Whether its user let it pass; else its slots went away, which costs nobody a place.
    pub passed: bool,
    /// Whether the entry leaves the line.
    pub leaves: bool,
    pub at: Stamp,
}

/// What a pass decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    pub missed: Vec<Miss>,
    /// New claims by the id of their entry, first in line first.
    pub claims: Vec<(u64, Claim)>,
    /// The plan that they come from, over the entries as the pass left them.
    pub plan: Plan,
}

/// Ends the claims that ran out or whose slots are gone.
///
/// Who lets a claim pass stays in line, but behind everybody who has let fewer pass, so the
/// slot goes to the next; with the third the entry leaves.
pub fn expire(world: &World, entries: &mut Vec<Entry>, now: Stamp) -> Vec<Miss> {
    let mut missed = Vec::new();
    for entry in entries.iter_mut() {
        let Some(claim) = &entry.claim else { continue };
        let passed = claim.until <= now;
        if !passed && claim.slots.iter().all(|slot| usable(world, slot)) {
            continue;
        }
        let at = if passed { claim.until } else { now };
        entry.claim = None;
        if passed {
            entry.missed = entry.missed.saturating_add(1);
            entry.missed_at = Some(at);
        }
        let leaves = passed && entry.missed >= MISSES;
        missed.push(Miss { id: entry.id, user: entry.user.clone(), passed, leaves, at });
    }
    if missed.iter().any(|miss| miss.leaves) {
        entries.retain(|entry| entry.missed < MISSES);
    }
    missed
}

/// Whether a slot is there, in service, and nobody is on it.
fn usable(world: &World, id: &str) -> bool {
    world.slots.iter().any(|slot| slot.id == id && slot.open)
        && !world.busy.iter().any(|busy| busy.slot == id)
}

/// The whole pass. `entries` are left as the ledger should have them afterwards.
pub fn pass(world: &World, entries: &mut Vec<Entry>, now: Stamp, policy: Policy) -> Pass {
    let missed = expire(world, entries, now);
    let order = order(entries, policy.half_life, policy.patience);
    let plan = plan(world, entries, &order, now, policy.claim);
    let mut claims = Vec::new();
    for &index in &plan.order {
        let entry = &mut entries[index];
        let planned = &plan.of[index];
        if entry.claim.is_some() || planned.start != Start::At(now) {
            continue;
        }
        let slots = planned.slots.iter().map(|&at| world.slots[at].id.clone()).collect();
        let claim = Claim { slots, given: now, until: now.plus(policy.claim) };
        entry.claim = Some(claim.clone());
        claims.push((entry.id, claim));
    }
    Pass { missed, claims, plan }
}
