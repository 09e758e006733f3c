use std::collections::BTreeMap;

use ds01_board::{Board, Gpu, Instance, Mig};
use ds01_config::{GpuPolicy, Limits, Strategy, Weight};
use ds01_units::{Bytes, Limit, Span, Stamp};
use proptest::prelude::{
    ProptestConfig, Strategy as _, prop, prop_assert, prop_assert_eq, prop_assume, proptest,
};

use super::*;
use crate::ahead::Ahead;
use crate::host::Host;
use crate::record::{Decision, Record, Why};
use crate::types::{Claim, Drain, QueueEntry, Reservation};

const NOW: Stamp = Stamp::from_secs(1_800_000_000);

fn card(index: u32, slices: &[u32]) -> Gpu {
    let instance = |(n, compute): (usize, &u32)| Instance {
        index: n as u32,
        uuid: format!("MIG-{index}-{n}"),
        gi: 0,
        ci: 0,
        profile: format!("{compute}g.{}gb", compute * 10),
        compute_slices: *compute,
        memory: Bytes((u64::from(*compute) * 10) << 30),
        placement: None,
    };
    let mig = match slices {
        [] => Mig::Off,
        _ => Mig::On { compute_slices: 7, memory_slots: Some(8) },
    };
    Gpu {
        index,
        uuid: format!("GPU-{index}"),
        name: None,
        pci: None,
        memory: Some(Bytes(80 << 30)),
        numa: Some(index / 2),
        nvlink: vec![],
        mig,
        instances: slices.iter().enumerate().map(instance).collect(),
    }
}

fn board(gpus: Vec<Gpu>) -> Board {
    Board { gpus, ..Board::default() }
}

/// What holds without any line of config.
fn config() -> ds01_config::Config {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("resource-limits.yaml");
    std::fs::write(&path, "groups: {students: {members: []}}\ndefault_group: students\n").unwrap();
    ds01_config::Config::read(&path).unwrap()
}

fn limits(user: &str) -> Limits {
    Limits {
        max_slots: Limit::None,
        max_gpu_equivalents: Limit::None,
        max_slots_per_container: Limit::None,
        max_runtime: Limit::None,
        allow_full_gpu: true,
        priority: 10,
        ..config().resolve(user, NOW)
    }
}

/// A lab whose ledger is only in memory.
struct Lab {
    board: Board,
    state: State,
    limits: Limits,
    policy: GpuPolicy,
    now: Stamp,
}

impl Lab {
    fn new(gpus: Vec<Gpu>) -> Self {
        let policy = GpuPolicy {
            strategy: Strategy::LeastAllocated,
            reclaim_held: false,
            weight: Weight::Compute,
            ..config().gpu().clone()
        };
        let limits = limits("alice");
        Self { board: board(gpus), state: State::default(), limits, policy, now: NOW }
    }

    fn ask(&self, request: &Request) -> Result<Grant, Denied> {
        let idle = BTreeMap::from([("a._.alice".to_owned(), Span::hours(2))]);
        let Self { board, state, limits, policy, now } = self;
        let ahead = match state.queue.is_empty() {
            true => Ahead::default(),
            false => Ahead::of(&Host { config: &config(), board, state, now: *now }, request),
        };
        let (idle, ahead) = (&idle, &ahead);
        decide(request, &Grounds { limits, state, board, policy, idle, ahead, now: *now })
    }

    fn apply(&mut self, decision: Decision) {
        let record = Record { seq: self.state.seq + 1, at: self.now, decision };
        self.state.apply(record).unwrap();
    }

    /// Asks, records what is granted, and says which slots.
    fn take(&mut self, request: &Request) -> Result<String, Refusal> {
        let grant = match self.ask(request) {
            Ok(grant) => grant,
            Err(Denied::Refused(refusal)) => return Err(*refusal),
            Err(Denied::Bad(fault)) => panic!("{fault}"),
        };
        if let Some(decision) = grant.decision() {
            self.apply(decision);
        }
        Ok(grant.lease().gpu_id())
    }
}

fn of(user: &str, name: &str, count: u32) -> Request {
    let container = format!("{name}._.{user}");
    Request { container, user: user.into(), count, ..Request::default() }
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal.limits.iter().map(|hit| hit.field).collect()
}

