//! No acknowledged decision is lost, whatever the disk does.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;

use ds01_fault::Fault;
use ds01_ledger::types::{Claim, Drain, Lease, Phase, QueueEntry, Reservation, SlotUse, Want};
use ds01_ledger::{Decision, Ledger, Record, State, Why};
use ds01_units::{Span, Stamp};

use crate::disk::{Failure, SimDisk, Watch, World};
use crate::random::Random;

/// Short, so that snapshots come often.
const LONG: u64 = 3000;

/// What the outside world knows: every acknowledged decision, and those that may or may not
/// have been made, because their maker was killed or has not answered yet.
struct Known {
    acknowledged: State,
    unsure: Vec<Decision>,
    points: usize,
    random: Random,
}

impl Known {
    fn new(seed: u64) -> Rc<RefCell<Self>> {
        let random = Random(seed);
        let known = Self { acknowledged: State::default(), unsure: vec![], points: 0, random };
        Rc::new(RefCell::new(known))
    }

    /// Power is lost right now: the next boot must find all that was acknowledged.
    fn crash(&mut self, world: &World) {
        let begun = self.acknowledged.seq > 0;
        for _ in 0..2 {
            self.points += 1;
            let after = SimDisk::new(world.after_crash(&mut self.random));
            let ledger = open(after).unwrap_or_else(|fault| panic!("{}: {fault}", self.points));
            assert!(!(begun && ledger.was_new()), "point {}: the ledger is gone", self.points);
            self.compare(ledger.state());
        }
    }

    /// What is found is what was acknowledged and, in their order, some of the unsure ones.
    fn compare(&self, found: &State) {
        let point = self.points;
        let mut expected = self.acknowledged.clone();
        for decision in &self.unsure {
            if expected.seq == found.seq {
                break;
            }
            let (seq, at) = (expected.seq + 1, Stamp::from_secs(0));
            expected.apply(Record { seq, at, decision: decision.clone() }).unwrap();
        }
        assert_eq!(found.seq, expected.seq, "point {point}");
        assert_eq!(
            found.leases.keys().collect::<Vec<_>>(),
            expected.leases.keys().collect::<Vec<_>>()
        );
        if self.unsure.is_empty() {
            assert_eq!(*found, expected, "point {point}");
        }
    }

    /// A new process has begun: what it does not see was not made, and never will be.
    fn seen(&mut self, state: &State) {
        self.compare(state);
        self.unsure.truncate((state.seq - self.acknowledged.seq) as usize);
    }
}

fn open(disk: SimDisk) -> Result<Ledger<SimDisk>, Fault> {
    Ledger::open(disk, Stamp::from_secs(1), || Ok(vec![]))
}

/// Makes `count` random decisions on the disk, in processes that end after a few, and some
/// of them in the middle.
fn decide_at_random(world: &Rc<RefCell<World>>, known: &Rc<RefCell<Known>>, count: usize) {
    let watch: Watch = {
        let known = Rc::clone(known);
        Rc::new(RefCell::new(move |world: &World| known.borrow_mut().crash(world)))
    };
    let mut random = known.borrow().random.clone();
    let mut made = 0;
    while made < count {
        let calls = world.borrow().calls.len();
        let dies_at = (random.below(5) == 0).then(|| calls + random.below(20));
        let disk = SimDisk::watched(world, &watch, dies_at);
        made += 1;
        let Ok(mut ledger) = open(disk) else { continue };
        known.borrow_mut().seen(ledger.state());
        for _ in 0..=random.below(6) {
            made += 1;
            let now = Stamp::from_secs(1_800_000_000 + made as i64);
            let Some(decision) = any_decision(ledger.state(), &mut random, now) else { continue };
            known.borrow_mut().unsure.push(decision.clone());
            if ledger.record(decision, now).is_err() {
                // Refused, killed or taken back: the next process will see which.
                break;
            }
            let mut known = known.borrow_mut();
            known.acknowledged = ledger.state().clone();
            known.unsure.clear();
        }
        let _ = ledger.shorten_from(LONG);
    }
}

