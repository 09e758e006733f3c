//! The order of the line.

use ds01_queue::{Entry, order};
use ds01_units::Span;
use proptest::prelude::*;

use crate::worlds::{POLICY, any_line, entry, minutes};

fn ids(entries: &[Entry], patience: Span) -> Vec<u64> {
    order(entries, POLICY.half_life, patience).into_iter().map(|at| entries[at].id).collect()
}

#[test]
fn priority_goes_before_fair_share_and_fair_share_before_arrival() {
    let line = [
        Entry { share: 100_000, ..entry(1, "alice", 1, None) },
        Entry { share: 900, ..entry(2, "bob", 1, None) },
        Entry { share: 900, ..entry(3, "carol", 1, None) },
        Entry { share: 999_999, priority: 50, ..entry(4, "dan", 1, None) },
        Entry {
            share: 0,
            priority: 50,
            missed: 1,
            missed_at: Some(minutes(0)),
            ..entry(5, "eve", 1, None)
        },
        entry(6, "fay", 1, None),
    ];
    assert_eq!(ids(&line, POLICY.patience), [4, 6, 2, 3, 1, 5]);
}

#[test]
fn what_somebody_used_before_an_earlier_join_has_faded_since() {
    let week = 7 * 24 * 60;
    let line = [
        Entry { share: 1000, joined: minutes(-week), ..entry(1, "alice", 1, None) },
        Entry { share: 600, joined: minutes(0), ..entry(2, "bob", 1, None) },
    ];
    assert_eq!(ids(&line, POLICY.patience), [1, 2], "1000 a week ago is 500 now");
}

#[test]
fn a_clock_that_went_back_lets_nobody_pass() {
    let line = [
        Entry { joined: minutes(100), ..entry(1, "alice", 1, None) },
        Entry { joined: minutes(-100), ..entry(2, "bob", 1, None) },
    ];
    assert_eq!(ids(&line, POLICY.patience), [1, 2]);
}

#[test]
fn who_has_waited_long_enough_is_not_overtaken_any_more() {
    let old = Entry { priority: 1, joined: minutes(-3000), ..entry(1, "alice", 1, None) };
    let between = Entry { priority: 50, joined: minutes(-2000), ..entry(2, "bob", 1, None) };
    let late = Entry { priority: 100, joined: minutes(0), ..entry(3, "carol", 1, None) };
    let line = [old, between, late];
    assert_eq!(ids(&line, Span::minutes(5000)), [3, 2, 1]);
    assert_eq!(ids(&line, Span::minutes(2500)), [2, 1, 3]);
    assert_eq!(ids(&line, Span::minutes(500)), [1, 2, 3]);
}

proptest! {
    #[test]
    fn the_order_names_everybody_once_however_they_are_listed(
        line in any_line(20, true), seed in 0..1000usize, patience in 1..20u64,
    ) {
        let patience = Span::minutes(patience);
        let mut turned = line.clone();
        if !turned.is_empty() {
            turned.rotate_left(seed % line.len());
            turned.swap(0, seed % line.len());
        }
        let in_order = ids(&line, patience);
        prop_assert_eq!(&in_order, &ids(&turned, patience));
        let mut sorted = in_order;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, line.iter().map(|one| one.id).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_is_overtaken_by_those_who_come_more_than_the_patience_later(
        line in any_line(20, true), patience in 1..20u64,
    ) {
        let in_order = order(&line, POLICY.half_life, Span::minutes(patience));
        for (place, &first) in in_order.iter().enumerate() {
            for &second in &in_order[place + 1..] {
                let lead = line[first].joined.since(line[second].joined);
                prop_assert!(lead <= Span::minutes(patience));
            }
        }
    }

    #[test]
    fn those_who_join_later_change_nothing_among_those_who_wait(
        line in any_line(20, true), cut in 0..20usize, patience in 1..20u64,
    ) {
        let patience = Span::minutes(patience);
        let cut = cut.min(line.len());
        let before = ids(&line[..cut], patience);
        let after: Vec<u64> =
            ids(&line, patience).into_iter().filter(|id| before.contains(id)).collect();
        prop_assert_eq!(before, after);
    }
}