#[test]
fn least_allocated_spreads_and_pack_fills_by_true_counts_in_natural_order() {
    let eleven = [1; 11];
    let mut lab = Lab::new(vec![card(0, &eleven), card(1, &[1, 1, 1])]);
    let given: Vec<_> =
        (0..5).map(|n| lab.take(&of("alice", &format!("c{n}"), 1)).unwrap()).collect();
    assert_eq!(given, ["0:0", "1:0", "0:1", "1:1", "0:2"]);
    lab.policy.strategy = Strategy::Pack;
    let given: Vec<_> =
        (5..13).map(|n| lab.take(&of("alice", &format!("c{n}"), 1)).unwrap()).collect();
    // Pitfall 16: 10 comes after 9, not before 2.
    assert_eq!(given, ["0:3", "0:4", "0:5", "0:6", "0:7", "0:8", "0:9", "0:10"]);
}

#[test]
fn a_repeated_request_gets_the_same_lease_and_records_nothing() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.take(&of("alice", "a", 1)).unwrap();
    let again = lab.ask(&of("alice", "a", 1)).unwrap();
    assert!(matches!(again, Grant::Same(_)));
    assert_eq!(again.decision(), None);
}

#[test]
fn the_name_of_somebody_elses_container_gets_nothing() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.take(&Request { container: "x".into(), ..of("bob", "b", 1) }).unwrap();
    let denied = lab.ask(&Request { container: "x".into(), ..of("alice", "a", 1) }).unwrap_err();
    let Denied::Bad(fault) = denied else { panic!("{denied:?}") };
    assert_eq!(fault.code, ds01_fault::Code::NotPermitted);
}

#[test]
fn absurd_requests_are_refused_as_such() {
    let lab = Lab::new(vec![card(0, &[])]);
    let only = |id: &str| Request { only: vec![id.into()], ..of("alice", "a", 1) };
    for (request, code) in [
        (of("alice", "a", 0), ds01_fault::Code::Usage),
        (of("alice", "a", u32::MAX), ds01_fault::Code::Usage),
        (Request { max_gpus: Some(-1.0), ..of("alice", "a", 1) }, ds01_fault::Code::Usage),
        (Request { max_gpus: Some(f64::NAN), ..of("alice", "a", 1) }, ds01_fault::Code::Usage),
        (only("7"), ds01_fault::Code::NotFound),
        (only("GPU-\n"), ds01_fault::Code::NotFound),
        (Request { only: vec!["0".into()], ..of("alice", "a", 2) }, ds01_fault::Code::Usage),
    ] {
        let Err(Denied::Bad(fault)) = lab.ask(&request) else { panic!("{request:?}") };
        assert_eq!(fault.code, code, "{request:?}");
    }
}

#[test]
fn every_limit_in_the_way_is_named_with_who_holds_what_and_what_would_pass() {
    let mut lab = Lab::new((0..4).map(|n| card(n, &[])).collect());
    lab.take(&of("alice", "a", 1)).unwrap();
    lab.take(&of("alice", "b", 1)).unwrap();
    lab.take(&of("bob", "x", 2)).unwrap();
    lab.now = NOW.plus(Span::hours(3));
    lab.limits.max_slots = Limit::Max(2.0);
    lab.limits.max_gpu_equivalents = Limit::Max(2.0);
    lab.limits.max_slots_per_container = Limit::Max(1.0);
    let refusal = lab.take(&of("alice", "c", 2)).unwrap_err();
    assert_eq!(
        fields(&refusal),
        ["max_slots_per_container", "max_slots", "max_gpu_equivalents", "free_slots"]
    );
    assert_eq!(
        refusal.limits[1].held_by,
        ["a._.alice 0 since 3 h, idle 2 h", "b._.alice 1 since 3 h"]
    );
    assert_eq!(refusal.limits[3].held_by[2], "x._.bob 2,3 since 3 h");
    let one = lab.take(&of("alice", "c", 1)).unwrap_err();
    assert_eq!(one.message, "alice holds 2 of 2 GPUs");
    assert_eq!(one.would_pass, ["docker rm -f a._.alice", "docker rm -f b._.alice"]);
}

