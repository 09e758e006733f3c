//! gpu-reserve as it is called: windows once and again, conflicts with the other party
//! named, who may do what, bad input.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

mod lab;

use lab::Lab;

#[test]
fn a_window_is_reserved_shown_and_cancelled() {
    let lab = Lab::new();
    let made = lab
        .words(&[
            "add",
            "--user",
            "alice",
            "--gpus",
            "2",
            "--from",
            "2026-11-28T20:00",
            "--for",
            "4h",
            "--reason",
            "thesis",
            "-o",
            "json",
        ])
        .ok()
        .json();
    assert_eq!(made["till"], "2026-11-29T00:00:00Z");
    assert_eq!(made["slots"][0]["id"], "2", "from the end of the board");
    assert_eq!(made["slots"][1]["id"], "3");
    let list = lab.run("list").ok().out;
    assert!(list.contains("thesis") && list.contains("2026-11-28T20:00:00Z"), "{list}");
    assert!(list.contains("3 full  ................AAAAAAAA"), "{list}");
    let timeline = lab.run("list --timeline -o json").ok().json();
    assert_eq!(timeline["rows"][3]["bars"][0]["user"], "alice");
    assert_eq!(lab.events("reserve.add")[0]["details"]["slots"][0], "2");
    lab.run("cancel 1").ok();
    assert_eq!(lab.events("reserve.cancel").len(), 1);
    lab.run("cancel 1").fails(4);
    assert!(lab.run("list").ok().out.starts_with("Nothing is reserved.\n"));
}

#[test]
fn a_conflict_is_refused_with_the_other_party_named() {
    let lab = Lab::new();
    lab.run("add --user alice --slot 3 --from 2026-11-30T09:00 --for 2h --on mon,wed").ok();
    let refused =
        lab.run("add --user bob --slot 3 --from 2026-12-16T10:00 --for 3h -o json").fails(3);
    let fault: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(fault["conflicts"][0]["user"], "alice");
    assert_eq!(fault["conflicts"][0]["from"], "2026-12-16T10:00:00Z");
    assert!(fault["why"].as_str().unwrap().contains("3 is reserved for alice"), "{fault}");
    lab.run("add --user bob --slot 3 --from 2026-12-15T10:00 --for 3h").ok();
    lab.run("add --user bob --gpus 4 --from 2026-12-16T10:00 --for 3h").fails(3);
    lab.run("add --user bob --gpus 3 --from 2026-12-16T10:00 --for 3h").ok();
}

#[test]
fn a_run_that_may_last_into_the_window_is_in_the_way() {
    let lab = Lab::new();
    lab.run("add --user alice --gpus 4 --from 2026-11-28T13:00 --for 1h").ok();
    let slots = lab.state().reservations[&1].slots.clone();
    lab.run("cancel 1").ok();
    lab.lease("bob", &slots[0], Some("28T18:00:00"));
    lab.lease("carol", &slots[1], None);
    let late = lab.run("add --user alice --slot 0 --from 2026-11-28T17:00 --for 1h").fails(3);
    assert!(late.err.contains("0 is bob's until 2026-11-28T18:00:00Z"), "{}", late.err);
    lab.run("add --user alice --slot 0 --from 2026-11-28T18:00 --for 1h").ok();
    let open = lab.run("add --user alice --slot 1 --from 2026-12-24 --for 1d").fails(3);
    assert!(open.err.contains("carol's without a known end"), "{}", open.err);
    lab.run("add --user alice --slot 1 --from 2026-12-24 --for 1d --even-if-held").ok();
}

#[test]
fn a_window_that_comes_again_does_so_until_its_last_day() {
    let lab = Lab::new();
    let made = lab
        .run("add --user alice --from 2026-11-30T09:00 --for 1h --every day --until-date 2026-12-02 -o json")
        .ok()
        .json();
    assert_eq!(made["on"].as_array().unwrap().len(), 7);
    let shown = |from: &str| {
        let line = format!("list --timeline --from {from} --for 24h -o json");
        lab.run(&line).ok().json()["rows"][3]["bars"].as_array().unwrap().len()
    };
    assert_eq!((shown("2026-12-02"), shown("2026-12-03")), (1, 0));
    let weekly = lab.run("add --user bob --from 2026-11-30T09:00 --for 1h --every week -o on").ok();
    assert_eq!(weekly.out, "mon\n");
}

