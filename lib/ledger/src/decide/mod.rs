//! Who gets what. Pure: a request and everything it depends on go in, and a grant or a
//! refusal with every limit in the way comes out. Nothing is written here.

mod advice;
mod pick;
mod refusal;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ds01_board::{Board, Slot};
use ds01_config::{GpuPolicy, Limits};
use ds01_fault::Fault;
use ds01_units::{Limit, Span, Stamp};

use crate::ahead::Ahead;
use crate::record::Decision;
use crate::state::State;
use crate::types::{Lease, Phase, SlotUse, Want};

pub use refusal::{Hit, Refusal};
pub use standing::{Standing, standings};

/// More slots than any host has; a larger number is a slip or an attack.
const MOST: u32 = 1024;
/// Sums of sevenths are not exact.
pub(crate) const HAIR: f64 = 1e-9;

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub container: String,
    pub user: String,
    /// Slots; all of them or none are given.
    pub count: u32,
    pub want: Want,
    /// These very slots, by display name or UUID; empty: any that fit.
    pub only: Vec<String>,
    /// In place of the one in the limits.
    pub priority: Option<u8>,
    /// A further limit on the user's slots, from the caller. It can only lower the config's.
    pub max_gpus: Option<f64>,
    /// A run shorter than the limits allow, so that it fits before a reservation.
    pub runtime: Option<Span>,
    /// The container is yet to be created: the lease ends by itself after this time.
    pub pending: Option<Span>,
    pub container_id: Option<String>,
    pub interface: Option<String>,
}

/// Everything the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    pub limits: &'a Limits,
    pub state: &'a State,
    pub board: &'a Board,
    pub policy: &'a GpuPolicy,
    /// How long containers have been idle, as far as anybody knows.
    pub idle: &'a BTreeMap<String, Span>,
    /// What is planned for those who wait.
    pub ahead: &'a Ahead,
    pub now: Stamp,
}

/// What is granted.
#[derive(Clone, Debug, PartialEq)]
pub enum Grant {
    /// The container has it already.
    Same(Lease),
    /// The container kept its slots over a stop and takes them up again.
    Again(Lease),
    /// New slots. The `ended` leases make room; the queue entry has been served.
    New { lease: Lease, ended: Vec<String>, entry: Option<u64> },
}

impl Grant {
    /// The lease the container has once the grant is recorded.
    pub fn lease(&self) -> &Lease {
        match self {
            Self::Same(lease) | Self::Again(lease) | Self::New { lease, .. } => lease,
        }
    }

    /// What has to be recorded for it; nothing when the container has the lease already.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            Self::Same(_) => None,
            Self::Again(lease) => Some(Decision::Resumed { container: lease.container.clone() }),
            Self::New { lease, ended, entry } => {
                Some(Decision::Leased { lease: lease.clone(), ended: ended.clone(), entry: *entry })
            }
        }
    }
}

/// Why nothing is granted.
#[derive(Clone, Debug, PartialEq)]
pub enum Denied {
    /// The request makes no sense, or names what does not exist.
    Bad(Fault),
    Refused(Box<Refusal>),
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Bad(fault) => fault,
            Denied::Refused(refusal) => refusal.fault(),
        }
    }
}

/// Decides a request. All of the slots are granted or none.
pub fn decide(request: &Request, on: &Grounds) -> Result<Grant, Denied> {
    check(request, on.board).map_err(Denied::Bad)?;
    not_foreign(request, on).map_err(Denied::Bad)?;
    attempt(request, on).map_err(|hits| {
        let (would_pass, earliest) = advice::would_pass(request, on, &hits);
        Denied::Refused(Box::new(Refusal::new(request, hits, would_pass, earliest)))
    })
}

/// Refuses what no limit needs to be asked about; worth asking before the lock is taken.
pub fn check(request: &Request, board: &Board) -> Result<(), Fault> {
    if request.count == 0 || request.count > MOST {
        return Err(Fault::usage(format!("{} is no number of GPU slots", request.count))
            .todo(format!("ask for 1 to {MOST}; a container without a GPU needs no lease")));
    }
    if request.max_gpus.is_some_and(|max| !(0.0..=f64::from(MOST)).contains(&max)) {
        return Err(Fault::usage("the limit of GPUs is no number from 0 to 1024"));
    }
    if !is_plain(&request.user) || request.user.contains(['/', ':']) {
        return Err(Fault::usage(format!("`{}` is no user name", request.user))
            .why("it is empty, longer than 255 bytes, or holds `/`, `:` or a control character"));
    }
    if let Some(interface) = request.interface.as_deref().filter(|word| !is_plain(word)) {
        return Err(Fault::usage(format!("`{interface}` is no way to make a container"))
            .why("it is empty, longer than 255 bytes, or holds a control character"));
    }
    let mut named = BTreeSet::new();
    for id in &request.only {
        if !named.insert(find(board, id)?.uuid) {
            return Err(Fault::usage(format!("slot `{id}` is named twice"))
                .todo("name each slot once, by its display name or its UUID"));
        }
    }
    if !request.only.is_empty() && request.only.len() != request.count as usize {
        return Err(Fault::usage(format!(
            "{} slots are named and {} asked for",
            request.only.len(),
            request.count
        )));
    }
    Ok(())
}

/// Whether a word can stand in records and be shown on a terminal.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.len() <= 255 && !word.chars().any(char::is_control)
}