#[test]
fn a_quota_below_one_still_gets_an_instance() {
    // Pitfall 17: every request weighed 1.0, so nobody with less ever got a slice.
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[1, 2])]);
    lab.limits.max_gpu_equivalents = Limit::Max(0.2);
    assert_eq!(lab.take(&of("alice", "a", 1)).unwrap(), "1:0");
    let refusal = lab.take(&of("alice", "b", 1)).unwrap_err();
    assert_eq!(fields(&refusal), ["max_gpu_equivalents"]);
    assert_eq!((refusal.limits[0].used, refusal.limits[0].asked), (0.1429, 0.1429));
}

#[test]
fn whoever_may_not_have_a_full_gpu_gets_an_instance_or_hears_why() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[2])]);
    lab.limits.allow_full_gpu = false;
    let full = Request { want: Want::Full, ..of("alice", "f", 1) };
    let refusal = lab.take(&full).unwrap_err();
    assert!(fields(&refusal).contains(&"allow_full_gpu"));
    assert_eq!(refusal.would_pass, ["ask for --profile 2g.20gb"]);
    assert_eq!(lab.take(&of("alice", "a", 1)).unwrap(), "1:0");
}

#[test]
fn several_slots_are_neighbours_and_all_or_none() {
    let mut gpus: Vec<_> = (0..4).map(|n| card(n, &[])).collect();
    gpus[1].nvlink = vec![3];
    gpus[3].nvlink = vec![1];
    let mut lab = Lab::new(gpus);
    assert_eq!(lab.take(&of("alice", "a", 2)).unwrap(), "1,3");
    assert_eq!(lab.take(&of("alice", "b", 3)).unwrap_err().limits[0].value, 2.0);
    assert_eq!(lab.state.leases.len(), 1);
    let mut lab = Lab::new((0..4).map(|n| card(n, &[])).collect());
    lab.take(&of("alice", "a", 1)).unwrap();
    // 2 and 3 share a NUMA node, 1 and 2 do not.
    assert_eq!(lab.take(&of("alice", "b", 2)).unwrap(), "2,3");
}

#[test]
fn a_profile_or_a_slot_named_is_what_is_given() {
    let mut lab = Lab::new(vec![card(0, &[1, 2, 2]), card(1, &[])]);
    let want = |want, name| Request { want, ..of("alice", name, 1) };
    assert_eq!(lab.take(&want(Want::Profile("2g.20gb".into()), "a")).unwrap(), "0:1");
    assert_eq!(lab.take(&want(Want::Mig, "b")).unwrap(), "0:0");
    assert_eq!(lab.take(&want(Want::Full, "c")).unwrap(), "1");
    let only = Request { only: vec!["MIG-0-2".into()], ..of("alice", "d", 1) };
    assert_eq!(lab.take(&only).unwrap(), "0:2");
    let nothing = lab.take(&want(Want::Profile("4g.40gb".into()), "e")).unwrap_err();
    assert_eq!(nothing.message, "no 4g.40gb slot is free");
}

#[test]
fn a_drained_slot_is_skipped_and_explained() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.apply(Decision::Drained(Drain {
        uuid: "GPU-0".into(),
        reason: "XID 79".into(),
        since: NOW,
    }));
    assert_eq!(lab.take(&of("alice", "a", 1)).unwrap(), "1");
    let refusal = lab.take(&of("alice", "b", 1)).unwrap_err();
    assert_eq!(refusal.limits[0].held_by[0], "0 out of service since 0 s: XID 79");
}

#[test]
fn a_hold_keeps_its_slot_for_its_container_and_nobody_else_until_it_ends() {
    let mut lab = Lab::new(vec![card(0, &[])]);
    lab.take(&of("alice", "a", 1)).unwrap();
    let hold_until = Some(NOW.plus(Span::hours(24)));
    lab.apply(Decision::Stopped { container: "a._.alice".into(), hold_until });
    let refusal = lab.take(&of("bob", "b", 1)).unwrap_err();
    assert_eq!(refusal.limits[0].held_by, ["a._.alice 0 stopped since 0 s, kept 1 d more"]);
    assert_eq!(refusal.earliest, hold_until);
    assert!(matches!(lab.ask(&of("alice", "a", 1)), Ok(Grant::Again(_))));
    lab.now = NOW.plus(Span::hours(24));
    assert_eq!(lab.take(&of("bob", "b", 1)).unwrap(), "0");
    assert!(!lab.state.leases.contains_key("a._.alice"));
}

