//! The host as the rules of the line know it: slots, who is on them, what is reserved, what
//! each user may hold.

use std::collections::{BTreeSet, HashMap};

use ds01_board::Board;
use ds01_config::{Config, Limits};
use ds01_queue::{
    Account, Busy, Entry, FULL, Kinds, Policy, Quota, Slot, Window, World, cost, share,
};
use ds01_units::{Limit, Span, Stamp};

use crate::decide::weight;
use crate::state::State;
use crate::types::{Lease, QueueEntry, Want};

/// Windows further off than this do not enter a plan: nobody runs so long, and a window that
/// comes every day has no end.
const HORIZON: Span = Span::hours(24 * 400);
/// The kind of container whose run the line plans with: the one `container-create` makes.
const INTERFACE: &str = "atomic";

/// Everything that is known at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    pub config: &'a Config,
    pub board: &'a Board,
    pub state: &'a State,
    pub now: Stamp,
}

impl<'a> Host<'a> {
    pub fn policy(&self) -> Policy {
        let gpu = self.config.gpu();
        Policy {
            half_life: gpu.fair_share_half_life,
            patience: gpu.queue_patience,
            claim: gpu.claim,
        }
    }

    pub fn slots(&self) -> Vec<ds01_board::Slot> {
        self.board.slots(weight(self.config.gpu()))
    }

    pub fn limits(&self, user: &str) -> Limits {
        self.config.resolve(user, self.now)
    }

    /// What the line is planned against.
    pub fn world(&self) -> World {
        let slots = self.slots();
        let is_drained = |slot: &ds01_board::Slot| {
            self.state.drains.contains_key(&slot.uuid)
                || self.state.drains.contains_key(&slot.gpu_uuid)
        };
        let users: BTreeSet<&str> = self
            .state
            .queue
            .values()
            .map(|entry| entry.user.as_str())
            .chain(self.state.leases.values().map(|lease| lease.user.as_str()))
            .collect();
        World {
            busy: self.busy(&slots),
            windows: self.windows(),
            users: users.into_iter().map(|user| (user.to_owned(), self.account(user))).collect(),
            groups: HashMap::new(),
            slots: slots
                .iter()
                .map(|slot| Slot {
                    id: slot.uuid.clone(),
                    kind: kind_of(slot).to_owned(),
                    gpueq: slot.gpueq,
                    // A slot that the board cannot name can be given to nobody.
                    open: !slot.uuid.is_empty() && !is_drained(slot),
                })
                .collect(),
        }
    }

    pub(crate) fn account(&self, user: &str) -> Account {
        let limits = self.limits(user);
        let own = Quota {
            slots: limits.max_slots.max().copied(),
            gpueq: limits.max_gpu_equivalents.max().copied(),
        };
        Account { own, group: None }
    }

    fn windows(&self) -> Vec<Window> {
        let reservations = self.state.reservations.values().map(|one| one.reserved());
        let (now, end) = (self.now, self.now.plus(HORIZON));
        reservations
            .flat_map(|one| {
                let windows: Vec<_> = ds01_queue::windows(&one, now, end).collect();
                let windows = windows.into_iter().flat_map(move |(from, till)| {
                    let (slots, user) = (one.slots.clone(), one.user.clone());
                    slots.into_iter().map(move |slot| Window {
                        slot,
                        user: user.clone(),
                        from,
                        till,
                    })
                });
                windows.collect::<Vec<_>>()
            })
            .collect()
    }

