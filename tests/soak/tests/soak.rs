//! A short run; `make soak` does the million.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn no_slot_is_given_twice_and_none_is_lost_under_64_processes_killed_at_random() {
    let run = Command::new(env!("CARGO_BIN_EXE_ledger-soak"))
        .args(["--operations", "5000", "--processes", "64"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(document["kills"].as_u64().unwrap() >= 20, "{said}");
}

#[test]
fn the_door_refuses_nobody_and_keeps_nothing_while_all_about_it_is_killed() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let run = Command::new(env!("CARGO_BIN_EXE_door-soak"))
        .args(["--connections", "2000", "--idle", "100", "--logs", "20", "--restarts", "1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(document["answered"].as_u64().unwrap() >= 2000, "{said}");
    assert!(document["clients_killed"].as_u64().unwrap() >= 20, "{said}");
}
