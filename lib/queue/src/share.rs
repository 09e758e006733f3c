//! Fair share: how much somebody has had, in GPU-seconds weighted by GPU equivalents, where
//! what was long ago counts less.

use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

/// GPU-seconds as they count at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub gpu_seconds: f64,
    pub at: Stamp,
}

impl Usage {
    /// Nothing used yet.
    pub const fn none(at: Stamp) -> Self {
        Self { gpu_seconds: 0.0, at }
    }

    /// What it counts for at `now`: half of it after each half-life. A clock that went back
    /// makes nothing count more than it did.
    pub fn at(self, now: Stamp, half_life: Span) -> f64 {
        self.gpu_seconds * fading(now.since(self.at), half_life)
    }

    /// The same with `gpueq` equivalents used from `from` until `until` added; counted at
    /// `until`, or where it stood if that is later.
    #[must_use]
    pub fn and(self, gpueq: f64, from: Stamp, until: Stamp, half_life: Span) -> Self {
        let at = self.at.max(until);
        // Decay goes on while the use does, so that a run counts the same whether it is
        // added in one piece or in many.
        let lasted = until.since(from);
        let used = steady(gpueq, half_life) * (1.0 - fading(lasted, half_life));
        let counted = used * fading(at.since(until), half_life);
        Self { gpu_seconds: self.at(at, half_life) + counted.max(0.0), at }
    }
}

/// What one who always held `gpueq` equivalents would count for: no use counts more.
fn steady(gpueq: f64, half_life: Span) -> f64 {
    gpueq.max(0.0) * half_life_secs(half_life) / std::f64::consts::LN_2
}

fn fading(passed: Span, half_life: Span) -> f64 {
    (-passed.secs_f64() / half_life_secs(half_life)).exp2()
}

/// A half-life of zero would divide by it; one second forgets as well.
pub(crate) fn half_life_secs(half_life: Span) -> f64 {
    half_life.secs_f64().max(1.0)
}

/// What a request for `gpueq` equivalents will count for if it runs to its limit, or for
/// ever where it has none.
pub fn cost(gpueq: f64, runtime: Option<Span>, half_life: Span) -> f64 {
    let kept = runtime.map_or(0.0, |runtime| fading(runtime, half_life));
    steady(gpueq, half_life) * (1.0 - kept)
}

/// The share that a new entry in the line is given: whole GPU-seconds its user has used,
/// with what was asked for before and not had yet (rests of running leases, entries that
/// wait). It stays as it was at the join, so that nobody's place changes because time passes.
pub fn share(used: f64, still_to_come: impl IntoIterator<Item = f64>) -> u64 {
    let sum: f64 = used.max(0.0) + still_to_come.into_iter().map(|cost| cost.max(0.0)).sum::<f64>();
    // Casting saturates, and what is no number counts as nothing.
    sum.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEEK: Span = Span::hours(168);

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1.0)
    }

    #[test]
    fn after_a_half_life_a_use_counts_half() {
        let start = Stamp::from_secs(1_800_000_000);
        let usage = Usage { gpu_seconds: 3600.0, at: start };
        assert!(close(usage.at(start.plus(WEEK), WEEK), 1800.0));
        assert!(close(usage.at(start.plus(Span::hours(336)), WEEK), 900.0));
        assert!(close(usage.at(start.minus(WEEK), WEEK), 3600.0), "a clock gone back");
    }

    #[test]
    fn an_hour_of_a_whole_gpu_is_about_3600_gpu_seconds() {
        let start = Stamp::from_secs(1_800_000_000);
        let usage = Usage::none(start).and(1.0, start, start.plus(Span::hours(1)), WEEK);
        assert!((usage.gpu_seconds - 3600.0).abs() < 10.0, "{}", usage.gpu_seconds);
        let quarter = Usage::none(start).and(0.25, start, start.plus(Span::hours(1)), WEEK);
        assert!(close(quarter.gpu_seconds * 4.0, usage.gpu_seconds));
    }

    #[test]
    fn a_run_without_end_costs_no_more_than_using_for_ever() {
        assert!(close(cost(1.0, None, WEEK), WEEK.secs_f64() / std::f64::consts::LN_2));
        assert!(cost(1.0, Some(Span::hours(100_000)), WEEK) <= cost(1.0, None, WEEK));
        assert_eq!(cost(-3.0, None, WEEK), 0.0);
        assert_eq!(share(f64::NAN, [f64::NAN]), 0);
    }

    proptest! {
        #[test]
        fn a_run_counts_the_same_in_one_piece_or_in_two(
            gpueq in 0.1..8.0f64, lasts in 2..2_000_000u64, cut in 1..1000u64,
        ) {
            let start = Stamp::from_secs(1_800_000_000);
            let cut = start.plus(Span::from_secs(lasts * cut / 1000));
            let end = start.plus(Span::from_secs(lasts));
            let whole = Usage::none(start).and(gpueq, start, end, WEEK);
            let parts = Usage::none(start).and(gpueq, start, cut, WEEK).and(gpueq, cut, end, WEEK);
            prop_assert!(close(whole.gpu_seconds, parts.gpu_seconds));
        }

        #[test]
        fn the_mere_passing_of_time_changes_no_comparison(
            a in 0.0..1e9f64, b in 0.0..1e9f64, later in 0..100_000_000u64,
        ) {
            prop_assume!((a - b).abs() > 1.0);
            let start = Stamp::from_secs(1_800_000_000);
            let later = start.plus(Span::from_secs(later));
            let [a2, b2] = [a, b].map(|n| Usage { gpu_seconds: n, at: start }.at(later, WEEK));
            prop_assert!((a < b) == (a2 < b2) || a2 == b2);
        }
    }
}
