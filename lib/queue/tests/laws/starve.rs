//! Nobody waits for ever.

use ds01_queue::{Busy, Entry, FULL, MISSES, World, pass};
use ds01_units::{Span, Stamp};
use proptest::prelude::*;

use crate::worlds::{POLICY, entry, minutes, now, slot};

fn occupy(
    world: &mut World,
    line: &mut Vec<Entry>,
    at: Stamp,
    claims: &[(u64, ds01_queue::Claim)],
) {
    for (id, claim) in claims {
        let index = line.iter().position(|one| one.id == *id).unwrap();
        let one = line.remove(index);
        for slot in &claim.slots {
            world.busy.push(Busy {
                slot: slot.clone(),
                user: one.user.clone(),
                gpueq: 1.0,
                until: one.runtime.map(|run| at.plus(run)),
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// The worst for one who waits: everybody else has all priority and no past, and more of
    /// them come at every step than the board can hold.
    #[test]
    fn a_request_starts_however_many_better_ones_keep_coming(
        slots in 1..4usize, count in 1..4u32, patience in 1..10u64,
        arrivals in prop::collection::vec((1..4u32, 1..90i64), 8..40),
    ) {
        let count = count.min(slots as u32);
        let policy = ds01_queue::Policy { patience: Span::hours(patience), ..POLICY };
        let mut world = World {
            slots: (0..slots).map(|at| slot(at, FULL)).collect(),
            ..World::default()
        };
        let last = Entry {
            priority: 1, share: 1_000_000, joined: now(), ..entry(1, "last", count, Some(60))
        };
        let mut line = vec![last];
        let (mut next, mut at, mut waited) = (2, now(), 0);
        while line.iter().any(|one| one.id == 1) {
            // Bound: once the patience is over nobody new comes before, and what was there
            // by then is served at least one run at a time.
            let most = 12 * patience * 90 * 4 + 2000;
            prop_assert!(waited < most, "still waiting after {waited} steps");
            for turn in 0..slots {
                let (wants, lasts) = arrivals[(waited as usize + turn) % arrivals.len()];
                line.push(Entry {
                    priority: 100, joined: at,
                    ..entry(next, "better", wants.min(slots as u32), Some(lasts))
                });
                next += 1;
            }
            // Their line must not grow without end only because the test is slow.
            if line.len() > 60 {
                let waits = line.iter().position(|one| one.id == 1).unwrap();
                let kept = line.remove(waits);
                line.truncate(30);
                line.push(kept);
            }
            world.busy.retain(|busy| busy.until.is_none_or(|until| until > at));
            let outcome = pass(&world, &mut line, at, policy);
            occupy(&mut world, &mut line, at, &outcome.claims);
            at = at.plus(Span::minutes(10));
            waited += 1;
        }
    }
}

#[test]
fn runs_without_end_do_not_take_turns_on_the_slots_of_one_who_needs_two() {
    let mut world = World { slots: (0..2).map(|at| slot(at, FULL)).collect(), ..World::default() };
    let mut line = vec![entry(1, "one", 1, None), entry(2, "two", 1, None)];
    let mut at = now();
    let first = pass(&world, &mut line, at, POLICY);
    assert_eq!(first.claims.len(), 2);
    occupy(&mut world, &mut line, at, &first.claims);
    line.push(entry(3, "pair", 2, None));
    for (step, freed) in [0, 1].into_iter().enumerate() {
        line.push(entry(10 + step as u64, "late", 1, None));
        at = at.plus(Span::hours(1));
        world.busy.retain(|busy| busy.slot != format!("S{freed}"));
        let outcome = pass(&world, &mut line, at, POLICY);
        if step == 1 {
            assert_eq!(outcome.claims.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3]);
        } else {
            assert_eq!(outcome.claims, []);
        }
    }
}

#[test]
fn a_missed_claim_goes_to_the_next_and_the_third_ends_the_wait() {
    let world = World { slots: vec![slot(0, FULL)], ..World::default() };
    let boss = Entry { priority: 100, ..entry(1, "asleep", 1, Some(60)) };
    let mut line = vec![boss, entry(2, "awake", 1, Some(60))];
    let first = pass(&world, &mut line, minutes(0), POLICY);
    assert_eq!(first.claims[0].0, 1);
    let early = pass(&world, &mut line, minutes(9), POLICY);
    assert!(early.claims.is_empty() && early.missed.is_empty());
    let second = pass(&world, &mut line, minutes(10), POLICY);
    assert!(second.missed[0].passed && !second.missed[0].leaves);
    assert_eq!(second.claims[0].0, 2, "priority does not win it back");
    line.retain(|one| one.id == 1);
    let mut leaves = 0;
    for turn in 2..10 {
        let outcome = pass(&world, &mut line, minutes(turn * 10), POLICY);
        leaves += outcome.missed.iter().filter(|miss| miss.leaves).count();
    }
    assert_eq!((leaves, line.len()), (1, 0), "after {MISSES} claims it leaves");
}

#[test]
fn a_claim_whose_slot_went_away_costs_nobody_a_place() {
    let mut world = World { slots: vec![slot(0, FULL), slot(1, FULL)], ..World::default() };
    let mut line = vec![entry(1, "alice", 1, Some(60))];
    pass(&world, &mut line, minutes(0), POLICY);
    world.slots[0].open = false;
    let outcome = pass(&world, &mut line, minutes(1), POLICY);
    assert!(!outcome.missed[0].passed);
    assert_eq!(line[0].missed, 0);
    assert_eq!(outcome.claims[0].1.slots, ["S1"]);
}