    /// Who is on which slot. Every slot of a lease counts against its user once; on the
    /// board it may block more than one slot, or one of another name.
    fn busy(&self, slots: &[ds01_board::Slot]) -> Vec<Busy> {
        let mut busy = Vec::new();
        for lease in self.state.live(self.now) {
            let until = self.ends(lease);
            for used in &lease.slots {
                busy.push(Busy {
                    slot: used.uuid.clone(),
                    user: lease.user.clone(),
                    gpueq: used.gpueq,
                    until,
                });
                let shown = slots.iter().any(|slot| slot.uuid == used.uuid);
                // Pitfall 22: the card was cut since, or nobody knows where the slot went;
                // whatever lies on the card or bears the name now is taken.
                let blocked = slots.iter().filter(|slot| {
                    slot.uuid != used.uuid
                        && (slot.gpu_uuid == used.uuid
                            || (!shown && slot.id.to_string() == used.id))
                });
                busy.extend(blocked.map(|slot| Busy {
                    slot: slot.uuid.clone(),
                    user: String::new(),
                    gpueq: 0.0,
                    until,
                }));
            }
        }
        busy
    }

    /// A stopped container may be started again before its hold ends, and then runs on; but
    /// the hold is what its owner was promised, and what others may count on.
    pub fn ends(&self, lease: &Lease) -> Option<Stamp> {
        lease.known_end()
    }

    /// The fair share that counts for what `user` asks for now: what they have had, and
    /// what is still to come of what they asked for before.
    pub fn share(&self, user: &str) -> u64 {
        let (half_life, limits) = (self.policy().half_life, self.limits(user));
        let used = self.state.usage_of_all(self.now, half_life).get(user).copied().unwrap_or(0.0);
        let own = self.state.live(self.now).filter(|lease| lease.user == user);
        let running = own.map(|lease| {
            let rest = self.ends(lease).map(|end| end.since(self.now));
            cost(lease.gpueq(), rest, half_life)
        });
        let slots = self.slots();
        let waits = self.state.queue.values().filter(|entry| entry.user == user);
        let waiting = waits.map(|entry| {
            // "Any" gets the heaviest where that is free.
            let kinds = kinds(&entry.want, limits.allow_full_gpu);
            let fitting = slots.iter().filter(|slot| kinds.take(kind_of(slot)));
            let weight = fitting.map(|slot| slot.gpueq).max_by(f64::total_cmp);
            let gpueq = f64::from(entry.count) * weight.unwrap_or(1.0);
            cost(gpueq, runtime(entry.runtime, &limits), half_life)
        });
        share(used, running.chain(waiting))
    }

    /// The entries of the line.
    pub fn entries(&self) -> Vec<Entry> {
        self.state.queue.values().map(|entry| self.entry(entry)).collect()
    }

    /// An entry under the limits that its user has now, which are the ones that count when
    /// it starts.
    pub fn entry(&self, entry: &QueueEntry) -> Entry {
        let limits = self.limits(&entry.user);
        Entry {
            id: entry.id,
            user: entry.user.clone(),
            count: entry.count,
            kinds: kinds(&entry.want, limits.allow_full_gpu),
            runtime: runtime(entry.runtime, &limits),
            priority: entry.priority,
            share: entry.share,
            joined: entry.joined_at,
            missed: entry.missed,
            missed_at: entry.missed_at,
            claim: entry.claim.as_ref().map(|claim| ds01_queue::Claim {
                slots: claim.slots.clone(),
                given: claim.since,
                until: claim.until,
            }),
        }
    }
}

/// The line's word for what is wanted, under the user's limits.
pub fn kinds(want: &Want, allow_full: bool) -> Kinds {
    match want {
        Want::Any => Kinds::Any { full: allow_full },
        Want::Full if allow_full => Kinds::Full,
        // No board has a kind without a name, so this waits for what cannot come.
        Want::Full => Kinds::Profile(String::new()),
        Want::Mig => Kinds::Mig,
        Want::Profile(profile) => Kinds::Profile(profile.clone()),
    }
}

/// The kind of a slot as the line names it.
pub fn kind_of(slot: &ds01_board::Slot) -> &str {
    slot.profile.as_deref().unwrap_or(FULL)
}

/// The longest run: what was asked for, and never more than the limit.
pub fn runtime(asked: Option<Span>, limits: &Limits) -> Option<Span> {
    match limits.lifecycle(INTERFACE).max_runtime {
        Limit::Max(max) => Some(asked.map_or(max, |asked| asked.min(max))),
        Limit::None => asked,
    }
}
