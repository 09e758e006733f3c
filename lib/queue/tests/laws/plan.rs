//! The plan: valid, earliest, and fair to those ahead.

use ds01_queue::{
    Account, Busy, Entry, FULL, Kinds, Planned, Quota, Start, Wait, World, order, pass, plan,
};
use ds01_units::{Span, Stamp};
use proptest::prelude::*;

use crate::worlds::{POLICY, any_line, any_world, entry, minutes, now, slot};

fn planned(world: &World, line: &[Entry]) -> Vec<Planned> {
    let order = order(line, POLICY.half_life, POLICY.patience);
    plan(world, line, &order, now(), POLICY.claim).of
}

fn board(kinds: &[&str]) -> World {
    let slots = kinds.iter().enumerate().map(|(at, kind)| slot(at, kind)).collect();
    World { slots, ..World::default() }
}

fn busy(at: usize, user: &str, until: Option<i64>) -> Busy {
    Busy { slot: format!("S{at}"), user: user.into(), gpueq: 1.0, until: until.map(minutes) }
}

#[test]
fn a_short_request_passes_where_it_delays_nobody_ahead() {
    let mut world = board(&[FULL, FULL]);
    world.busy = vec![busy(0, "zoe", Some(120))];
    let line = [
        entry(1, "alice", 2, Some(60)),
        entry(2, "bob", 1, Some(60)),
        entry(3, "carol", 1, Some(115)),
    ];
    let of = planned(&world, &line);
    assert_eq!(of[0].start, Start::At(minutes(120)));
    assert_eq!(of[1].start, Start::At(now()), "an hour fits before the two");
    assert_eq!(of[2].start, Start::At(minutes(180)), "with its claim it would end too late");
}

#[test]
fn no_known_end_means_no_known_start() {
    let mut world = board(&[FULL, FULL]);
    world.busy = vec![busy(0, "zoe", None)];
    let line = [
        entry(1, "alice", 2, Some(60)),
        entry(2, "bob", 1, None),
        entry(3, "carol", 1, Some(60)),
        entry(4, "dan", 3, None),
    ];
    let of = planned(&world, &line);
    assert_eq!(of[0].start, Start::Unknown);
    assert_eq!(of[1].start, Start::Unknown, "endless runs could keep alice out for ever");
    assert_eq!(of[2].start, Start::At(now()));
    assert_eq!(of[3].start, Start::Never, "there are two slots");
}

#[test]
fn who_is_at_the_quota_waits_for_the_own_lease_and_holds_up_nobody() {
    let mut world = board(&[FULL, FULL, FULL]);
    world.busy = vec![busy(0, "alice", Some(30)), busy(1, "bob", None)];
    let one = Account { own: Quota { slots: Some(1.0), gpueq: None }, group: None };
    world.users = ["alice", "bob"].map(|user| (user.to_owned(), one.clone())).into();
    let line = [
        entry(1, "alice", 1, Some(60)),
        entry(2, "bob", 1, Some(60)),
        entry(3, "carol", 1, None),
        entry(4, "alice", 2, Some(60)),
    ];
    let of = planned(&world, &line);
    assert_eq!((of[0].start, of[0].waits), (Start::At(minutes(30)), Wait::OwnLimit));
    assert_eq!((of[1].start, of[1].waits), (Start::Unknown, Wait::OwnLimit));
    assert_eq!(of[2].start, Start::At(now()));
    assert_eq!((of[3].start, of[3].waits), (Start::Never, Wait::OwnLimit));
}

#[test]
fn a_window_is_open_to_its_owner_alone() {
    let mut world = board(&[FULL]);
    world.windows = vec![ds01_queue::Window {
        slot: "S0".into(),
        user: "alice".into(),
        from: minutes(30),
        till: minutes(200),
    }];
    let line = [entry(1, "bob", 1, Some(60)), entry(2, "alice", 1, Some(60))];
    let of = planned(&world, &line);
    assert_eq!(of[0].start, Start::At(minutes(200)));
    assert_eq!(of[1].start, Start::At(now()));
}

#[test]
fn a_run_past_its_end_is_expected_gone_soon_and_is_not_free_now() {
    let mut world = board(&[FULL]);
    world.busy = vec![busy(0, "zoe", Some(-30))];
    assert_eq!(planned(&world, &[entry(1, "alice", 1, None)])[0].start, Start::At(minutes(1)));
}