/// A container's slots are its owner's; the same name in somebody else's hands gets nothing.
fn not_foreign(request: &Request, on: &Grounds) -> Result<(), Fault> {
    let lease = on.state.leases.get(&request.container).filter(|lease| !lease.lapsed(on.now));
    match lease.filter(|lease| lease.user != request.user) {
        None => Ok(()),
        Some(lease) => Err(Fault::not_permitted(format!(
            "container `{}` is not {}'s",
            request.container, request.user
        ))
        .why(format!("its GPU is leased to {}", lease.user))
        .todo("choose another name for the new one")),
    }
}

/// The slot of the board that somebody names by its display name or UUID.
pub fn find(board: &Board, id: &str) -> Result<Slot, Fault> {
    let slots = board.slots(ds01_board::Weight::default());
    let display = id.parse().ok();
    let known = slots.iter().map(|slot| slot.id.to_string()).collect::<Vec<_>>().join(", ");
    slots.into_iter().find(|slot| Some(slot.id) == display || slot.uuid == id).ok_or_else(|| {
        let why = match known.is_empty() {
            true => "this host has no GPU slots".to_owned(),
            false => format!("the slots of this host are {known}"),
        };
        Fault::not_found(format!("no GPU slot `{id}`"))
            .why(why)
            .todo("`gpu-list` shows them with their UUIDs")
    })
}

/// The decision without advice; refused with every limit in the way.
pub(crate) fn attempt(request: &Request, on: &Grounds) -> Result<Grant, Vec<Hit>> {
    let own = on.state.leases.get(&request.container);
    if let Some(lease) = own.filter(|lease| !lease.lapsed(on.now)) {
        if let Some(grant) = repeat(lease, on.board) {
            return Ok(grant);
        }
    }
    let slots = on.board.slots(weight(on.policy));
    let standings = standings(request, on, &slots);
    let chosen = pick::pick(request, on, &slots, &standings)
        .map_err(|quota| refusal::hits(request, on, &slots, &standings, &quota))?;
    let mut ended: Vec<String> = chosen
        .iter()
        .flat_map(|index| standings[*index].makes_way())
        .map(|lease| lease.container.clone())
        .chain(own.map(|lease| lease.container.clone()))
        .collect();
    ended.sort_unstable();
    ended.dedup();
    let uses: Vec<SlotUse> = chosen.iter().map(|index| slot_use(&slots[*index])).collect();
    Ok(Grant::New { entry: served(request, on, &uses), lease: lease(request, on, uses), ended })
}

/// The same lease again, for a container that has a live one. None when it stopped and its
/// slot has gone from the board since: then it needs another.
fn repeat(lease: &Lease, board: &Board) -> Option<Grant> {
    match lease.phase {
        Phase::Pending { .. } | Phase::Held => Some(Grant::Same(lease.clone())),
        Phase::Stopped { .. } => {
            let there = |wanted: &SlotUse| {
                let of = |gpu: &ds01_board::Gpu| {
                    gpu.uuid == wanted.uuid && !gpu.mig_enabled()
                        || gpu.instances.iter().any(|instance| instance.uuid == wanted.uuid)
                };
                board.gpus.iter().any(of)
            };
            let lease = Lease { phase: Phase::Held, ..lease.clone() };
            lease.slots.iter().all(there).then_some(Grant::Again(lease))
        }
    }
}

fn lease(request: &Request, on: &Grounds, slots: Vec<SlotUse>) -> Lease {
    Lease {
        container: request.container.clone(),
        container_id: request.container_id.clone(),
        user: request.user.clone(),
        priority: request.priority.unwrap_or(on.limits.priority),
        interface: request.interface.clone(),
        slots,
        allocated_at: on.now,
        runs_until: runtime(request, on.limits).map(|span| on.now.plus(span)),
        phase: match request.pending {
            Some(span) => Phase::Pending { deadline: on.now.plus(span) },
            None => Phase::Held,
        },
    }
}

/// How long the run may take at most, where anything says so.
pub(crate) fn runtime(request: &Request, limits: &Limits) -> Option<Span> {
    let kind = request.interface.as_deref().unwrap_or("atomic");
    match limits.lifecycle(kind).max_runtime {
        Limit::Max(max) => Some(request.runtime.map_or(max, |wanted| wanted.min(max))),
        Limit::None => request.runtime,
    }
}

/// The entry in the waiting line that this grant serves: the one whose claim it uses, or
/// that waits for this very container.
fn served(request: &Request, on: &Grounds, slots: &[SlotUse]) -> Option<u64> {
    let mine = || on.state.queue.values().filter(|entry| entry.user == request.user);
    let claimed = mine().find(|entry| {
        let uses = |claim: &crate::types::Claim| {
            claim.until > on.now && slots.iter().any(|slot| claim.slots.contains(&slot.uuid))
        };
        entry.claim.as_ref().is_some_and(uses)
    });
    let named = || mine().find(|entry| entry.container.as_ref() == Some(&request.container));
    claimed.or_else(named).map(|entry| entry.id)
}

/// The slot as a lease remembers it.
pub fn slot_use(slot: &Slot) -> SlotUse {
    SlotUse {
        id: slot.id.to_string(),
        uuid: slot.uuid.clone(),
        profile: slot.profile.clone().unwrap_or_else(|| "full".into()),
        gpueq: slot.gpueq,
    }
}

/// The board's word for the config's.
pub fn weight(policy: &GpuPolicy) -> ds01_board::Weight {
    match policy.weight {
        ds01_config::Weight::Compute => ds01_board::Weight::Compute,
        ds01_config::Weight::Max => ds01_board::Weight::Max,
    }
}
