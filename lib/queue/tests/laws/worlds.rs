//! Boards and lines at random, small enough to collide often.

use std::collections::HashMap;

use ds01_queue::{Account, Busy, Claim, Entry, FULL, Kinds, Policy, Quota, Slot, Window, World};
use ds01_units::{Span, Stamp};
use proptest::prelude::*;

pub const NOW: i64 = 1_800_000_000;
pub const USERS: [&str; 4] = ["alice", "bob", "carol", "dan"];
pub const POLICY: Policy =
    Policy { half_life: Span::hours(168), patience: Span::hours(336), claim: Span::minutes(10) };

pub fn now() -> Stamp {
    Stamp::from_secs(NOW)
}

pub fn minutes(count: i64) -> Stamp {
    Stamp::from_secs(NOW + 60 * count)
}

pub fn slot(id: usize, kind: &str) -> Slot {
    let gpueq = if kind == FULL { 1.0 } else { 2.0 / 7.0 };
    Slot { id: format!("S{id}"), kind: kind.into(), gpueq, open: true }
}

pub fn entry(id: u64, user: &str, count: u32, runtime: Option<i64>) -> Entry {
    Entry {
        id,
        user: user.into(),
        count,
        kinds: Kinds::Any { full: true },
        runtime: runtime.map(|minutes| Span::minutes(minutes as u64)),
        priority: 10,
        share: 0,
        joined: minutes(id as i64 - 10_000),
        missed: 0,
        missed_at: None,
        claim: None::<Claim>,
    }
}

prop_compose! {
    pub fn any_entry(id: u64, endless: bool)(
        user in 0..USERS.len(), count in 1..4u32, minutes in 1..240i64, never in 0..5u8,
        kinds in 0..5u8, priority in prop::sample::select(vec![10u8, 10, 10, 50, 100]),
        share in prop::sample::select(vec![0u64, 0, 100, 5000]),
    ) -> Entry {
        let kinds = match kinds {
            0 => Kinds::Full,
            1 => Kinds::Mig,
            2 => Kinds::Profile("2g.20gb".into()),
            3 => Kinds::Any { full: false },
            _ => Kinds::Any { full: true },
        };
        let runtime = (!endless || never > 0).then_some(minutes);
        Entry { kinds, priority, share, ..entry(id, USERS[user], count, runtime) }
    }
}

pub fn any_line(most: usize, endless: bool) -> impl Strategy<Value = Vec<Entry>> {
    (0..most).prop_flat_map(move |count| {
        (1..=count as u64).map(|id| any_entry(id, endless)).collect::<Vec<_>>()
    })
}

pub fn any_world(endless: bool) -> impl Strategy<Value = World> {
    let kinds = prop::collection::vec(prop::bool::ANY, 1..7);
    let busy = prop::collection::vec((0..7usize, 0..4usize, 0..300i64, 0..4u8), 0..5);
    let windows = prop::collection::vec((0..7usize, 0..4usize, 0..600i64, 1..200i64), 0..4);
    let quotas = prop::collection::vec((0..5u8, 0..4u8), 4);
    (kinds, busy, windows, quotas, 0..6u8).prop_map(move |(kinds, busy, windows, quotas, group)| {
        let slots: Vec<Slot> = kinds
            .iter()
            .enumerate()
            .map(|(at, full)| slot(at, if *full { FULL } else { "2g.20gb" }))
            .collect();
        let mut world = World { slots, ..World::default() };
        for (at, user, until, never) in busy {
            let Some(slot) = world.slots.get(at) else { continue };
            if world.busy.iter().any(|busy| busy.slot == slot.id) {
                continue;
            }
            world.busy.push(Busy {
                slot: slot.id.clone(),
                user: USERS[user].into(),
                gpueq: slot.gpueq,
                until: (!endless || never > 0).then(|| minutes(1 + until)),
            });
        }
        for (at, user, from, lasts) in windows {
            let Some(slot) = world.slots.get(at) else { continue };
            let (from, till) = (minutes(from), minutes(from + lasts));
            let free = |w: &Window| w.slot != slot.id || w.till <= from || w.from >= till;
            let runs =
                world.busy.iter().any(|b| b.slot == slot.id && b.until.is_none_or(|u| u > from));
            if world.windows.iter().all(free) && !runs {
                world.windows.push(Window {
                    slot: slot.id.clone(),
                    user: USERS[user].into(),
                    from,
                    till,
                });
            }
        }
        world.users = USERS
            .iter()
            .zip(quotas)
            .map(|(user, (slots, group))| {
                let own = Quota { slots: (slots > 0).then_some(f64::from(slots)), gpueq: None };
                (
                    user.to_string(),
                    Account { own, group: (group > 1).then(|| "students".to_owned()) },
                )
            })
            .collect();
        let gpueq = (group > 0).then_some(f64::from(group));
        world.groups = HashMap::from([("students".to_owned(), Quota { slots: None, gpueq })]);
        world
    })
}
