//! How much of a quota is in use when: steps over time.

use crate::gaps::{NEVER, Room};
use crate::world::Quota;

/// Slots and GPU equivalents, in millionths: sums of sevenths must not drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    slots: i64,
    gpueq: i64,
}

impl Amount {
    pub fn of(slots: u32, gpueq_each: f64) -> Self {
        let count = i64::from(slots);
        Self {
            slots: count.saturating_mul(1_000_000),
            gpueq: count.saturating_mul(millionths(gpueq_each)),
        }
    }
    fn plus(self, more: Self) -> Self {
        Self {
            slots: self.slots.saturating_add(more.slots),
            gpueq: self.gpueq.saturating_add(more.gpueq),
        }
    }
}

fn millionths(value: f64) -> i64 {
    (value * 1e6).round() as i64
}

/// Admins write 0.2857 for two sevenths; four digits are as good as the fraction.
const TOLERANCE: i64 = 100;

#[derive(Clone, Debug)]
pub(crate) struct Steps {
    max: Amount,
    /// What is in use from each moment until the next step; the first is the beginning.
    steps: Vec<(i64, Amount)>,
    /// What endless runs must leave to those who wait for nobody knows how long.
    left: Amount,
}

impl Steps {
    pub fn new(quota: Quota) -> Self {
        let most = |limit: Option<f64>| {
            limit.map_or(i64::MAX, |value| millionths(value.max(0.0)).saturating_add(TOLERANCE))
        };
        Self {
            max: Amount { slots: most(quota.slots), gpueq: most(quota.gpueq) },
            steps: vec![(i64::MIN, Amount::default())],
            left: Amount::default(),
        }
    }

    /// Whether nothing is ever too much.
    pub fn is_free(&self) -> bool {
        self.max == Amount { slots: i64::MAX, gpueq: i64::MAX }
    }

    /// Whether the amount would pass if nothing else were in use.
    pub fn could(&self, amount: Amount) -> bool {
        self.allows(Amount::default(), amount)
    }

    fn allows(&self, used: Amount, more: Amount) -> bool {
        let sum = used.plus(more);
        sum.slots <= self.max.slots && sum.gpueq <= self.max.gpueq
    }

    /// Whether the amount passes once all runs with an end have ended.
    pub fn finally(&self, room: Room, amount: Amount) -> bool {
        let used = self.steps.last().map_or(Amount::default(), |step| step.1);
        let more = if room == Room::Endless { amount.plus(self.left) } else { amount };
        self.allows(used, more)
    }

    /// Endless runs leave so much from here on.
    pub fn leave(&mut self, amount: Amount) {
        self.left = self.left.plus(amount);
    }

    fn split(&mut self, at: i64) -> usize {
        let next = self.steps.partition_point(|step| step.0 < at);
        if self.steps.get(next).is_none_or(|step| step.0 != at) {
            let before = self.steps[next - 1].1;
            self.steps.insert(next, (at, before));
        }
        next
    }

    /// Counts `amount` from `from` until `till`.
    pub fn add(&mut self, from: i64, till: i64, amount: Amount) {
        if till <= from {
            return;
        }
        let first = self.split(from);
        let last = if till == NEVER { self.steps.len() } else { self.split(till) };
        for step in &mut self.steps[first..last] {
            step.1 = step.1.plus(amount);
        }
    }

    /// The earliest moment from `from` on at which `amount` passes for as long as `room` says.
    pub fn fit(&self, from: i64, room: Room, amount: Amount) -> Option<i64> {
        // Only runs without end count against what is left to others: the others end.
        if room == Room::Endless && !self.finally(room, amount) {
            return None;
        }
        let mut start = from;
        let mut at = self.steps.partition_point(|step| step.0 <= from) - 1;
        while let Some(&(begins, used)) = self.steps.get(at) {
            if let Room::Millis(millis) = room {
                if begins >= start.saturating_add(millis) {
                    break;
                }
            }
            if !self.allows(used, amount) {
                start = self.steps.get(at + 1)?.0;
            }
            at += 1;
        }
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seven_sevenths_are_one_and_four_digits_will_do() {
        let whole = Steps::new(Quota { slots: None, gpueq: Some(1.0) });
        assert!(whole.could(Amount::of(7, 1.0 / 7.0)));
        assert!(!whole.could(Amount::of(8, 1.0 / 7.0)));
        let written = Steps::new(Quota { slots: None, gpueq: Some(0.2857) });
        assert!(written.could(Amount::of(1, 2.0 / 7.0)));
    }

    #[test]
    fn a_quota_of_nothing_lets_nothing_pass() {
        for limit in [0.0, -3.0, f64::NAN] {
            let steps = Steps::new(Quota { slots: Some(limit), gpueq: None });
            assert!(!steps.could(Amount::of(1, 1.0)), "{limit}");
        }
    }

    proptest! {
        #[test]
        fn steps_agree_with_counting(
            runs in prop::collection::vec((0..40i64, 1..20i64), 0..8),
            from in 0..40i64, room in 1..15i64, max in 1..4u32,
        ) {
            let mut steps = Steps::new(Quota { slots: Some(f64::from(max)), gpueq: None });
            for (start, lasts) in &runs {
                steps.add(*start, start + lasts, Amount::of(1, 1.0));
            }
            let used = |t: i64| runs.iter().filter(|(s, l)| *s <= t && t < s + l).count();
            let naive = (from..100).find(|&t| (t..t + room).all(|t| used(t) < max as usize));
            prop_assert_eq!(steps.fit(from, Room::Millis(room), Amount::of(1, 1.0)), naive);
        }
    }
}
