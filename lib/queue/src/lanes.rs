//! The board over time: for each slot when it is free, and for whom.

use std::collections::HashMap;

use ds01_units::{Span, Stamp};

use crate::gaps::{AFAR, Gaps, NEVER, Room};
use crate::hash::Quick;
use crate::world::World;

/// A run that is past its latest end and still there is being stopped: it is expected gone
/// with the next pass, not now and not never.
const OVERDUE: Span = Span::minutes(1);

/// One slot.
#[derive(Debug)]
struct Lane {
    /// Free for everybody: no run, no reservation.
    free: Gaps,
    /// Free of runs, where some of it is reserved.
    unused: Option<Gaps>,
    /// Reserved stretches with whose they are, by start.
    windows: Vec<(i64, i64, u32)>,
    /// A request that waits for nobody knows how long needs it: no endless run may begin.
    pinned: bool,
    /// Counts changes, so that what was found before them is known to be old.
    changes: u32,
}

impl Lane {
    /// The earliest start from `from` on, or [`NEVER`].
    fn fit(&self, from: i64, sought: Sought, near: &mut usize) -> i64 {
        let Sought { room, owner, .. } = sought;
        if self.pinned && room == Room::Endless {
            return NEVER;
        }
        let (Some(owner), Some(unused)) = (owner, &self.unused) else {
            return self.free.fit(from, room, near).unwrap_or(NEVER);
        };
        let mut from = from;
        loop {
            let Some(start) = unused.fit(from, room, near) else { return NEVER };
            let till = match room {
                Room::Millis(millis) => start.saturating_add(millis),
                Room::Endless => NEVER,
            };
            let in_the_way = |w: &&(i64, i64, u32)| w.2 != owner && w.1 > start && w.0 < till;
            match self.windows.iter().find(in_the_way) {
                Some(window) => from = window.1,
                None => return start,
            }
        }
    }

    fn take(&mut self, from: i64, till: i64) {
        self.changes += 1;
        self.free.take(from, till);
        if let Some(unused) = &mut self.unused {
            unused.take(from, till);
        }
    }
}

/// Slots of one kind.
#[derive(Debug)]
pub(crate) struct Kind<'a> {
    pub name: &'a str,
    pub gpueq: f64,
    /// Places on the board, ascending.
    pub slots: Vec<usize>,
}

/// All slots, by the place they have on the board.
#[derive(Debug)]
pub(crate) struct Lanes<'a> {
    lanes: Vec<Lane>,
    /// The heaviest first: "a GPU" is a whole one where that is no later, as everywhere.
    pub kinds: Vec<Kind<'a>>,
    places: HashMap<&'a str, usize>,
    found: HashMap<Sought, Found, Quick>,
    /// Starts in the search that goes on beyond what is kept for the next.
    beyond: Vec<i64>,
    near: Vec<usize>,
    scratch: Vec<i64>,
}

/// What a search is for: how many slots of which kind, for how long, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sought {
    pub kind: usize,
    pub count: usize,
    pub room: Room,
    /// Set for those who may use windows of their own.
    pub owner: Option<u32>,
}

/// How far a search has come on each slot of its kind. A plan only fills up, so the next
/// search for the same goes on from there.
#[derive(Debug)]
struct Found {
    /// The earliest start; [`NEVER`] where there is none.
    starts: Vec<i64>,
    /// The slot's changes when that was found.
    changes: Vec<u32>,
    /// Where among the slot's free stretches that was.
    near: Vec<usize>,
}

