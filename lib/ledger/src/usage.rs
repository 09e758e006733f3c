//! Who has had how much: GPU seconds, weighted by equivalents. What is past lies in one sum
//! a day, so that the half-life may change without rewriting history.

use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

use crate::types::Lease;

const DAY: i64 = 86_400;
/// Ten of the default half-lives: what is older weighs less than a thousandth.
const KEPT_DAYS: usize = 70;

/// One user's past, the latest day last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Days since 1970 of the first sum.
    first: i64,
    /// Weighted GPU seconds.
    sums: Vec<f64>,
}

impl Usage {
    /// Adds a lease that ended at `end`.
    pub fn add(&mut self, lease: &Lease, end: Stamp) {
        let end = end.secs();
        // A clock that was wrong for a moment must not make a million days.
        let earliest = (end.div_euclid(DAY) - KEPT_DAYS as i64 + 1) * DAY;
        let mut at = lease.allocated_at.secs().max(earliest);
        while at < end {
            let midnight = (at.div_euclid(DAY) + 1) * DAY;
            let until = midnight.min(end);
            self.put(at.div_euclid(DAY), (until - at) as f64 * lease.gpueq());
            at = until;
        }
    }

    fn put(&mut self, day: i64, amount: f64) {
        if self.sums.is_empty() {
            self.first = day;
        }
        if day < self.first {
            // From before what is kept, or from a clock that went back: the oldest day has it.
            if let Some(oldest) = self.sums.first_mut() {
                *oldest += amount;
            }
            return;
        }
        if day >= self.first + 2 * KEPT_DAYS as i64 {
            *self = Self { first: day, sums: Vec::new() };
        }
        let index = (day - self.first) as usize;
        if index >= self.sums.len() {
            self.sums.resize(index + 1, 0.0);
        }
        // To the millisecond: sums stay short in the snapshot.
        self.sums[index] = ((self.sums[index] + amount) * 1000.0).round() / 1000.0;
        let excess = self.sums.len().saturating_sub(KEPT_DAYS);
        self.sums.drain(..excess);
        self.first += excess as i64;
    }

    /// What the past weighs at `now`: halved with every half-life since the middle of its day.
    pub fn decayed(&self, now: Stamp, half_life: Span) -> f64 {
        let weigh = |(index, sum): (usize, &f64)| {
            let middle = (self.first + index as i64) * DAY + DAY / 2;
            sum * decay(now, Stamp::from_secs(middle), half_life)
        };
        self.sums.iter().enumerate().map(weigh).sum()
    }
}

/// What a lease that still runs weighs at `now`: each of its moments decayed by its age.
pub fn running(lease: &Lease, now: Stamp, half_life: Span) -> f64 {
    let age = now.since(lease.allocated_at).secs_f64();
    let life = half_life.secs_f64();
    if life <= 0.0 {
        return 0.0;
    }
    // The integral of 2^(-t/life) from 0 to the age.
    let weighted = life / std::f64::consts::LN_2 * (1.0 - (-age / life).exp2());
    weighted * lease.gpueq()
}

fn decay(now: Stamp, then: Stamp, half_life: Span) -> f64 {
    let life = half_life.secs_f64();
    if life <= 0.0 { 0.0 } else { (-now.since(then).secs_f64() / life).exp2() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Phase, SlotUse};

    const WEEK: Span = Span::hours(168);

    fn lease(from: i64, gpueq: f64) -> Lease {
        let slot = SlotUse { id: "0".into(), uuid: "GPU-0".into(), profile: "full".into(), gpueq };
        Lease {
            container: "a._.alice".into(),
            container_id: None,
            user: "alice".into(),
            priority: 10,
            interface: None,
            slots: vec![slot],
            allocated_at: Stamp::from_secs(from),
            runs_until: None,
            phase: Phase::Held,
        }
    }

    #[test]
    fn a_lease_over_midnight_counts_on_both_days_and_in_full() {
        let mut usage = Usage::default();
        usage.add(&lease(DAY - 100, 0.5), Stamp::from_secs(DAY + 300));
        assert_eq!(usage, Usage { first: 0, sums: vec![50.0, 150.0] });
    }

    #[test]
    fn a_week_halves_what_was_used() {
        let mut usage = Usage::default();
        usage.add(&lease(0, 1.0), Stamp::from_secs(DAY));
        let then = Stamp::from_secs(DAY / 2);
        let halved = usage.decayed(then.plus(WEEK), WEEK);
        assert!((halved - DAY as f64 / 2.0).abs() < 1e-6, "{halved}");
    }

    #[test]
    fn a_clock_far_ahead_or_back_makes_no_endless_history() {
        let mut usage = Usage::default();
        usage.add(&lease(0, 1.0), Stamp::from_secs(i64::MAX / 1000));
        assert!(usage.sums.len() <= KEPT_DAYS);
        usage.add(&lease(0, 1.0), Stamp::from_secs(DAY));
        usage.add(&lease(DAY, 1.0), Stamp::from_secs(0));
        assert!(usage.sums.len() <= KEPT_DAYS);
    }

    #[test]
    fn a_running_lease_weighs_no_more_than_its_age_and_no_less_than_nothing() {
        let running = running(&lease(0, 1.0), Stamp::from_secs(3600), WEEK);
        assert!((3580.0..3600.0).contains(&running), "{running}");
    }
}
