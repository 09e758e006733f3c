//! The command as admins use it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic anywhere")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ds01_eventlog::{Event, Kind, try_append};
use ds01_site::Site;
use ds01_units::Stamp;
use serde_json::json;

fn command(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ds01-events"));
    command.args(words).env("DS01_ROOT", root).env("DS01_NOW", "2026-11-28T20:00:00Z");
    command
}

fn run(root: &Path, words: &[&str]) -> Output {
    command(root, words).output().unwrap()
}

fn shown(root: &Path, words: &[&str]) -> String {
    let done = run(root, words);
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn lab() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (hour, kind, user, container) in [
        (16, Kind::GpuAllocate, "alice", "a._.alice"),
        (17, Kind::GpuAllocate, "bob", "b._.bob"),
        (18, Kind::ContainerStop, "alice", "a._.alice"),
        (19, Kind::GpuHold, "alice", "a._.alice"),
    ] {
        let at: Stamp = format!("2026-11-28T{hour}:30:00Z").parse().unwrap();
        let event = Event::new(kind, user, "test", json!({"container": container})).at(at);
        try_append(&Site::at(root.path()), &event).unwrap();
    }
    root
}

#[test]
fn each_filter_takes_what_it_says() {
    let root = lab();
    let root = root.path();
    let types =
        |words: &[&str]| shown(root, &[words, &["-o", "event_type"]].concat()).replace('\n', " ");
    assert_eq!(types(&[]), "gpu.allocate gpu.allocate container.stop gpu.hold ");
    assert_eq!(types(&["--user", "bob"]), "gpu.allocate ");
    assert_eq!(types(&["--type", "gpu.", "--user", "alice"]), "gpu.allocate gpu.hold ");
    assert_eq!(types(&["--type", "gpu.hold", "--type", "container"]), "container.stop gpu.hold ");
    assert_eq!(types(&["--container", "b"]), "gpu.allocate ");
    assert_eq!(types(&["--since", "2h"]), "container.stop gpu.hold ");
    assert_eq!(types(&["--since", "2026-11-28 17:00", "--until", "2h"]), "gpu.allocate ");
    assert_eq!(types(&["-n", "1"]), "gpu.hold ");
    assert_eq!(
        shown(root, &["-n", "1"]),
        "2026-11-28T19:30:00Z  gpu.hold                  alice         container=a._.alice\n"
    );
}

#[test]
fn a_summary_counts_by_type_and_by_user_and_says_what_it_skipped() {
    let root = lab();
    let log = root.path().join("var/log/ds01/events.jsonl");
    let text = std::fs::read_to_string(&log).unwrap() + "torn {\n";
    std::fs::write(&log, text).unwrap();
    let summary: serde_json::Value =
        serde_json::from_str(&shown(root.path(), &["--summary", "--json"])).unwrap();
    assert_eq!(
        summary,
        json!({"events": 4, "skipped": 1, "first": "2026-11-28T16:30:00Z",
            "last": "2026-11-28T19:30:00Z",
            "by_type": {"container.stop": 1, "gpu.allocate": 2, "gpu.hold": 1},
            "by_user": {"alice": 3, "bob": 1}})
    );
    let done = run(root.path(), &["--summary"]);
    assert!(String::from_utf8_lossy(&done.stderr).contains("1 line was no event"));
}

#[test]
fn a_log_of_which_there_is_none_is_empty() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(shown(root.path(), &[]), "");
    assert_eq!(shown(root.path(), &["-n", "5", "--json"]), "");
    assert_eq!(shown(root.path(), &["--summary"]), "no events\n");
}

#[test]
fn following_shows_the_last_and_what_comes_also_after_a_rotation() {
    let root = lab();
    let site = Site::at(root.path());
    let mut child = command(root.path(), &["-f", "-n", "1", "-o", "event_type"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "gpu.hold");
    try_append(&site, &Event::new(Kind::QueueJoin, "carol", "test", json!({}))).unwrap();
    assert_eq!(next(), "queue.join");
    std::fs::rename(site.events(), site.log().join("events.jsonl.1")).unwrap();
    try_append(&site, &Event::new(Kind::QueueLeave, "carol", "test", json!({}))).unwrap();
    assert_eq!(next(), "queue.leave");
    drop(lines);
    // With its reader gone it ends by itself, though no further event comes.
    assert!(child.wait().unwrap().success());
}

#[test]
fn other_files_and_stdin_are_read_the_same() {
    let root = lab();
    let other = root.path().join("copy");
    std::fs::copy(root.path().join("var/log/ds01/events.jsonl"), &other).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let words = ["--user", "bob", "-o", "user"];
    let file = ["--file", other.to_str().unwrap()];
    assert_eq!(shown(empty.path(), &[&words[..], &file].concat()), "bob\n");
    let done = command(empty.path(), &[&words[..], &["--file", "-", "-n", "3"]].concat())
        .stdin(std::fs::File::open(&other).unwrap())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "bob\n");
    let missing = run(empty.path(), &["--file", "/no/such/file"]);
    assert_eq!(missing.status.code(), Some(4));
    assert_eq!(run(empty.path(), &["--since", "soon"]).status.code(), Some(2));
    std::fs::create_dir_all(empty.path().join("var/log/ds01/events.jsonl")).unwrap();
    assert_eq!(run(empty.path(), &[]).status.code(), Some(7));
}
