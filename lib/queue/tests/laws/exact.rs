//! What the plan promises comes true when everybody runs to the limit.

use ds01_queue::{Busy, Entry, Start, World, order, pass, plan};
use ds01_units::Stamp;
use proptest::prelude::*;

use crate::worlds::{POLICY, any_line, any_world, now};

/// Plays the lab until nothing more can start: every claim is taken at once, every run goes
/// on to its limit. Returns when each entry started.
fn play(world: &World, line: &[Entry]) -> Vec<Option<Stamp>> {
    let (mut world, mut line_now, mut at) = (world.clone(), line.to_vec(), now());
    let mut starts = vec![None; line.len()];
    loop {
        world.busy.retain(|busy| busy.until.is_none_or(|until| until > at));
        let outcome = pass(&world, &mut line_now, at, POLICY);
        for (id, claim) in &outcome.claims {
            let index = line.iter().position(|one| one.id == *id).unwrap();
            starts[index] = Some(at);
            for slot in &claim.slots {
                let gpueq = world.slots.iter().find(|one| one.id == *slot).unwrap().gpueq;
                world.busy.push(Busy {
                    slot: slot.clone(),
                    user: line[index].user.clone(),
                    gpueq,
                    until: line[index].runtime.map(|run| at.plus(run)),
                });
            }
        }
        line_now.retain(|one| outcome.claims.iter().all(|(id, _)| *id != one.id));
        let ends = world.busy.iter().filter_map(|busy| busy.until);
        let windows = world.windows.iter().flat_map(|window| [window.from, window.till]);
        let Some(next) = ends.chain(windows).filter(|moment| *moment > at).min() else {
            return starts;
        };
        at = next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn everybody_starts_when_the_first_plan_said(
        world in any_world(true), line in any_line(12, true),
    ) {
        let order = order(&line, POLICY.half_life, POLICY.patience);
        let promised = plan(&world, &line, &order, now(), POLICY.claim);
        let started = play(&world, &line);
        for (index, one) in promised.of.iter().enumerate() {
            let promised = match one.start {
                Start::At(at) => Some(at),
                Start::Unknown | Start::Never => None,
            };
            prop_assert_eq!(promised, started[index], "entry {}", line[index].id);
        }
    }
}
