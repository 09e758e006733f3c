//! The command as scripts and timers use it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic anywhere")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn event_log(root: &Path, words: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_event-log"))
        .args(words)
        .env("DS01_ROOT", root)
        .env("DS01_NOW", "2026-11-28T20:00:00Z")
        .env_remove("SUDO_UID")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn log(root: &Path) -> String {
    std::fs::read_to_string(root.join("var/log/ds01/events.jsonl")).unwrap_or_default()
}

#[test]
fn an_event_from_the_command_line_is_written_and_shown() {
    let root = tempfile::tempdir().unwrap();
    let words = ["gpu.hold", "--user", "alice", "--source", "x", "container=a._.alice", "n:=2"];
    let line = "{\"timestamp\":\"2026-11-28T20:00:00Z\",\"event_type\":\"gpu.hold\",\
        \"schema_version\":\"1\",\"user\":\"alice\",\"source\":\"x\",\
        \"details\":{\"container\":\"a._.alice\",\"n\":2}}\n";
    let dry = event_log(root.path(), &[&words[..], &["--dry-run"]].concat(), "");
    assert!(dry.status.success());
    assert!(String::from_utf8_lossy(&dry.stdout).contains("\"dry_run\":true"));
    assert!(!root.path().join("var").exists(), "a dry run makes no directory either");
    let done = event_log(root.path(), &words, "");
    assert_eq!(String::from_utf8_lossy(&done.stdout), line);
    assert_eq!(log(root.path()), line);
}

#[test]
fn a_bad_line_on_stdin_keeps_no_other_from_being_written() {
    let root = tempfile::tempdir().unwrap();
    let lines = "{\"event_type\":\"gpu.hold\"}\n\nnonsense\n{\"event_type\":\"gpu.gone\"}\n\
        {\"event_type\":\"gpu.release\"}";
    let done = event_log(root.path(), &["-"], lines);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(log(root.path()).lines().count(), 2);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("line 3 of stdin") && said.contains("and 1 more"), "{said}");
}

#[test]
fn a_reader_that_has_gone_keeps_no_event_from_being_written() {
    let root = tempfile::tempdir().unwrap();
    let lines = "{\"event_type\":\"gpu.hold\"}\n".repeat(3);
    let mut child = Command::new(env!("CARGO_BIN_EXE_event-log"))
        .arg("-")
        .env("DS01_ROOT", root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(log(root.path()).lines().count(), 3);
}

#[test]
fn what_makes_no_sense_is_refused_and_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    for words in
        [&[][..], &["gpu.gone"], &["gpu.hold", "container"], &["-", "a=b"], &["gpu.hold", "a:=x"]]
    {
        assert_eq!(event_log(root.path(), words, "").status.code(), Some(2), "{words:?}");
    }
    assert_eq!(log(root.path()), "");
}

#[test]
fn an_admins_own_event_names_the_admin() {
    let root = tempfile::tempdir().unwrap();
    let done = event_log(root.path(), &["admin.note", "-o", "user"], "");
    let name = Command::new("id").arg("-un").output().unwrap().stdout;
    assert_eq!(done.stdout, name);
}

#[test]
fn the_page_of_types_has_each_type_and_its_words() {
    let page = include_str!("../../../docs/events.md");
    let (_, page) = page.split_once("## Types").unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for (_, name, about) in ds01_eventlog::ALL {
        let row = format!("| `{name}` | {about} |");
        assert!(rows.iter().any(|line| line.starts_with(&row)), "docs/events.md lacks: {row}");
    }
    assert_eq!(rows.len(), ds01_eventlog::ALL.len() + 1, "and admin.*, and no others");
}