impl<'a> Lanes<'a> {
    /// `least` is the least room that anybody wants; `user` gives a number to each name.
    pub fn new(
        world: &'a World,
        now: Stamp,
        least: i64,
        mut user: impl FnMut(&'a str) -> u32,
    ) -> Self {
        let begin = now.millis();
        let mut lanes: Vec<Lane> = world
            .slots
            .iter()
            .map(|slot| {
                let mut free = Gaps::from(begin, least);
                if !slot.open {
                    free.take(begin, NEVER);
                }
                Lane { free, unused: None, windows: Vec::new(), pinned: false, changes: 0 }
            })
            .collect();
        let places: HashMap<&str, usize> =
            world.slots.iter().enumerate().map(|(at, slot)| (slot.id.as_str(), at)).collect();
        for busy in &world.busy {
            if let Some(&at) = places.get(busy.slot.as_str()) {
                lanes[at].take(begin, busy_until(busy.until, now));
            }
        }
        for window in &world.windows {
            if let Some(&at) = places.get(window.slot.as_str()) {
                let lane = &mut lanes[at];
                let (from, till) = (window.from.millis(), window.till.millis());
                if lane.unused.is_none() {
                    lane.unused = Some(lane.free.clone());
                }
                lane.free.take(from, till);
                lane.windows.push((from, till, user(&window.user)));
            }
        }
        for lane in &mut lanes {
            lane.windows.sort_unstable();
        }
        let mut kinds: Vec<Kind> = Vec::new();
        for (at, slot) in world.slots.iter().enumerate() {
            match kinds.iter_mut().find(|kind| kind.name == slot.kind) {
                Some(kind) => kind.slots.push(at),
                None => kinds.push(Kind { name: &slot.kind, gpueq: slot.gpueq, slots: vec![at] }),
            }
        }
        kinds.sort_by(|a, b| b.gpueq.total_cmp(&a.gpueq));
        Self {
            lanes,
            kinds,
            places,
            found: HashMap::default(),
            beyond: Vec::new(),
            near: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The earliest moment from `from` on at which the slots have room.
    ///
    /// From one call to the next for the same, `from` may only grow.
    pub fn fit(&mut self, sought: Sought, from: i64) -> Option<i64> {
        let slots = &self.kinds[sought.kind].slots;
        if sought.count == 0 || sought.count > slots.len() {
            return None;
        }
        let found = self.found.entry(sought).or_insert_with(|| Found {
            starts: vec![i64::MIN; slots.len()],
            changes: vec![0; slots.len()],
            near: vec![AFAR; slots.len()],
        });
        for (at, start) in found.starts.iter_mut().enumerate() {
            let lane = &self.lanes[slots[at]];
            if found.changes[at] != lane.changes && *start != NEVER {
                *start = lane.fit((*start).max(from), sought, &mut found.near[at]);
                found.changes[at] = lane.changes;
            }
        }
        let Self { lanes, scratch, .. } = self;
        advance(lanes, slots, sought, from, &mut found.starts, &mut found.near, scratch)
    }

    /// The same from a moment later than that, which the next search need not heed.
    pub fn fit_beyond(&mut self, sought: Sought, from: i64) -> Option<i64> {
        let slots = &self.kinds[sought.kind].slots;
        let found = self.found.get(&sought)?;
        let Self { lanes, scratch, beyond, near, .. } = self;
        beyond.clone_from(&found.starts);
        near.clone_from(&found.near);
        advance(lanes, slots, sought, from, beyond, near, scratch)
    }

    /// The first slots of the board that have room at `start`, which a search has just found.
    /// The order of the board decides and nothing else, so that a later plan picks the same
    /// again.
    pub fn pick(&self, sought: Sought, start: i64) -> Vec<usize> {
        let Some(found) = self.found.get(&sought) else { return Vec::new() };
        let slots = self.kinds[sought.kind].slots.iter().enumerate();
        let has_room = |at: usize, slot: usize| match found.starts[at] {
            earliest if earliest < start => {
                self.lanes[slot].fit(start, sought, &mut { found.near[at] }) == start
            }
            earliest => earliest == start,
        };
        let free = slots.filter(|(at, slot)| has_room(*at, **slot)).map(|(_, slot)| *slot);
        free.take(sought.count).collect()
    }

    pub fn take(&mut self, slots: &[usize], from: i64, till: i64) {
        for &at in slots {
            self.lanes[at].take(from, till);
        }
    }

    /// Keeps endless runs off the first `count` slots that come free for good.
    pub fn pin(&mut self, kind: usize, count: usize) -> Vec<usize> {
        let mut pinned = Vec::new();
        for &at in &self.kinds[kind].slots {
            let lane = &mut self.lanes[at];
            if pinned.len() == count {
                break;
            }
            if !lane.pinned && lane.free.opens() {
                lane.pinned = true;
                lane.changes += 1;
                pinned.push(at);
            }
        }
        pinned
    }

    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }
}

/// Moves the starts of all slots on until enough of them agree on one.
fn advance(
    lanes: &[Lane],
    slots: &[usize],
    sought: Sought,
    from: i64,
    starts: &mut [i64],
    near: &mut [usize],
    scratch: &mut Vec<i64>,
) -> Option<i64> {
    let mut from = from;
    loop {
        for (at, start) in starts.iter_mut().enumerate() {
            if *start < from {
                *start = lanes[slots[at]].fit(from, sought, &mut near[at]);
            }
        }
        // Fewer slots have room before this moment, so nothing is skipped; but those that
        // had it may have lost it again by then.
        let start = smallest(sought.count, starts, scratch);
        if start == NEVER {
            return None;
        }
        if sought.count == 1 || start == from {
            return Some(start);
        }
        from = start;
    }
}

/// The `count`-th smallest number. Counts are small, so the smallest so far are kept in order.
fn smallest(count: usize, of: &[i64], kept: &mut Vec<i64>) -> i64 {
    if count == 1 {
        return of.iter().copied().min().unwrap_or(NEVER);
    }
    kept.clear();
    kept.resize(count, NEVER);
    for &number in of {
        let mut at = count;
        while at > 0 && kept[at - 1] > number {
            at -= 1;
        }
        if at < count {
            kept.copy_within(at..count - 1, at + 1);
            kept[at] = number;
        }
    }
    kept[count - 1]
}

/// When somebody on a slot is expected to be gone.
pub(crate) fn busy_until(until: Option<Stamp>, now: Stamp) -> i64 {
    until.map_or(NEVER, |until| if until > now { until } else { now.plus(OVERDUE) }.millis())
}
