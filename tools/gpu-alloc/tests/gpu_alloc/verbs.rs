use serde_json::json;

use crate::lab::Lab;

#[test]
fn the_earlier_systems_lines_still_work() {
    let lab = Lab::new();
    let given = lab
        .run("allocate --user alice --container a._.alice --max-gpus 2 --priority 10")
        .ok()
        .json();
    assert_eq!((&given["gpu_id"], &given["existing"]), (&json!("0"), &json!(false)));
    let again = lab.give("alice", "a").ok().json();
    assert_eq!((&again["gpu_id"], &again["existing"]), (&json!("0"), &json!(true)));
    lab.run("mark-stopped --container a._.alice").ok();
    let status = lab.run("status -o text").ok();
    assert!(status.out.contains("stopped_at"), "{}", status.out);
    lab.run("validate --container a._.alice --gpu 0").ok();
    lab.run("validate --container a._.alice --gpu 1").fails(3);
    lab.run("clear-stopped --container a._.alice").ok();
    let released = lab.run("release --container a._.alice").ok().json();
    assert_eq!(released["did"], "released");
    assert_eq!(lab.run("status").ok().json()["allocations"], json!({}));
    lab.run("release --container a._.alice").fails(4);
}

#[test]
fn the_view_has_the_documented_shape_and_is_reached_from_both_places() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    let text = std::fs::read_to_string(lab.path("var/lib/ds01/gpu-state.json")).unwrap();
    let view: serde_json::Value = serde_json::from_str(&text).unwrap();
    let one = &view["allocations"]["a._.alice"];
    let keys: Vec<&String> = one.as_object().unwrap().keys().take(5).collect();
    assert_eq!(keys, ["user", "gpu_id", "allocated_at", "priority", "stopped_at"]);
    assert_eq!(one["slots"][0]["gpueq"], 1.0);
    assert_eq!((&view["schema"], &view["pending"]), (&json!(1), &json!([])));
    assert!(view["last_updated"].as_str().unwrap().ends_with('Z'));
    assert!(lab.path("var/lib/ds01/gpu-state.json").is_symlink());
    assert_eq!(view, lab.run("status").ok().json());
}

#[test]
fn a_pending_lease_is_committed_under_its_final_name_or_aborted() {
    let lab = Lab::new();
    let ask = "allocate --user alice --pending-for 3m --container";
    assert_eq!(lab.run(&format!("{ask} token1")).ok().json()["state"], "pending");
    lab.run("commit --container token1 --id 0123456789abcdef --name a._.alice").ok();
    lab.run("commit --container a._.alice --id 0123456789abcdef").ok();
    lab.run("commit --container a._.alice --id fedcba9876543210").fails(1);
    lab.run("abort --container a._.alice").fails(1);
    lab.run(&format!("{ask} token2")).ok();
    lab.run("abort --container token2").ok();
    let status = lab.run("status").ok().json();
    assert_eq!(status["allocations"]["a._.alice"]["container_id"], "0123456789abcdef");
    assert_eq!(status["pending"], json!([]));
    // By its id, as Docker's events name it.
    lab.run("release --container 0123456789abcdef").ok();
}

#[test]
fn a_hold_of_zero_frees_at_once_and_a_refused_request_says_everything() {
    let lab = Lab::new();
    lab.run("allocate --user dave --container d._.dave").ok();
    assert_eq!(lab.run("mark-stopped --container d._.dave").ok().json()["did"], "released");
    lab.give("alice", "a").ok();
    lab.give("alice", "b").ok();
    let refused = lab.run("allocate --user alice --container c._.alice -o json").fails(3);
    let fault: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(fault["error"], "limit_reached");
    let limit = &fault["limits"][0];
    assert_eq!(limit["field"], "max_gpu_equivalents");
    assert_eq!(
        (&limit["value"], &limit["used"], &limit["asked"]),
        (&json!(2.0), &json!(2.0), &json!(1.0))
    );
    assert!(
        limit["source"].as_str().unwrap().starts_with("groups.students (resource-limits.yaml:")
    );
    assert!(limit["held_by"][0].as_str().unwrap().starts_with("a._.alice 0 since "));
    assert_eq!(fault["would_pass"][0], "docker rm -f a._.alice");
    let explained = lab.run("explain --user alice").fails(3).json();
    assert_eq!(explained["limits"], fault["limits"]);
    let events = std::fs::read_to_string(lab.path("var/log/ds01/events.jsonl")).unwrap();
    assert!(events.contains("gpu.reject") && events.contains("gpu.allocate"));
}

#[test]
fn several_are_given_together_or_not_at_all() {
    let lab = Lab::new();
    lab.give("alice", "a").ok();
    lab.run("allocate --user carol --container c._.carol --count 4").fails(3);
    assert_eq!(lab.run("status").ok().json()["allocations"].as_object().unwrap().len(), 1);
    let given = lab.run("allocate --user carol --container c._.carol --count 3").ok().json();
    assert_eq!(given["gpu_id"], "1,2,3");
}