#[test]
fn absurd_requests_are_planned_as_never_and_break_nothing() {
    let world = board(&[FULL]);
    let line = [
        entry(1, "alice", 0, Some(60)),
        entry(2, "alice", u32::MAX, Some(60)),
        Entry { kinds: Kinds::Profile("9g.nonsense".into()), ..entry(3, "alice", 1, None) },
        Entry { runtime: Some(Span::from_millis(u64::MAX)), ..entry(4, "alice", 1, None) },
        Entry { joined: Stamp::from_millis(i64::MAX), ..entry(5, "alice", 1, Some(1)) },
        Entry { joined: Stamp::from_millis(i64::MIN), ..entry(6, "alice", 1, Some(1)) },
    ];
    let of = planned(&world, &line);
    assert!(of[..3].iter().all(|one| one.start == Start::Never));
    assert!(planned(&World::default(), &line).iter().all(|one| one.start == Start::Never));
}

/// What the planner should find, by trying every moment at which anything changes.
fn naive(world: &World, line: &[Entry], order: &[usize]) -> Vec<Start> {
    type Run = (usize, String, Stamp, Option<Stamp>, f64);
    let before = |a: Stamp, b: Option<Stamp>| b.is_none_or(|b| a < b);
    let mut runs: Vec<Run> = world
        .busy
        .iter()
        .map(|busy| {
            let at = world.slots.iter().position(|slot| slot.id == busy.slot).unwrap();
            (at, busy.user.clone(), now(), busy.until, busy.gpueq)
        })
        .collect();
    let mut starts = vec![Start::Never; line.len()];
    for &index in order {
        let one = &line[index];
        let mut moments: Vec<Stamp> = vec![now()];
        moments.extend(runs.iter().filter_map(|run| run.3));
        moments.extend(world.windows.iter().map(|window| window.till));
        moments.retain(|moment| *moment >= now());
        moments.sort_unstable();
        let account = world.users.get(&one.user).cloned().unwrap_or_default();
        let fits = |start: Stamp, kind: &str| -> Option<Vec<usize>> {
            let end = one.runtime.map(|run| start.plus(run).plus(POLICY.claim));
            let meets = |a: Stamp, b: Option<Stamp>| before(a, end) && before(start, b);
            let free: Vec<usize> = (0..world.slots.len())
                .filter(|&at| world.slots[at].kind == kind)
                .filter(|&at| !runs.iter().any(|run| run.0 == at && meets(run.2, run.3)))
                .filter(|&at| {
                    !world.windows.iter().any(|w| {
                        w.slot == world.slots[at].id
                            && w.user != one.user
                            && meets(w.from, Some(w.till))
                    })
                })
                .take(one.count as usize)
                .collect();
            if free.len() < one.count as usize {
                return None;
            }
            let mut checks: Vec<Stamp> = runs.iter().map(|run| run.2).collect();
            checks.retain(|moment| *moment > start && before(*moment, end));
            checks.push(start);
            let more = one.count as f64 * world.slots[free[0]].gpueq;
            let passes = checks.iter().all(|moment| {
                let there = |run: &&Run| run.2 <= *moment && before(*moment, run.3);
                let own = runs.iter().filter(there).filter(|run| run.1 == one.user).count();
                let group: f64 = runs
                    .iter()
                    .filter(there)
                    .filter(|run| {
                        account.group.is_some()
                            && world
                                .users
                                .get(&run.1)
                                .is_some_and(|other| other.group == account.group)
                    })
                    .map(|run| run.4)
                    .sum();
                let most = account.group.as_ref().and_then(|group| world.groups[group].gpueq);
                account.own.slots.is_none_or(|max| (own + one.count as usize) as f64 <= max)
                    && most.is_none_or(|max| group + more <= max + 1e-4)
            });
            passes.then_some(free)
        };
        let mut kinds = vec![FULL, "2g.20gb"];
        kinds.retain(|kind| one.kinds.take(kind));
        let found = moments
            .iter()
            .find_map(|&at| kinds.iter().find_map(|kind| Some((at, fits(at, kind)?))));
        if let Some((start, slots)) = found {
            starts[index] = Start::At(start);
            let end = one.runtime.map(|run| start.plus(run));
            for at in slots {
                runs.push((at, one.user.clone(), start, end, world.slots[at].gpueq));
            }
        }
    }
    starts
}