#[test]
fn a_hold_is_reclaimed_only_by_higher_priority_and_only_where_the_policy_says_so() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.take(&of("alice", "a", 1)).unwrap();
    lab.apply(Decision::Stopped { container: "a._.alice".into(), hold_until: None });
    lab.take(&of("bob", "b", 1)).unwrap();
    let urgent = Request { priority: Some(50), ..of("carol", "c", 1) };
    assert!(lab.take(&urgent).is_err());
    lab.policy.reclaim_held = true;
    assert!(lab.take(&of("carol", "c", 1)).is_err());
    assert_eq!(lab.take(&urgent).unwrap(), "0");
    assert!(!lab.state.leases.contains_key("a._.alice"));
}

#[test]
fn a_clock_that_goes_backwards_frees_nothing() {
    let mut lab = Lab::new(vec![card(0, &[])]);
    lab.take(&Request { pending: Some(Span::minutes(3)), ..of("alice", "a", 1) }).unwrap();
    lab.now = NOW.minus(Span::hours(24 * 365));
    assert!(lab.take(&of("bob", "b", 1)).is_err());
}

#[test]
fn a_pending_lease_ends_at_its_deadline_and_not_before() {
    let mut lab = Lab::new(vec![card(0, &[])]);
    lab.take(&Request { pending: Some(Span::minutes(3)), ..of("alice", "a", 1) }).unwrap();
    lab.now = NOW.plus(Span::from_secs(179));
    assert!(lab.take(&of("bob", "b", 1)).is_err());
    lab.now = NOW.plus(Span::minutes(3));
    assert_eq!(lab.take(&of("bob", "b", 1)).unwrap(), "0");
}

#[test]
fn a_reserved_slot_is_for_its_user_and_a_run_that_ends_before_may_use_it() {
    let mut lab = Lab::new(vec![card(0, &[])]);
    lab.apply(Decision::Reserved(Reservation {
        id: 1,
        user: "carol".into(),
        slots: lab.board.slots(ds01_board::Weight::Compute).iter().map(slot_use).collect(),
        from: NOW.plus(Span::hours(5)),
        till: NOW.plus(Span::hours(8)),
        on: vec![],
        last: None,
        reason: "thesis".into(),
        made_by: "root".into(),
        made_at: NOW,
    }));
    let refusal = lab.take(&of("alice", "a", 1)).unwrap_err();
    assert!(refusal.limits[0].held_by[0].starts_with("0 reserved for carol from "));
    assert_eq!(refusal.would_pass[0], "ask for a run of at most 5 h (--runtime 5h)");
    assert_eq!(refusal.earliest, Some(NOW.plus(Span::hours(8))));
    assert_eq!(lab.take(&of("carol", "c", 1)).unwrap(), "0");
    lab.apply(Decision::Released { containers: vec!["c._.carol".into()], why: Why::Released });
    let short = Request { runtime: Some(Span::hours(5)), ..of("alice", "a", 1) };
    assert_eq!(lab.take(&short).unwrap(), "0");
}

#[test]
fn a_claim_keeps_its_slot_for_the_head_of_the_line_and_is_used_up() {
    let mut lab = Lab::new(vec![card(0, &[])]);
    lab.apply(Decision::Joined(QueueEntry {
        id: 1,
        user: "carol".into(),
        count: 1,
        want: Want::Any,
        priority: 10,
        runtime: None,
        container: None,
        joined_at: NOW,
        share: 0,
        missed: 0,
        missed_at: None,
        claim: None,
    }));
    let until = NOW.plus(Span::minutes(10));
    let claim = Claim { slots: vec!["GPU-0".into()], since: NOW, until };
    lab.apply(Decision::Claimed { id: 1, claim });
    let refusal = lab.take(&of("alice", "a", 1)).unwrap_err();
    assert_eq!(refusal.limits[0].held_by, ["0 kept for carol, next in line, 10 min more"]);
    // Carol takes it and stays without a known end.
    assert_eq!(refusal.earliest, None);
    assert_eq!(refusal.would_pass, ["gpu-queue join: position 2, start unknown"]);
    assert_eq!(lab.take(&of("carol", "c", 1)).unwrap(), "0");
    assert!(lab.state.queue.is_empty());
}

