//! Fair share: how much somebody has had, in GPU-seconds weighted by GPU equivalents, where
//! what was long ago counts less.

use ds01_units::Span;

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
    fn a_run_without_end_costs_no_more_than_using_for_ever() {
        assert!(close(cost(1.0, None, WEEK), WEEK.secs_f64() / std::f64::consts::LN_2));
        assert!(cost(1.0, Some(Span::hours(100_000)), WEEK) <= cost(1.0, None, WEEK));
        assert_eq!(cost(-3.0, None, WEEK), 0.0);
        assert_eq!(share(f64::NAN, [f64::NAN]), 0);
    }

    proptest! {
        #[test]
        fn a_run_costs_no_more_than_its_time_and_more_the_longer_it_is(
            gpueq in 0.1..8.0f64, lasts in 1..10_000_000u64, more in 0..10_000_000u64,
        ) {
            let [short, long] = [lasts, lasts + more]
                .map(|secs| cost(gpueq, Some(Span::from_secs(secs)), WEEK));
            prop_assert!(short <= gpueq * lasts as f64 * (1.0 + 1e-9));
            prop_assert!(short <= long * (1.0 + 1e-9));
        }
    }
}