proptest! {
    #[test]
    fn the_plan_finds_the_earliest_start_that_trying_everything_finds(
        world in any_world(false), line in any_line(14, false),
    ) {
        let order = order(&line, POLICY.half_life, POLICY.patience);
        let of = plan(&world, &line, &order, now(), POLICY.claim).of;
        let found: Vec<Start> = of.iter().map(|one| one.start).collect();
        prop_assert_eq!(found, naive(&world, &line, &order));
    }

    #[test]
    fn whoever_stands_behind_delays_nobody_ahead(
        world in any_world(true), line in any_line(14, true), out in 0..14usize,
    ) {
        let order = order(&line, POLICY.half_life, POLICY.patience);
        let with = plan(&world, &line, &order, now(), POLICY.claim).of;
        let Some(place) = order.iter().position(|&index| index == out) else { return Ok(()) };
        let without: Vec<usize> = order.iter().copied().filter(|&index| index != out).collect();
        let without = plan(&world, &line, &without, now(), POLICY.claim).of;
        for &ahead in &order[..place] {
            prop_assert_eq!(&with[ahead], &without[ahead]);
        }
    }

    #[test]
    fn who_takes_a_claim_at_its_last_moment_still_delays_nobody_ahead(
        world in any_world(true), line in any_line(14, true),
    ) {
        let order = order(&line, POLICY.half_life, POLICY.patience);
        let of = plan(&world, &line, &order, now(), POLICY.claim).of;
        for (place, &ahead) in order.iter().enumerate() {
            let Start::At(begins) = of[ahead].start else { continue };
            for &behind in &order[place + 1..] {
                let Start::At(start) = of[behind].start else { continue };
                let shares = of[ahead].slots.iter().any(|at| of[behind].slots.contains(at));
                let late = line[behind].runtime.map(|run| start.plus(POLICY.claim).plus(run));
                prop_assert!(!shares || start > begins || late.is_some_and(|late| late <= begins));
            }
        }
    }

    #[test]
    fn no_slot_is_planned_twice_and_no_window_is_run_into(
        world in any_world(true), line in any_line(14, true),
    ) {
        let of = planned(&world, &line);
        let mut runs: Vec<(usize, Stamp, Option<Stamp>)> = Vec::new();
        for (one, planned) in line.iter().zip(&of) {
            let Start::At(start) = planned.start else {
                prop_assert!(planned.slots.is_empty());
                continue;
            };
            prop_assert_eq!(planned.slots.len(), one.count as usize);
            let end = one.runtime.map(|run| start.plus(run));
            for &at in &planned.slots {
                prop_assert!(one.kinds.take(&world.slots[at].kind));
                runs.push((at, start, end));
                let shut = world.windows.iter().any(|w| {
                    w.slot == world.slots[at].id
                        && w.user != one.user
                        && start < w.till
                        && end.is_none_or(|end| end > w.from)
                });
                prop_assert!(!shut, "{} runs into a window", one.id);
            }
        }
        for busy in &world.busy {
            let at = world.slots.iter().position(|slot| slot.id == busy.slot).unwrap();
            runs.push((at, now(), busy.until));
        }
        for (i, a) in runs.iter().enumerate() {
            for b in &runs[i + 1..] {
                let apart = a.0 != b.0
                    || a.2.is_some_and(|end| end <= b.1)
                    || b.2.is_some_and(|end| end <= a.1);
                prop_assert!(apart, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_pass_gives_claims_on_free_slots_and_each_slot_once(
        world in any_world(true), mut line in any_line(14, true),
    ) {
        let first = pass(&world, &mut line, now(), POLICY);
        let mut given: Vec<&String> = line.iter().filter_map(|one| one.claim.as_ref()).flat_map(|c| &c.slots).collect();
        let count = given.len();
        given.sort_unstable();
        given.dedup();
        prop_assert_eq!(given.len(), count);
        prop_assert!(given.iter().all(|id| world.busy.iter().all(|busy| busy.slot != **id)));
        // Two passes at one moment are one: the second finds nothing to give.
        let again = pass(&world, &mut line.clone(), now(), POLICY);
        prop_assert!(again.claims.is_empty() && again.missed.is_empty());
        for (a, b) in first.plan.of.iter().zip(&again.plan.of) {
            prop_assert_eq!(a.start, b.start);
        }
    }
}
