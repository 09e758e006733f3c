//! Which of the open slots are given.

use std::cmp::Reverse;
use std::collections::HashMap;

use ds01_board::{Board, Slot};
use ds01_config::Strategy;

use super::{Grounds, HAIR, Request, Standing};
use crate::types::{Lease, Want};

/// What the user has and may have.
#[derive(Clone, Debug)]
pub(crate) struct Quota<'a> {
    /// The leases that count, without the container's own.
    pub leases: Vec<&'a Lease>,
    pub slots: f64,
    pub gpueq: f64,
}

impl<'a> Quota<'a> {
    pub fn of(request: &Request, on: &Grounds<'a>) -> Self {
        let counts =
            |lease: &&Lease| lease.user == request.user && lease.container != request.container;
        let leases: Vec<&Lease> = on.state.live(on.now).filter(counts).collect();
        // The sum of no floats is minus zero, and nobody should read that.
        let slots = leases.iter().fold(0.0, |sum, lease| sum + lease.slots.len() as f64);
        let gpueq = leases.iter().fold(0.0, |sum, lease| sum + lease.gpueq());
        Self { leases, slots, gpueq }
    }

    /// Whether the count alone is within every limit on slots.
    pub fn allows_count(&self, request: &Request, on: &Grounds) -> bool {
        let asked = f64::from(request.count);
        let total = self.slots + asked;
        on.limits.max_slots_per_container.allows(&(asked - HAIR))
            && on.limits.max_slots.allows(&(total - HAIR))
            && request.max_gpus.is_none_or(|max| total - HAIR <= max)
    }

    /// GPU equivalents that are left.
    pub fn left(&self, on: &Grounds) -> f64 {
        on.limits.max_gpu_equivalents.max().map_or(f64::INFINITY, |max| max - self.gpueq + HAIR)
    }
}

/// Whether a slot is of the kind, or among those, that the request names.
pub(crate) fn matches(request: &Request, slot: &Slot) -> bool {
    let kind = match &request.want {
        Want::Any => true,
        Want::Full => slot.profile.is_none(),
        Want::Mig => slot.profile.is_some(),
        Want::Profile(wanted) => slot.profile.as_ref() == Some(wanted),
    };
    let named = |id: &String| *id == slot.uuid || id.parse() == Ok(slot.id);
    kind && (request.only.is_empty() || request.only.iter().any(named))
}

/// Indices of the slots to give, or the quota for the refusal to explain.
pub(crate) fn pick<'a>(
    request: &Request,
    on: &Grounds<'a>,
    slots: &[Slot],
    standings: &[Standing],
) -> Result<Vec<usize>, Quota<'a>> {
    let quota = Quota::of(request, on);
    if !quota.allows_count(request, on) {
        return Err(quota);
    }
    let count = request.count as usize;
    let open = |index: &usize| standings[*index].is_open() && matches(request, &slots[*index]);
    let open: Vec<usize> = (0..slots.len()).filter(open).collect();
    // A container gets whole GPUs or instances, never both: CUDA cannot use them together.
    // "A GPU" is a whole one where the user may have one, as everywhere else.
    let (full, mig): (Vec<usize>, Vec<usize>) =
        open.iter().partition(|index| slots[**index].profile.is_none());
    let full = if on.limits.allow_full_gpu { full } else { Vec::new() };
    let scale = Scale { on, slots, standings, taken: taken(on, slots, standings) };
    [full, mig].iter().find_map(|kind| scale.within(kind, count, quota.left(on))).ok_or(quota)
}

/// Leased slots by card; an instance counts like a whole GPU.
fn taken(on: &Grounds, slots: &[Slot], standings: &[Standing]) -> HashMap<u32, usize> {
    let mut taken = HashMap::new();
    for (slot, standing) in slots.iter().zip(standings) {
        let held = match standing {
            Standing::Leased(_) | Standing::Reclaimable(_) => true,
            _ => on.state.holders(&slot.uuid).any(|lease| !lease.lapsed(on.now)),
        };
        *taken.entry(slot.gpu).or_default() += usize::from(held);
    }
    taken
}

struct Scale<'a> {
    on: &'a Grounds<'a>,
    slots: &'a [Slot],
    standings: &'a [Standing<'a>],
    taken: HashMap<u32, usize>,
}

/// Smaller is better.
type Merit = (u8, i64, ds01_board::SlotId);