#[test]
fn a_dry_run_shows_the_same_and_changes_nothing() {
    let lab = Lab::new();
    let shown = lab.run("allocate --user alice --container a._.alice --dry-run").ok().json();
    assert_eq!((&shown["gpu_id"], &shown["dry_run"]), (&json!("0"), &json!(true)));
    assert!(!lab.path("var").exists() && !lab.path("run").exists());
    lab.give("alice", "a").ok();
    let before = std::fs::read(lab.ledger().join("journal")).unwrap();
    for line in [
        "release --container a._.alice --dry-run",
        "mark-stopped --container a._.alice --dry-run",
        "allocate --user bob --container b._.bob --dry-run",
    ] {
        assert_eq!(lab.run(line).ok().json()["dry_run"], true, "{line}");
    }
    assert_eq!(std::fs::read(lab.ledger().join("journal")).unwrap(), before);
}

#[test]
fn whoever_is_not_root_looks_and_changes_nothing() {
    let mut lab = Lab::new();
    lab.give("alice", "a").ok();
    lab.set("DS01_CALLER_UID", "1000");
    lab.set("DS01_CALLER_GID", "1000");
    for line in [
        "allocate --user alice --container b._.alice",
        "release --container a._.alice",
        "mark-stopped --container a._.alice",
        "reconcile -",
        "reconcile - --apply",
        "validate --repair",
        "follow",
    ] {
        lab.run(line).fails(5);
    }
    assert_eq!(lab.run("status").ok().json()["allocations"]["a._.alice"]["gpu_id"], "0");
    assert_eq!(lab.run("explain --user bob").ok().json()["gpu_id"], "1");
}

#[test]
fn the_earlier_systems_state_file_is_taken_over_and_kept() {
    let lab = Lab::new();
    std::fs::create_dir_all(lab.path("var/lib/ds01")).unwrap();
    let earlier = r#"{"allocations": {"x._.bob": {"user": "bob", "gpu_id": "0", "priority": 50,
        "allocated_at": "2026-11-21T10:30:00", "stopped_at": null}}, "last_updated": null}"#;
    std::fs::write(lab.path("var/lib/ds01/gpu-state.json"), earlier).unwrap();
    // Whoever only looks begins no ledger, and sees nothing free that is not.
    assert_eq!(lab.run("status").ok().json()["allocations"]["x._.bob"]["gpu_id"], "0");
    lab.run("explain --user carol --gpu 0").fails(3);
    assert!(!lab.ledger().exists());
    // Slot 0 counts as taken, though that file knew no UUID.
    assert_eq!(lab.give("alice", "a").ok().json()["gpu_id"], "1");
    assert_eq!(lab.run("status").ok().json()["allocations"]["x._.bob"]["priority"], 50);
    let kept = std::fs::read_to_string(lab.path("var/lib/ds01/gpu-state.json.earlier")).unwrap();
    assert_eq!(kept, earlier);
    assert!(lab.path("var/lib/ds01/gpu-state.json").is_symlink());
}

#[test]
fn after_a_boot_nothing_looks_free_until_the_view_is_written_again() {
    let mut lab = Lab::new();
    lab.give("alice", "a").ok();
    std::fs::remove_dir_all(lab.path("run")).unwrap();
    lab.set("DS01_CALLER_UID", "1000");
    lab.set("DS01_CALLER_GID", "1000");
    lab.run("status").fails(7);
    lab.run("explain --user bob").fails(7);
    lab.set("DS01_CALLER_UID", "");
    lab.run("follow").ok();
    lab.set("DS01_CALLER_UID", "1000");
    assert_eq!(lab.run("status").ok().json()["allocations"]["a._.alice"]["gpu_id"], "0");
}

#[test]
fn a_release_gives_the_next_in_line_its_claim_and_the_claim_its_lease() {
    let lab = Lab::new();
    let site = ds01_site::Site::at(lab.path("."));
    for n in 0..4 {
        let words = format!("allocate --user carol --profile full --container c{n}._.carol");
        lab.run(&words).ok();
    }
    let entry = ds01_ledger::types::QueueEntry {
        id: 1,
        user: "alice".into(),
        count: 1,
        want: ds01_ledger::types::Want::Full,
        priority: 10,
        runtime: None,
        container: None,
        joined_at: site.now(),
        share: 0,
        missed: 0,
        missed_at: None,
        claim: None,
    };
    let joined = ds01_ledger::Decision::Joined(entry);
    ds01_ledger::open(&site).unwrap().record(joined, site.now()).unwrap();
    lab.run("release --container c2._.carol").ok();
    let claim = ds01_ledger::look(&site).unwrap().queue[&1].claim.clone().unwrap();
    assert_eq!(claim.slots.len(), 1);
    lab.give("bob", "fast").fails(3);
    lab.give("alice", "mine").ok();
    assert!(ds01_ledger::look(&site).unwrap().queue.is_empty());
    let log = std::fs::read_to_string(lab.path("var/log/ds01/events.jsonl")).unwrap();
    assert!(log.contains("queue.claim") && log.contains("\"why\":\"served\""), "{log}");
}
