//! The board over time: for each slot when it is free, and for whom.

use std::collections::HashMap;

use ds01_units::{Span, Stamp};

use crate::gaps::{Gaps, NEVER, Room};
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
}

impl Lane {
    fn fit(&self, from: i64, room: Room, owner: Option<u32>) -> Option<i64> {
        if self.pinned && room == Room::Endless {
            return None;
        }
        let (Some(owner), Some(unused)) = (owner, &self.unused) else {
            return self.free.fit(from, room);
        };
        let mut from = from;
        loop {
            let start = unused.fit(from, room)?;
            let till = match room {
                Room::Millis(millis) => start.saturating_add(millis),
                Room::Endless => NEVER,
            };
            let in_the_way = |w: &&(i64, i64, u32)| w.2 != owner && w.1 > start && w.0 < till;
            match self.windows.iter().find(in_the_way) {
                Some(window) => from = window.1,
                None => return Some(start),
            }
        }
    }

    fn take(&mut self, from: i64, till: i64) {
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
    /// The lightest first: who takes any kind leaves whole GPUs to those who need them.
    pub kinds: Vec<Kind<'a>>,
    places: HashMap<&'a str, usize>,
    starts: Vec<i64>,
}

impl<'a> Lanes<'a> {
    /// `user` gives a number to each name.
    pub fn new(world: &'a World, now: Stamp, mut user: impl FnMut(&'a str) -> u32) -> Self {
        let begin = now.millis();
        let mut lanes: Vec<Lane> = world
            .slots
            .iter()
            .map(|slot| {
                let mut free = Gaps::from(begin);
                if !slot.open {
                    free.take(begin, NEVER);
                }
                Lane { free, unused: None, windows: Vec::new(), pinned: false }
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
        kinds.sort_by(|a, b| a.gpueq.total_cmp(&b.gpueq));
        Self { lanes, kinds, places, starts: Vec::new() }
    }

    /// The earliest moment from `from` on at which `count` slots of a kind have room.
    pub fn fit(
        &mut self,
        kind: usize,
        count: usize,
        from: i64,
        room: Room,
        owner: Option<u32>,
    ) -> Option<i64> {
        let mut from = from;
        loop {
            self.starts.clear();
            for &at in &self.kinds[kind].slots {
                self.starts.extend(self.lanes[at].fit(from, room, owner));
            }
            if self.starts.len() < count || count == 0 {
                return None;
            }
            // Fewer than `count` slots have room before this moment, so nothing is skipped;
            // but those that had it may have lost it again by then.
            let start = *self.starts.select_nth_unstable(count - 1).1;
            if count == 1 || start == from {
                return Some(start);
            }
            from = start;
        }
    }

    /// The first `count` slots of the board that have room at `start`. The order of the
    /// board decides and nothing else, so that a later plan picks the same again.
    pub fn pick(
        &self,
        kind: usize,
        count: usize,
        start: i64,
        room: Room,
        owner: Option<u32>,
    ) -> Vec<usize> {
        let has_room = |at: &usize| self.lanes[*at].fit(start, room, owner) == Some(start);
        self.kinds[kind].slots.iter().copied().filter(has_room).take(count).collect()
    }

    pub fn take(&mut self, slots: &[usize], from: i64, till: i64) {
        for &at in slots {
            self.lanes[at].take(from, till);
        }
    }

    /// Keeps endless runs off the first `count` slots that come free for good.
    pub fn pin(&mut self, kind: usize, count: usize) {
        let mut left = count;
        for &at in &self.kinds[kind].slots {
            let lane = &mut self.lanes[at];
            if left == 0 {
                break;
            }
            if !lane.pinned && lane.free.opens() {
                lane.pinned = true;
                left -= 1;
            }
        }
    }

    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }
}

/// When somebody on a slot is expected to be gone.
pub(crate) fn busy_until(until: Option<Stamp>, now: Stamp) -> i64 {
    until.map_or(NEVER, |until| if until > now { until } else { now.plus(OVERDUE) }.millis())
}