/// A decision that fits the state; long names make records of several sectors.
fn any_decision(state: &State, random: &mut Random, now: Stamp) -> Option<Decision> {
    let pick = random.next() as usize;
    let some = |phase: &str| {
        let fits: Vec<&String> = state
            .leases
            .values()
            .filter(|lease| lease.phase.word() == phase)
            .map(|lease| &lease.container)
            .collect();
        (!fits.is_empty()).then(|| fits[pick % fits.len()].clone())
    };
    let slot = format!("MIG-{}", random.below(24));
    let slots = vec![SlotUse {
        id: "0:1".into(),
        uuid: slot.clone(),
        profile: "1g.5gb".into(),
        gpueq: 1.0 / 7.0,
    }];
    let decision = match random.below(12) {
        0..=2 => {
            let padding = "x".repeat(if random.below(8) == 0 { 200 } else { 0 });
            let container = format!("c{}{padding}._.alice", random.below(1000));
            let phase = Phase::Pending { deadline: now.plus(Span::minutes(3)) };
            let lease = Lease {
                container,
                container_id: None,
                user: format!("user{}", random.below(3)),
                priority: 10,
                interface: Some("y".repeat(random.below(700))),
                slots,
                allocated_at: now,
                runs_until: None,
                phase,
            };
            Decision::Leased { lease, ended: vec![], entry: None }
        }
        3 => Decision::Committed {
            container: some("pending")?,
            name: None,
            container_id: Some("0123456789ab".into()),
        },
        4 => Decision::Stopped { container: some("held")?, hold_until: None },
        5 => Decision::Resumed { container: some("stopped")? },
        6 => Decision::Released { containers: vec![some("held")?], why: Why::Released },
        7 => Decision::Released { containers: vec![some("pending")?], why: Why::Aborted },
        8 => Decision::Drained(Drain { uuid: slot, reason: "XID 79".into(), since: now }),
        9 => Decision::Reserved(Reservation {
            id: state.next_id(),
            user: "bob".into(),
            slots,
            from: now,
            till: now.plus(Span::hours(1)),
            on: vec![],
            last: None,
            reason: String::new(),
            made_by: "root".into(),
            made_at: now,
        }),
        10 => Decision::Joined(QueueEntry {
            id: state.next_id(),
            user: "carol".into(),
            count: 1,
            want: Want::Any,
            priority: 10,
            runtime: None,
            container: None,
            joined_at: now,
            share: 0,
            missed: 0,
            missed_at: None,
            claim: None,
        }),
        _ => match state.queue.keys().next() {
            Some(id) if pick % 2 == 0 => Decision::Left { id: *id },
            Some(id) => {
                let claim = Claim { slots: vec![slot], since: now, until: now };
                Decision::Claimed { id: *id, claim }
            }
            None => Decision::ReservationCancelled { id: *state.reservations.keys().next()? },
        },
    };
    state.check(&decision).is_ok().then_some(decision)
}

#[test]
fn no_crash_at_any_write_boundary_loses_an_acknowledged_decision() {
    let world = Rc::new(RefCell::new(World::default()));
    let known = Known::new(42);
    decide_at_random(&world, &known, 1800);
    let known = known.borrow();
    let calls = &world.borrow().calls;
    let snapshots = calls.iter().filter(|call| **call == "rename").count() / 2;
    let (points, decisions) = (known.points, known.acknowledged.seq);
    assert!(points >= 10_000, "only {points} crash points");
    assert!(decisions >= 800 && snapshots >= 20, "{decisions} decisions, {snapshots} snapshots");
}

#[test]
fn no_failing_call_of_the_disk_loses_an_acknowledged_decision() {
    for at in 0..60 {
        let kind = if at % 2 == 0 { ErrorKind::StorageFull } else { ErrorKind::Other };
        for failure in [Failure::Once(kind), Failure::ForEver(kind)] {
            let world = Rc::new(RefCell::new(World::failing(at, failure)));
            decide_at_random(&world, &Known::new(at as u64), 40);
        }
    }
}

#[test]
fn after_a_write_that_cannot_be_taken_back_nothing_is_decided_until_mended() {
    let world = Rc::new(RefCell::new(World::default()));
    let open = || open(SimDisk::new_on(&world));
    let drain = |uuid: &str| {
        Decision::Drained(Drain {
            uuid: uuid.into(),
            reason: "test".into(),
            since: Stamp::from_secs(1),
        })
    };
    let mut ledger = open().unwrap();
    ledger.record(drain("a"), Stamp::from_secs(2)).unwrap();
    let calls = world.borrow().calls.len();
    world.borrow_mut().fail = Some((calls + 1, Failure::ForEver(ErrorKind::Other)));
    assert!(ledger.record(drain("b"), Stamp::from_secs(3)).is_err());
    world.borrow_mut().fail = None;
    assert!(ledger.record(drain("c"), Stamp::from_secs(4)).is_err());
    drop(ledger);
    assert!(open().is_err());
    let disk = SimDisk::new_on(&world);
    let (mut ledger, _) = ds01_ledger::mend_on(disk, Stamp::from_secs(5)).unwrap();
    assert!(ledger.state().drains.contains_key("a"));
    ledger.record(drain("d"), Stamp::from_secs(6)).unwrap();
    drop(ledger);
    assert!(open().unwrap().state().drains.contains_key("d"));
}

#[test]
fn a_decision_costs_one_write_and_one_sync_and_nothing_else() {
    let world = Rc::new(RefCell::new(World::default()));
    let now = Stamp::from_secs(1_800_000_000);
    let lease = |state: &State| {
        (0..)
            .find_map(|seed| {
                any_decision(state, &mut Random(seed), now)
                    .filter(|decision| matches!(decision, Decision::Leased { .. }))
            })
            .unwrap()
    };
    let mut ledger = open(SimDisk::new_on(&world)).unwrap();
    ledger.record(lease(ledger.state()), now).unwrap();
    let before = world.borrow().calls.len();
    let mut ledger = open(SimDisk::new_on(&world)).unwrap();
    ledger.record(lease(ledger.state()), now).unwrap();
    assert_eq!(world.borrow().calls[before..], ["write", "sync"]);
}
