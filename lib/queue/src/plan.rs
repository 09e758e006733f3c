//! When each in the line may expect to start, and on which slots.
//!
//! Conservative backfill: in the order of the line, each gets the earliest start that leaves
//! everything planned before it as it is. So a short request may go first where it fits into
//! a gap, and nobody is delayed by somebody behind.
//!
//! A start is a promise for the case that everybody runs to the limit and nobody of higher
//! rank joins: a later plan gives the same. Shorter runs only make it earlier.

use ds01_units::{Span, Stamp};

use crate::Entry;
use crate::account::Amount;
use crate::bounds::Bounds;
use crate::gaps::{NEVER, Room};
use crate::lanes::{Lanes, Sought, busy_until};
use crate::people::People;
use crate::world::World;

/// When an entry may expect to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    At(Stamp),
    /// Somebody before it has no latest end.
    Unknown,
    /// The board has no such slots, or the limits never allow so many.
    Never,
}

/// What an entry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: it can start now.
    Nothing,
    /// Slots that others have or come to before it.
    Slots,
    /// What the user holds already.
    OwnLimit,
    /// What the user's group holds already.
    GroupLimit,
}

/// What the plan says of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub start: Start,
    /// Places on the board; empty unless the start is known.
    pub slots: Vec<usize>,
    pub waits: Wait,
    /// Where no start is known: places on which no run without end may begin before it.
    pub pins: Vec<usize>,
}

/// The plan for the whole line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Indices of the entries, first in line first.
    pub order: Vec<usize>,
    /// By the index of the entry.
    pub of: Vec<Planned>,
}

/// Plans the entries in `order` against `world` from `now` on.
///
/// `claim` is how long one may take to accept a slot. A run that comes before something
/// else must leave that much room behind it: taking the whole claim delays nobody.
pub fn plan(world: &World, entries: &[Entry], order: &[usize], now: Stamp, claim: Span) -> Plan {
    let claim = plus(0, claim);
    let least = entries.iter().filter_map(|entry| entry.runtime).min().unwrap_or(Span::ZERO);
    let mut planner = Planner::new(world, now, claim, plus(claim, least));
    let nobody =
        Planned { start: Start::Never, slots: Vec::new(), waits: Wait::Slots, pins: Vec::new() };
    let mut of = vec![nobody; entries.len()];
    // Slots with a claim on them are out of everybody's reach, whoever stands before.
    let (claimed, waiting): (Vec<usize>, Vec<usize>) =
        order.iter().copied().partition(|&index| entries[index].has_claim(now));
    for index in claimed {
        of[index] = planner.claimed(&entries[index]);
    }
    for index in waiting {
        of[index] = planner.waiting(&entries[index]);
    }
    Plan { order: order.to_vec(), of }
}

struct Planner<'a> {
    world: &'a World,
    now: Stamp,
    claim: i64,
    lanes: Lanes<'a>,
    people: People<'a>,
    bounds: Bounds,
}

/// A request as the search needs it.
#[derive(Clone, Copy)]
struct Ask {
    count: u32,
    room: Room,
    user: u32,
    owner: Option<u32>,
}

impl Ask {
    fn sought(self, kind: usize) -> Sought {
        Sought { kind, count: self.count as usize, room: self.room, owner: self.owner }
    }
}

impl<'a> Planner<'a> {
    fn new(world: &'a World, now: Stamp, claim: i64, least: i64) -> Self {
        let mut people = People::new(world);
        let lanes = Lanes::new(world, now, least, |name| people.number(name));
        for window in &world.windows {
            if lanes.place(&window.slot).is_some() {
                let user = people.number(&window.user);
                people.has_a_window(user);
            }
        }
        for busy in &world.busy {
            let user = people.number(&busy.user);
            let till = busy_until(busy.until, now);
            people.count(user, now.millis(), till, Amount::of(1, busy.gpueq));
        }
        Self { world, now, claim, lanes, people, bounds: Bounds::default() }
    }

    /// Who holds a claim is taken to accept it now.
    fn claimed(&mut self, entry: &'a Entry) -> Planned {
        let ids = entry.claim.iter().flat_map(|claim| &claim.slots);
        let slots: Vec<usize> = ids.filter_map(|id| self.lanes.place(id)).collect();
        let gpueq = slots.iter().map(|&at| self.world.slots[at].gpueq).fold(0.0, f64::max);
        let start = self.now.millis();
        self.run(entry, &slots, start, gpueq);
        Planned { start: Start::At(self.now), slots, waits: Wait::Nothing, pins: Vec::new() }
    }

    fn run(&mut self, entry: &'a Entry, slots: &[usize], start: i64, gpueq: f64) {
        let till = entry.runtime.map_or(NEVER, |runtime| plus(start, runtime));
        self.lanes.take(slots, start, till);
        let user = self.people.number(&entry.user);
        self.people.count(user, start, till, Amount::of(slots.len() as u32, gpueq));
    }

