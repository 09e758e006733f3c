//! Who is before whom: who has let fewer claims pass, then priority, then fair share, then
//! arrival; and nobody is overtaken by those who come more than the line's patience later.
//!
//! The order depends on the entries alone. No clock enters, so a place changes only when
//! somebody joins, leaves or misses a claim, and what the plan promises stays true while
//! time passes.

use std::collections::BTreeSet;

use ds01_units::Span;

use crate::Entry;
use crate::share::half_life_secs;

/// The indices of `entries`, first in line first.
///
/// Shares of entries that joined at different times are compared as of one moment: the
/// earlier one has faded since.
///
/// Whoever has waited `patience` when another arrives stays before that one, whatever the
/// other's priority. So an entry that has waited that long can only move forward, and the
/// line starves nobody.
pub fn order(entries: &[Entry], half_life: Span, patience: Span) -> Vec<usize> {
    let arrivals = arrivals(entries);
    let rank = ranks(entries, &arrivals, half_life);
    let mut by_rank: Vec<usize> = vec![0; entries.len()];
    for (index, &rank) in rank.iter().enumerate() {
        by_rank[rank] = index;
    }
    let Some(&(first, _)) = arrivals.first() else { return Vec::new() };
    let patience = i64::try_from(patience.millis()).unwrap_or(i64::MAX);
    // The common case: nobody has waited long enough to be past overtaking.
    if arrivals.last().is_none_or(|(last, _)| last.saturating_sub(first) <= patience) {
        return by_rank;
    }
    // Arrivals are replayed. The tail can still be entered anywhere; once somebody in it is
    // past overtaking, all up to that one are settled.
    let mut settled = Vec::with_capacity(entries.len());
    let mut tail = BTreeSet::new();
    let mut oldest = 0;
    for &(since, index) in &arrivals {
        let mut barrier = None;
        while since.saturating_sub(arrivals[oldest].0) > patience {
            let past = rank[arrivals[oldest].1];
            if tail.contains(&past) {
                barrier = barrier.max(Some(past));
            }
            oldest += 1;
        }
        if let Some(barrier) = barrier {
            let open = tail.split_off(&(barrier + 1));
            settled.extend(std::mem::replace(&mut tail, open));
        }
        tail.insert(rank[index]);
    }
    settled.extend(tail);
    settled.into_iter().map(|rank| by_rank[rank]).collect()
}

/// When each came to where it waits, in that order. Ids say who came first, so a clock that
/// goes backwards lets nobody pass; who missed a claim counts from then.
fn arrivals(entries: &[Entry]) -> Vec<(i64, usize)> {
    let mut by_id: Vec<usize> = (0..entries.len()).collect();
    by_id.sort_unstable_by_key(|&index| entries[index].id);
    let mut latest = i64::MIN;
    let mut arrivals: Vec<(i64, usize)> = by_id
        .into_iter()
        .map(|index| {
            let entry = &entries[index];
            if entry.missed_at.is_some() {
                return (entry.since().millis(), index);
            }
            latest = latest.max(entry.joined.millis());
            (latest, index)
        })
        .collect();
    // Stable, so that ids decide among those of one moment.
    arrivals.sort_by_key(|(since, _)| *since);
    arrivals
}

/// The place each entry would have if nobody were protected from being overtaken.
fn ranks(entries: &[Entry], arrivals: &[(i64, usize)], half_life: Span) -> Vec<usize> {
    let half_life = half_life_secs(half_life);
    let mut keyed: Vec<(u8, u8, f64, usize, usize)> = arrivals
        .iter()
        .enumerate()
        .map(|(place, &(_, index))| {
            let entry = &entries[index];
            // Logarithms, so that decades of half-lives do not overflow. No share at all is
            // minus infinity, before everybody and at any time the same.
            let joined = entry.joined.millis() as f64 / 1000.0 / half_life;
            let share = (entry.share as f64).log2() + joined;
            (entry.missed, u8::MAX - entry.priority, share, place, index)
        })
        .collect();
    keyed.sort_unstable_by(|a, b| {
        (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then_with(|| a.3.cmp(&b.3))
    });
    let mut rank = vec![0; entries.len()];
    for (place, (.., index)) in keyed.into_iter().enumerate() {
        rank[index] = place;
    }
    rank
}