impl Scale<'_> {
    /// The best `count` of these that weigh no more than what is left.
    fn within(&self, open: &[usize], count: usize, left: f64) -> Option<Vec<usize>> {
        let fits = |chosen: &Vec<usize>| self.weight(chosen) <= left;
        let share = left / count as f64;
        let light: Vec<usize> =
            open.iter().copied().filter(|index| self.slots[*index].gpueq <= share).collect();
        let mut lightest = open.to_vec();
        lightest.sort_by(|a, b| self.slots[*a].gpueq.total_cmp(&self.slots[*b].gpueq));
        lightest.truncate(count);
        [open, &light, &lightest].iter().find_map(|pool| self.best(pool, count).filter(fits))
    }

    fn weight(&self, chosen: &[usize]) -> f64 {
        chosen.iter().map(|index| self.slots[*index].gpueq).sum()
    }

    fn best(&self, open: &[usize], count: usize) -> Option<Vec<usize>> {
        if open.len() < count {
            return None;
        }
        if count == 1 {
            return open
                .iter()
                .min_by_key(|index| self.merit(**index, &[]))
                .map(|index| vec![*index]);
        }
        // One beginning on each card finds every neighbourhood.
        let mut seeds: Vec<usize> = open.to_vec();
        seeds.sort_by_key(|index| (self.slots[*index].gpu, self.merit(*index, &[])));
        seeds.dedup_by_key(|index| self.slots[*index].gpu);
        let mut best = seeds
            .into_iter()
            .map(|seed| self.grow(seed, open, count))
            .min_by_key(|chosen| self.merit_of_all(chosen))?;
        best.sort_by_key(|index| self.slots[*index].id);
        Some(best)
    }

    /// Adds the nearest again and again.
    fn grow(&self, seed: usize, open: &[usize], count: usize) -> Vec<usize> {
        let mut chosen = vec![seed];
        while chosen.len() < count {
            let next = open
                .iter()
                .filter(|index| !chosen.contains(index))
                .min_by_key(|index| {
                    let (rank, load, id) = self.merit(**index, &chosen);
                    (rank, Reverse(self.nearness(**index, &chosen)), load, id)
                })
                .copied();
            match next {
                Some(next) => chosen.push(next),
                None => break,
            }
        }
        chosen
    }

    fn merit(&self, index: usize, chosen: &[usize]) -> Merit {
        let slot = &self.slots[index];
        let siblings = chosen.iter().filter(|other| self.slots[**other].gpu == slot.gpu).count();
        let load = (self.taken.get(&slot.gpu).copied().unwrap_or(0) + siblings) as i64;
        let load = match self.on.policy.strategy {
            Strategy::LeastAllocated => load,
            Strategy::Pack => -load,
        };
        (self.standings[index].rank(), load, slot.id)
    }

    fn merit_of_all(&self, chosen: &[usize]) -> (u32, Reverse<u32>, i64, Vec<ds01_board::SlotId>) {
        let ranks = chosen.iter().map(|index| u32::from(self.standings[*index].rank())).sum();
        let near: u32 = (0..chosen.len()).map(|n| self.nearness(chosen[n], &chosen[..n])).sum();
        let load = (0..chosen.len()).map(|n| self.merit(chosen[n], &chosen[..n]).1).sum();
        let mut ids: Vec<_> = chosen.iter().map(|index| self.slots[*index].id).collect();
        ids.sort_unstable();
        (ranks, Reverse(near), load, ids)
    }

    /// How close a slot is to those already chosen: NVLink joins whole GPUs only, a shared
    /// NUMA node helps everybody.
    fn nearness(&self, index: usize, chosen: &[usize]) -> u32 {
        let slot = &self.slots[index];
        let near = |other: &usize| {
            let other = &self.slots[*other];
            let whole = slot.profile.is_none() && other.profile.is_none();
            let linked = whole && linked(self.on.board, slot.gpu, other.gpu);
            let same_node = slot.numa.is_some() && slot.numa == other.numa;
            4 * u32::from(linked) + u32::from(same_node)
        };
        chosen.iter().map(near).sum()
    }
}

fn linked(board: &Board, a: u32, b: u32) -> bool {
    let to = |from, to| board.gpu(from).is_some_and(|gpu| gpu.nvlink.contains(&to));
    to(a, b) || to(b, a)
}