#[test]
fn who_does_not_wait_takes_nothing_that_is_planned_for_who_does() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.take(&Request { runtime: Some(Span::hours(2)), ..of("bob", "b", 1) }).unwrap();
    let waits = QueueEntry {
        id: 1,
        user: "carol".into(),
        count: 1,
        want: Want::Any,
        priority: 10,
        runtime: Some(Span::hours(1)),
        container: None,
        joined_at: NOW,
        share: 0,
        missed: 0,
        missed_at: None,
        claim: None,
    };
    lab.apply(Decision::Joined(waits.clone()));
    // A slot is free and the pass that gives it to carol has not run yet.
    let refusal = lab.take(&of("alice", "a", 1)).unwrap_err();
    assert_eq!(refusal.limits[0].held_by[1], "1 planned for carol, before in line");
    // What `gpu-queue join` would answer: behind carol's hour and the time to take a claim.
    let turn = NOW.plus(Span::hours(1));
    assert_eq!(refusal.earliest, Some(turn));
    assert_eq!(refusal.would_pass, [format!("gpu-queue join: position 2, by {turn}")]);
    let urgent = Request { priority: Some(50), ..of("alice", "u", 1) };
    assert!(lab.ask(&urgent).is_ok(), "one who would join before her is not behind her");
    // Carol holds 1 by a claim; dora waits for 0, which is bob's for two hours.
    let until = NOW.plus(Span::minutes(10));
    let claim = Claim { slots: vec!["GPU-1".into()], since: NOW, until };
    lab.apply(Decision::Claimed { id: 1, claim });
    lab.apply(Decision::Joined(QueueEntry { id: 2, user: "dora".into(), ..waits }));
    assert_eq!(lab.take(&of("carol", "c", 1)).unwrap(), "1");
    lab.apply(Decision::Released { containers: vec!["b._.bob".into()], why: Why::Released });
    lab.now = NOW.plus(Span::minutes(1));
    assert!(lab.take(&Request { runtime: Some(Span::hours(1)), ..of("alice", "a", 1) }).is_err());
    assert_eq!(lab.take(&of("dora", "d", 1)).unwrap(), "0", "her turn, by whatever way she asks");
}

#[test]
fn a_short_run_may_fill_the_time_until_a_planned_start() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.take(&Request { runtime: Some(Span::hours(2)), ..of("bob", "b", 1) }).unwrap();
    let (state, now) = (&lab.state, lab.now);
    let planned = |from| crate::ahead::Ahead::for_test("GPU-1", from);
    let limits = limits("alice");
    let idle = BTreeMap::new();
    let ask = |hours: Option<u64>, from| {
        let ahead = planned(from);
        let request = Request { runtime: hours.map(Span::hours), ..of("alice", "a", 1) };
        let (board, policy) = (&lab.board, &lab.policy);
        let on = Grounds { limits: &limits, state, board, policy, idle: &idle, ahead: &ahead, now };
        decide(&request, &on).is_ok()
    };
    let soon = Some(NOW.plus(Span::hours(2)));
    assert!(ask(Some(2), soon) && !ask(Some(3), soon) && !ask(None, soon));
    assert!(ask(Some(2), None) && !ask(None, None), "only a run without end is in the way");
}

#[test]
fn a_slot_whose_lease_cannot_be_mapped_never_looks_free() {
    // Pitfall 22. The card was cut while the ledger still had it whole, or the other way.
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[2, 2])]);
    lab.take(&of("bob", "full", 1)).unwrap();
    lab.take(&Request { want: Want::Mig, ..of("bob", "mig", 1) }).unwrap();
    lab.board = board(vec![card(0, &[3, 3]), card(1, &[])]);
    assert!(lab.take(&of("alice", "a", 1)).is_err());
    let mut recut = card(1, &[2, 2]);
    recut.instances.iter_mut().for_each(|instance| instance.uuid += "-new");
    lab.board = board(vec![recut]);
    assert_eq!(lab.take(&of("alice", "a", 1)).unwrap(), "1:1");
}