    fn waiting(&mut self, entry: &'a Entry) -> Planned {
        let user = self.people.number(&entry.user);
        let ask = Ask {
            count: entry.count,
            room: entry.runtime.map_or(Room::Endless, |runtime| {
                Room::Millis(plus(0, runtime).saturating_add(self.claim))
            }),
            user,
            owner: self.people.owns_a_window(user).then_some(user),
        };
        let mut best: Option<(i64, usize, Wait)> = None;
        // The kind that is waited for where no start is known, and what is in the way: the
        // slots of a kind rather than a limit, where it is either.
        let mut unknown: Option<(usize, Wait)> = None;
        let mut never = Wait::Slots;
        for kind in 0..self.lanes.kinds.len() {
            let here = &self.lanes.kinds[kind];
            let enough = (1..=here.slots.len()).contains(&(ask.count as usize));
            if !enough || !entry.kinds.take(here.name) {
                continue;
            }
            if let Some(limit) = self.people.forbids(user, Amount::of(ask.count, here.gpueq)) {
                never = limit;
                continue;
            }
            match self.earliest(kind, ask) {
                (Some(start), waits) => {
                    if best.is_none_or(|(before, ..)| start < before) {
                        best = Some((start, kind, waits));
                    }
                    if start <= self.now.millis() {
                        break;
                    }
                }
                (None, _) => {
                    let amount = Amount::of(ask.count, self.lanes.kinds[kind].gpueq);
                    let shut = self.people.shut(user, ask.room, amount).unwrap_or(Wait::Slots);
                    if unknown.is_none_or(|(_, before)| before != Wait::Slots) {
                        unknown = Some((kind, shut));
                    }
                }
            }
        }
        match (best, unknown) {
            (Some((start, kind, waits)), _) => {
                let slots = self.lanes.pick(ask.sought(kind), start);
                let gpueq = self.lanes.kinds[kind].gpueq;
                self.run(entry, &slots, start, gpueq);
                Planned {
                    start: Start::At(Stamp::from_millis(start)),
                    slots,
                    waits,
                    pins: Vec::new(),
                }
            }
            (None, Some((kind, waits))) => {
                // Else endless runs could take turns on what it waits for. Whoever waits
                // for a limit keeps no slot idle meanwhile.
                let amount = Amount::of(ask.count, self.lanes.kinds[kind].gpueq);
                self.people.leave(user, waits, amount);
                let pins = match waits {
                    Wait::Slots => self.lanes.pin(kind, ask.count as usize),
                    _ => Vec::new(),
                };
                Planned { start: Start::Unknown, slots: Vec::new(), waits, pins }
            }
            (None, None) => {
                Planned { start: Start::Never, slots: Vec::new(), waits: never, pins: Vec::new() }
            }
        }
    }

    /// The earliest start on slots of one kind, and what is in the way of an earlier one.
    fn earliest(&mut self, kind: usize, ask: Ask) -> (Option<i64>, Wait) {
        let amount = Amount::of(ask.count, self.lanes.kinds[kind].gpueq);
        let room = match ask.room {
            Room::Millis(millis) => millis,
            Room::Endless => NEVER,
        };
        let mut start = self.now.millis();
        let mut waits = Wait::Nothing;
        // Slots alone first, then with the group's quota, then with the user's own: what is
        // learnt on a level holds for everybody on it.
        for level in [Wait::Slots, Wait::GroupLimit, Wait::OwnLimit] {
            let Some(name) = self.people.level(ask.user, level) else { continue };
            let key = (name, kind as u16, ask.count);
            let from = start.max(self.bounds.get(key, room));
            let found = self.settle(kind, ask, amount, (start, from), level);
            self.bounds.raise(key, room, found.unwrap_or(NEVER));
            match found {
                Some(later) if later > start => (start, waits) = (later, level),
                Some(_) => {}
                None => return (None, level),
            }
        }
        (Some(start), waits)
    }

    /// The earliest moment from `from` on that suits the slots and all quotas up to a level;
    /// `known` is one that suits the slots.
    fn settle(
        &mut self,
        kind: usize,
        ask: Ask,
        amount: Amount,
        (known, from): (i64, i64),
        level: Wait,
    ) -> Option<i64> {
        if level == Wait::Slots {
            return self.lanes.fit(ask.sought(kind), from);
        }
        let mut from = from;
        while from < NEVER {
            let begun =
                if from == known { from } else { self.lanes.fit_beyond(ask.sought(kind), from)? };
            let mut start = begun;
            for steps in self.people.quotas(ask.user, level) {
                start = steps.fit(start, ask.room, amount)?;
            }
            // A quota that moves it on leaves the slots to be asked again, and the quotas
            // asked before it.
            if start == begun {
                return Some(start);
            }
            from = start;
        }
        None
    }
}

fn plus(start: i64, span: Span) -> i64 {
    start.saturating_add_unsigned(span.millis())
}