#[test]
fn only_admins_reserve_and_whose_it_is_may_cancel() {
    let mut lab = Lab::new();
    if !ds01_site::Site::at("/").caller().is_root() {
        return;
    }
    lab.run("add --user daemon --from 2026-11-30 --for 1d").ok();
    lab.run("add --user alice --from 2026-11-30 --for 1d").ok();
    // uid 1 and 2 are `daemon` and `bin` on every Debian.
    lab.of(Some(1));
    let refused = lab.run("add --from 2026-12-01 --for 1d").fails(5);
    assert!(refused.err.contains("daemon may not reserve GPUs"), "{}", refused.err);
    lab.run("add --user alice --from 2026-12-01 --for 1d").fails(5);
    lab.run("cancel 2").fails(5);
    assert_eq!(lab.run("list -o json").ok().lines().len(), 2, "everybody sees the calendar");
    lab.of(Some(2)).run("cancel 1").fails(5);
    lab.of(Some(1)).run("cancel 1").ok();
}

#[test]
fn a_dry_run_changes_nothing() {
    let lab = Lab::new();
    let would = lab.run("add --user alice --for 1h --dry-run -o json").ok().json();
    assert_eq!(would["dry_run"], true);
    assert!(lab.state().reservations.is_empty());
    lab.run("add --user alice --for 1h").ok();
    lab.run("cancel 1 --dry-run").ok();
    assert_eq!(lab.state().reservations.len(), 1);
}

#[test]
fn what_makes_no_sense_is_refused_and_leaves_no_trace() {
    let lab = Lab::new();
    for (line, code) in [
        ("add --user alice", 2),
        ("add --user alice --from 2026-11-29 --until 2026-11-29", 2),
        ("add --user alice --from 2026-11-29 --for 0s", 2),
        ("add --user alice --from 2026-11-29 --until 2026-11-28T13:00", 2),
        ("add --user alice --from 2026-11-27 --until 2026-11-28T12:00", 2),
        ("add --user alice --from 2026-11-29 --for 999w", 2),
        ("add --user alice --from 2026-11-29 --for -1h", 2),
        ("add --user alice --from 2026-13-29 --for 1h", 2),
        ("add --user alice --from 2026-11-29 --for 1h --until 2026-12-01", 2),
        ("add --user alice --from 2026-11-29 --for 1h --gpus 0", 2),
        ("add --user alice --from 2026-11-29 --for 1h --gpus -2", 2),
        ("add --user alice --from 2026-11-29 --for 1h --gpus 1025", 2),
        ("add --user alice --from 2026-11-29 --for 1h --gpus 5", 3),
        ("add --user alice --from 2026-11-29 --for 1h --profile 2g.20gb", 3),
        ("add --user alice --from 2026-11-29 --for 1h --slot 9", 4),
        ("add --user alice --from 2026-11-29 --for 1h --slot 1 --gpus 2", 2),
        ("add --user alice --from 2026-11-29 --for 25h --every day", 2),
        ("add --user alice --from 2026-11-29 --for 1h --every day --on mon", 2),
        ("add --user alice --from 2026-11-29 --for 1h --every hour", 2),
        ("add --user alice --from 2026-11-29 --for 1h --on montag", 2),
        ("add --user alice --from 2026-11-29 --for 1h --until-date 2026-12-01", 2),
        ("add --user alice --from 2026-11-30 --for 1h --on sun --until-date 2026-12-01", 2),
        ("add --user nobody-knows-him --from 2026-11-29 --for 1h", 4),
        ("cancel", 2),
        ("cancel -1", 2),
        ("cancel 18446744073709551615", 4),
        ("list --for 0s", 2),
    ] {
        lab.run(line).fails(code);
    }
    let words = ["add", "--user", "alice", "--for", "1h", "--reason"];
    for reason in ["a\nb", "\u{1b}[2J", "x".repeat(201).as_str()] {
        lab.words(&[&words[..], &[reason]].concat()).fails(2);
    }
    assert!(lab.state().reservations.is_empty());
}
