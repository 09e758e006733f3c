//! gpu-queue as it is called: the line from the join to the claim, who may do what, two at
//! once, bad input.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

mod lab;

use std::os::unix::fs::PermissionsExt;

use lab::{Lab, said};

#[test]
fn who_joins_a_free_board_has_a_claim_at_once() {
    let lab = Lab::new();
    let joined = lab.run("join --user alice --gpus 2 --for 4h --container p._.alice -o json").ok();
    let one = joined.json();
    assert_eq!((&one["position"], &one["start"]), (&1.into(), &"now".into()));
    assert_eq!(one["claim_until"], "2026-11-28T12:10:00Z");
    assert_eq!(one["slots"], serde_json::json!(["0", "1"]));
    assert_eq!(one["max_runtime"], 14_400);
    assert_eq!(lab.events("queue.join").len(), 1);
    assert_eq!(lab.events("queue.claim")[0]["details"]["slots"][1], "1");
    let again = lab.run("join --user alice --gpus 2 --container p._.alice -o id").ok();
    assert_eq!(again.out.trim(), one["id"].to_string(), "the same container keeps its place");
    let text = lab.run("list").ok().out;
    assert!(text.contains("now: 0,1 kept 10 min more"), "{text}");
}

#[test]
fn who_waits_hears_when_it_starts_and_it_does() {
    let mut lab = Lab::new().full();
    let first = lab.run("join --user alice --gpus 2 --profile full --for 2h -o json").ok().json();
    assert_eq!(first["expected_start"], "2026-11-28T20:00:00Z");
    // Dave's priority is higher, so he goes first; carol waits behind both.
    let dave = lab.run("join --user dave --gpus 3 --for 1h -o json").ok().json();
    assert_eq!((&dave["position"], &dave["expected_start"]), (&1.into(), &first["expected_start"]));
    let carol = lab.run("join --user carol --for 1h -o json").ok().json();
    assert_eq!(carol["expected_start"], "2026-11-28T20:00:00Z", "one card is left then");
    let alice = lab.run("position --user alice -o json").ok().json();
    assert_eq!(alice["expected_start"], "2026-11-28T21:00:00Z");
    lab.at("19:59:59").run("pass").ok();
    assert!(lab.state().queue.values().all(|entry| entry.claim.is_none()));
    // At 20:00 everybody's run is over and their containers are gone.
    lab.at("20:00:00");
    let containers = lab.state().leases.keys().cloned().collect();
    let why = ds01_ledger::Why::Gone;
    let released = ds01_ledger::Decision::Released { containers, why };
    let site = lab.site();
    ds01_ledger::open(&site).unwrap().record(released, site.now()).unwrap();
    let done = lab.run("pass -o json").ok().json();
    assert_eq!(done["claimed"], serde_json::json!([6, 7]), "dave's three and carol's one");
    let view = std::fs::read_to_string(lab.path("run/ds01/gpu-queue.json")).unwrap();
    let view: serde_json::Value = serde_json::from_str(&view).unwrap();
    assert_eq!(view["entries"].as_array().unwrap().len(), 3);
    assert_eq!(view["schema"], 1);
    let mode = std::fs::metadata(lab.path("run/ds01/gpu-queue.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn a_claim_that_is_let_pass_goes_to_the_next() {
    let mut lab = Lab::new();
    for user in ["alice", "bob", "carol", "dave"] {
        lab.run(&format!("join --user {user}")).ok();
    }
    lab.run("join --user bob --container next._.bob").ok();
    assert!(lab.state().queue[&5].claim.is_none());
    lab.at("12:10:00");
    let done = lab.run("pass -o json").ok().json();
    assert_eq!(done["missed"].as_array().unwrap().len(), 4);
    assert_eq!(done["claimed"][0], 5, "whoever missed stands behind");
    let list = lab.run("list -o position,user,claims_missed").ok().out;
    assert!(list.starts_with("1\tbob\t0\n"), "{list}");
}

#[test]
fn leaving_makes_room_for_the_next_at_once() {
    let lab = Lab::new();
    lab.run("join --user dave --gpus 4 --container d._.dave").ok();
    lab.run("join --user alice").ok();
    lab.run("leave --user dave d._.dave").ok();
    assert!(lab.state().queue[&2].claim.is_some());
    assert_eq!(lab.events("queue.leave")[0]["user"], "dave");
    lab.run("leave --user alice").ok();
    assert!(lab.state().queue.is_empty());
    lab.run("leave --user alice").fails(4);
    lab.run("position --user alice").fails(4);
    assert_eq!(lab.run("list").ok().out, "Nobody waits.\n");
}

#[test]
fn a_dry_run_changes_nothing() {
    let lab = Lab::new();
    let would = lab.run("join --user alice --dry-run -o json").ok().json();
    assert_eq!((&would["dry_run"], &would["start"]), (&true.into(), &"now".into()));
    assert!(lab.state().queue.is_empty() && !lab.path("var/lib/ds01/gpu/journal").exists());
    lab.run("join --user alice").ok();
    let state = lab.state();
    lab.run("leave --user alice --dry-run").ok();
    lab.run("pass --dry-run").ok();
    assert_eq!(lab.state(), state);
}

#[test]
fn two_who_join_at_once_both_have_a_place_of_their_own() {
    let lab = Lab::new();
    let children: Vec<_> = (0..8)
        .map(|n| lab.spawn(&["join", "--user", ["alice", "bob"][n % 2], "-o", "id"]))
        .collect();
    let mut ids: Vec<u64> = children
        .into_iter()
        .map(|child| said(child.wait_with_output().unwrap()).ok().out.trim().parse().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8]);
    let claimed: Vec<String> = lab
        .state()
        .queue
        .values()
        .filter_map(|entry| entry.claim.clone())
        .flat_map(|claim| claim.slots)
        .collect();
    assert_eq!(claimed.len(), 4, "four cards, each claimed once");
}

#[test]
fn two_passes_at_once_give_one_claim() {
    let mut lab = Lab::new();
    lab.run("join --user dave --gpus 4").ok();
    lab.run("join --user alice").ok();
    lab.at("12:10:00");
    let children: Vec<_> = (0..4).map(|_| lab.spawn(&["pass", "-o", "json"])).collect();
    let claimed: usize = children
        .into_iter()
        .map(|child| said(child.wait_with_output().unwrap()).ok().json())
        .map(|done| done["claimed"].as_array().unwrap().len())
        .sum();
    assert_eq!(claimed, 1, "alice's, given by one of them");
    assert_eq!(lab.state().queue[&1].missed, 1, "and dave missed one claim, not four");
}

#[test]
fn an_argument_decides_nobodys_authority() {
    let mut lab = Lab::new();
    if !nix_is_root() {
        return;
    }
    lab.run("join --user alice").ok();
    // uid 1 and 2 are `daemon` and `bin` on every Debian.
    lab.of(Some(1));
    let own = lab.run("join -o json").ok().json();
    assert_eq!(own["user"], "daemon");
    let refused = lab.run("join --user alice").fails(5);
    assert!(refused.err.contains("may not act for `alice`"), "{}", refused.err);
    lab.run("leave --user alice").fails(5);
    lab.run("leave 1").fails(5);
    lab.run("position").ok();
    assert_eq!(lab.run("list -o json").ok().lines().len(), 2, "everybody sees who waits");
    lab.of(Some(2)).run("leave 2").fails(5);
    lab.of(Some(1)).run("leave 2").ok();
    assert_eq!(lab.state().queue.len(), 1);
}

fn nix_is_root() -> bool {
    ds01_site::Site::at("/").caller().is_root()
}

#[test]
fn what_makes_no_sense_is_refused_and_leaves_no_trace() {
    let lab = Lab::new();
    for (line, code) in [
        ("join --user alice --gpus 0", 2),
        ("join --user alice --gpus -1", 2),
        ("join --user alice --gpus=-1", 2),
        ("join --user alice --gpus 4294967296", 2),
        ("join --user alice --gpus 5000", 2),
        ("join --user alice --gpus 1.5", 2),
        ("join --user alice --for 0s", 2),
        ("join --user alice --for -1h", 2),
        ("join --user alice --for tomorrow", 2),
        ("join --user alice --profile ../x", 2),
        ("join --user nobody-knows-him", 4),
        ("join --user alice --gpus 3", 3),
        ("join --user alice --for 9h", 3),
        ("join --user alice --profile 9g.999gb", 3),
        ("join --user dave --gpus 4 --profile mig", 3),
        ("leave --user alice 17", 4),
        ("leave --user alice --all 17", 2),
        ("position --user alice", 4),
        ("stand", 2),
    ] {
        lab.run(line).fails(code);
    }
    let odd = "x".repeat(300);
    for name in ["", "a\nb", "a\u{1b}[2Jb", odd.as_str()] {
        lab.words(&["join", "--user", "alice", "--container", name]).fails(2);
        lab.words(&["leave", "--user", "alice", name]).fails(4);
    }
    lab.words(&["join", "--user", "a\nb"]).fails(2);
    assert!(lab.state().queue.is_empty());
}

#[test]
fn nobody_fills_the_line_alone() {
    let lab = Lab::new().full();
    for _ in 0..100 {
        lab.run("join --user alice").ok();
    }
    let refused = lab.run("join --user alice").fails(3);
    assert!(refused.err.contains("waits 100 times already"), "{}", refused.err);
}

#[test]
fn a_clock_that_goes_backwards_lets_nobody_pass() {
    let mut lab = Lab::new().full();
    lab.run("join --user alice").ok();
    lab.at("09:00:00").run("join --user bob").ok();
    let list = lab.run("list -o user").ok().out;
    assert_eq!(list, "alice\nbob\n");
    lab.run("pass").ok();
}

#[test]
fn a_broken_config_or_ledger_gives_no_place() {
    let lab = Lab::new();
    lab.run("join --user alice").ok();
    std::fs::write(lab.path("etc/ds01/resource-limits.yaml"), "defaults: [").unwrap();
    lab.run("join --user bob").fails(7);
    let lab = Lab::new();
    lab.run("join --user alice").ok();
    std::fs::write(lab.path("var/lib/ds01/gpu/journal"), "nonsense\nmore\n").unwrap();
    lab.run("join --user bob").fails(7);
    lab.run("list").fails(7);
}