#[test]
fn the_callers_own_limit_only_lowers_the_configs() {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[])]);
    lab.limits.max_slots = Limit::Max(1.0);
    let raised = Request { max_gpus: Some(9.0), ..of("alice", "a", 2) };
    assert_eq!(fields(&lab.take(&raised).unwrap_err()), ["max_slots"]);
    let lowered = Request { max_gpus: Some(0.0), ..of("alice", "a", 1) };
    assert_eq!(fields(&lab.take(&lowered).unwrap_err()), ["max_gpus"]);
}

#[test]
fn a_full_board_is_taken_in_one_piece_by_whoever_asks_for_all() {
    let mut lab = Lab::new((0..8).map(|n| card(n, &[])).collect());
    assert_eq!(lab.take(&of("alice", "a", 8)).unwrap(), "0,1,2,3,4,5,6,7");
}

fn any_request() -> impl proptest::strategy::Strategy<Value = Request> {
    (0..4u8, 0..6u8, 1..4u32, 0..4u8, proptest::option::of(1..48u64)).prop_map(
        |(user, name, count, want, hours)| Request {
            want: match want {
                0 => Want::Any,
                1 => Want::Full,
                2 => Want::Mig,
                _ => Want::Profile("2g.20gb".into()),
            },
            runtime: hours.map(Span::hours),
            ..of(&format!("u{user}"), &format!("c{name}"), count)
        },
    )
}

fn busy_lab(strategy: bool) -> Lab {
    let mut lab = Lab::new(vec![card(0, &[]), card(1, &[]), card(2, &[1, 2, 2]), card(3, &[2, 3])]);
    lab.limits.max_gpu_equivalents = Limit::Max(1.5);
    lab.limits.max_slots = Limit::Max(3.0);
    if strategy {
        lab.policy.strategy = Strategy::Pack;
    }
    lab
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn releasing_what_was_allocated_restores_the_board(
        before in prop::collection::vec(any_request(), 0..6),
        request in any_request(),
        pack: bool,
    ) {
        let mut lab = busy_lab(pack);
        for request in before {
            let _ = lab.take(&request);
        }
        prop_assume!(!lab.state.leases.contains_key(&request.container));
        let (held, first) = (lab.state.leases.clone(), lab.ask(&request));
        if lab.take(&request).is_ok() {
            let containers = vec![request.container.clone()];
            lab.apply(Decision::Released { containers, why: Why::Released });
            prop_assert_eq!(&lab.state.leases, &held);
            prop_assert_eq!(lab.ask(&request), first);
        }
    }

    #[test]
    fn no_slot_is_given_twice_and_no_quota_is_exceeded(
        requests in prop::collection::vec(any_request(), 1..40),
        pack: bool,
    ) {
        let mut lab = busy_lab(pack);
        for request in requests {
            let _ = lab.take(&request);
            let slots: Vec<_> =
                lab.state.leases.values().flat_map(|lease| &lease.slots).map(|s| &s.uuid).collect();
            let distinct: std::collections::BTreeSet<_> = slots.iter().collect();
            prop_assert_eq!(distinct.len(), slots.len());
            for user in 0..4 {
                let user = format!("u{user}");
                let own = lab.state.leases.values().filter(|lease| lease.user == user);
                let weight: f64 = own.map(Lease::gpueq).sum();
                prop_assert!(weight <= 1.5 + HAIR);
            }
        }
    }

    #[test]
    fn a_refusal_names_a_limit_and_retiring_what_it_says_lets_it_pass(
        before in prop::collection::vec(any_request(), 0..8),
        request in any_request(),
    ) {
        let mut lab = busy_lab(false);
        for request in before {
            let _ = lab.take(&request);
        }
        if let Err(Denied::Refused(refusal)) = lab.ask(&request) {
            prop_assert!(!refusal.limits.is_empty());
            let retire = refusal.would_pass.iter().find_map(|advice| advice.strip_prefix("docker rm -f "));
            if let Some(names) = retire {
                let containers = names.split(' ').map(str::to_owned).collect();
                lab.apply(Decision::Released { containers, why: Why::Released });
                prop_assert!(lab.ask(&request).is_ok());
            }
        }
    }
}
