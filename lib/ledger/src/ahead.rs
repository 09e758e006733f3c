//! What is planned for those who wait. Somebody who asks without waiting is one who joins
//! now: whatever is planned for those before is not theirs to take, or a release would go to
//! the fastest, and who waits for several slots would wait for ever.

use std::collections::HashMap;

use ds01_queue::{Entry, Start, order, plan};
use ds01_units::Stamp;

use crate::decide::Request;
use crate::host::{Host, kinds, runtime};

/// Slots that are planned for others in line, by UUID.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ahead {
    by_slot: HashMap<String, Planned>,
    /// Where the request itself would stand; none where nobody waits.
    pub turn: Option<Turn>,
}

/// The place in line of somebody who would join now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// From 1.
    pub position: usize,
    /// None where nobody knows.
    pub start: Option<Stamp>,
}

/// For whom a slot is planned, and from when.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub entry: u64,
    pub user: String,
    /// None where nobody knows: then only runs without end are in the way.
    pub from: Option<Stamp>,
}

impl Ahead {
    /// What those get who stand before this request, if it joined the line now.
    pub fn of(host: &Host, request: &Request) -> Self {
        if host.state.queue.is_empty() {
            return Self::default();
        }
        let limits = host.limits(&request.user);
        let mut entries = host.entries();
        entries.push(Entry {
            id: host.state.next_id(),
            user: request.user.clone(),
            count: request.count,
            kinds: kinds(&request.want, limits.allow_full_gpu),
            runtime: runtime(request.runtime, &limits),
            priority: request.priority.unwrap_or(limits.priority),
            share: host.share(&request.user),
            joined: host.now,
            missed: 0,
            missed_at: None,
            claim: None,
        });
        let (policy, mut world, newest) = (host.policy(), host.world(), entries.len() - 1);
        world.users.insert(request.user.clone(), host.account(&request.user));
        let mut order = order(&entries, policy.half_life, policy.patience);
        let place = order.iter().position(|&index| index == newest);
        if let Some(place) = place {
            // Claims are honoured from wherever they stand.
            let behind = order.split_off(place);
            order.extend(behind.into_iter().filter(|&index| entries[index].has_claim(host.now)));
            order.push(newest);
        }
        let plan = plan(&world, &entries, &order, host.now, policy.claim);
        let mut by_slot: HashMap<String, Planned> = HashMap::new();
        for &index in &order {
            let (entry, planned) = (&entries[index], &plan.of[index]);
            if entry.user == request.user || entry.has_claim(host.now) {
                continue;
            }
            let (slots, from) = match planned.start {
                Start::At(at) => (&planned.slots, Some(at)),
                Start::Unknown | Start::Never => (&planned.pins, None),
            };
            for &at in slots {
                let new = Planned { entry: entry.id, user: entry.user.clone(), from };
                let known =
                    by_slot.entry(world.slots[at].id.clone()).or_insert_with(|| new.clone());
                // The earliest counts; not known is later than any.
                if from.is_some_and(|from| known.from.is_none_or(|before| from < before)) {
                    *known = new;
                }
            }
        }
        let start = match plan.of[newest].start {
            Start::At(at) => Some(at),
            Start::Unknown | Start::Never => None,
        };
        let turn = place.map(|place| Turn { position: place + 1, start });
        Self { by_slot, turn }
    }

    #[cfg(test)]
    pub fn for_test(uuid: &str, from: Option<Stamp>) -> Self {
        let planned = Planned { entry: 1, user: "carol".into(), from };
        Self { by_slot: HashMap::from([(uuid.to_owned(), planned)]), turn: None }
    }

    /// For whom a slot is planned so that a run until `end` is in the way.
    pub fn in_the_way(&self, uuid: &str, end: Option<Stamp>) -> Option<&Planned> {
        self.by_slot.get(uuid).filter(|planned| match (planned.from, end) {
            (Some(from), Some(end)) => end > from,
            (_, None) => true,
            (None, Some(_)) => false,
        })
    }
}
