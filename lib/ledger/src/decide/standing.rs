//! How each slot of the board stands for one request.

use std::collections::{HashMap, HashSet};

use ds01_board::{Slot, SlotId};

use super::{Grounds, Request, runtime};
use crate::ahead::Planned;
use crate::types::{Drain, Lease, Phase, QueueEntry, Reservation, Window};

/// Whether a slot can be given to this request, and if not, why.
#[derive(Clone, Debug)]
pub enum Standing<'a> {
    Free,
    /// Its leases have ended by themselves.
    Lapsed(Vec<&'a Lease>),
    /// Held for a stopped container of lower priority, where the policy lets it be taken.
    Reclaimable(&'a Lease),
    /// Kept for this user: claimed, reserved, or what the container had before.
    Own(Vec<&'a Lease>),
    Leased(&'a Lease),
    Drained(&'a Drain),
    Reserved(&'a Reservation, Window),
    Claimed(&'a QueueEntry),
    /// Planned for somebody in line who stands before whoever asks now.
    Awaited(&'a Planned),
    /// The board does not say what it is.
    Unknown,
}

impl<'a> Standing<'a> {
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Free | Self::Lapsed(_) | Self::Reclaimable(_) | Self::Own(_))
    }

    /// What is kept for the user goes first, and nobody's hold is taken while there is
    /// another way.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Own(_) => 0,
            Self::Reclaimable(_) => 2,
            _ => 1,
        }
    }

    /// The leases that end when the slot is given away.
    pub(crate) fn makes_way(&self) -> Vec<&'a Lease> {
        match self {
            Self::Lapsed(leases) | Self::Own(leases) => leases.clone(),
            Self::Reclaimable(lease) => vec![lease],
            _ => Vec::new(),
        }
    }
}

/// The standing of every slot, in the order of `slots`.
pub fn standings<'a>(request: &Request, on: &Grounds<'a>, slots: &[Slot]) -> Vec<Standing<'a>> {
    let holders = Holders::new(on, slots);
    slots.iter().map(|slot| standing(request, on, slot, holders.of(slot))).collect()
}

fn standing<'a>(
    request: &Request,
    on: &Grounds<'a>,
    slot: &Slot,
    leases: Vec<&'a Lease>,
) -> Standing<'a> {
    let (state, now) = (on.state, on.now);
    if slot.uuid.is_empty() {
        return Standing::Unknown;
    }
    let is_own = |lease: &&Lease| lease.container == request.container;
    let in_the_way = |lease: &&&Lease| !lease.lapsed(now) && !is_own(lease);
    let mut reclaimed = None;
    if let Some(lease) = leases.iter().find(in_the_way) {
        if !may_reclaim(request, on, lease) || leases.len() > 1 {
            return Standing::Leased(lease);
        }
        reclaimed = Some(*lease);
    }
    if let Some(drain) = state.drains.get(&slot.uuid).or_else(|| state.drains.get(&slot.gpu_uuid)) {
        return Standing::Drained(drain);
    }
    let end = runtime(request, on.limits).map(|span| now.plus(span));
    let mut kept = leases.iter().any(is_own);
    for reservation in state.reservations.values() {
        let names = reservation.slots.iter().any(|reserved| reserved.uuid == slot.uuid);
        let Some(window) = reservation.meets(now, end).filter(|_| names) else { continue };
        if reservation.user != request.user {
            return Standing::Reserved(reservation, window);
        }
        kept |= window.from <= now;
    }
    let mut is_claimed = false;
    for entry in state.queue.values() {
        let claims = entry
            .claim
            .as_ref()
            .is_some_and(|claim| claim.until > now && claim.slots.contains(&slot.uuid));
        if claims && entry.user != request.user {
            return Standing::Claimed(entry);
        }
        is_claimed |= claims;
    }
    if !is_claimed {
        if let Some(planned) = on.ahead.in_the_way(&slot.uuid, end) {
            return Standing::Awaited(planned);
        }
    }
    kept |= is_claimed;
    match reclaimed {
        Some(lease) => Standing::Reclaimable(lease),
        None if kept => Standing::Own(leases),
        None if leases.is_empty() => Standing::Free,
        None => Standing::Lapsed(leases),
    }
}

fn may_reclaim(request: &Request, on: &Grounds, lease: &Lease) -> bool {
    on.policy.reclaim_held
        && matches!(lease.phase, Phase::Stopped { .. })
        && request.priority.unwrap_or(on.limits.priority) > lease.priority
}

/// Which leases are on which slots.
struct Holders<'a> {
    by_uuid: HashMap<&'a str, Vec<&'a Lease>>,
    /// Leases of slots that the board does not show, by what they were called. Where those
    /// went is not known, so whatever now bears the name counts as taken (pitfall 22).
    strays: Vec<(SlotId, &'a Lease)>,
}

impl<'a> Holders<'a> {
    fn new(on: &Grounds<'a>, slots: &[Slot]) -> Self {
        let cards = on.board.gpus.iter().map(|gpu| gpu.uuid.as_str());
        let shown: HashSet<&str> =
            slots.iter().map(|slot| slot.uuid.as_str()).chain(cards).collect();
        let mut by_uuid: HashMap<&str, Vec<&Lease>> = HashMap::new();
        let mut strays = Vec::new();
        for lease in on.state.leases.values() {
            for slot in &lease.slots {
                by_uuid.entry(&slot.uuid).or_default().push(lease);
                if let Some(id) =
                    slot.id.parse().ok().filter(|_| !shown.contains(slot.uuid.as_str()))
                {
                    strays.push((id, lease));
                }
            }
        }
        Self { by_uuid, strays }
    }

    fn of(&self, slot: &Slot) -> Vec<&'a Lease> {
        let named = |uuid: &str| self.by_uuid.get(uuid).into_iter().flatten().copied();
        let mut leases: Vec<&Lease> = named(&slot.uuid).collect();
        // Somebody may still have the whole card that has been cut into instances since.
        if slot.gpu_uuid != slot.uuid {
            leases.extend(named(&slot.gpu_uuid));
        }
        let hides =
            |id: SlotId| id == slot.id || (slot.id.mig().is_none() && id.card() == slot.gpu);
        leases.extend(self.strays.iter().filter(|(id, _)| hides(*id)).map(|(_, lease)| *lease));
        leases
    }
}
