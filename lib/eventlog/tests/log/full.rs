//! Disks that are full, read-only or in the way, and lines that are too long.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use ds01_eventlog::{Event, Filter, Kind, LONGEST, append, try_append};
use ds01_fault::Code;
use nix::sys::resource::{Resource, setrlimit};
use serde_json::{Value, json};

use crate::parts::{all, event, in_process, process, site, text};

/// Runs on a disk of 8 KiB, see below.
#[test]
fn fill() {
    let Some(site) = in_process() else { return };
    std::fs::create_dir_all(site.log()).unwrap();
    let ballast = site.root().join("ballast");
    std::fs::write(&ballast, [0; 4096]).unwrap();
    let mut written = 0;
    let fault = loop {
        match try_append(&site, &event("alice", written)) {
            Ok(()) => written += 1,
            Err(fault) => break fault,
        }
    };
    assert!((10..100).contains(&written), "{written} events fitted");
    assert_eq!(fault.code, Code::Failed);
    assert!(fault.todo.starts_with("free some space"), "{fault}");
    let cut = !text(&site).ends_with('\n');
    append(&site, &event("alice", 999));
    std::fs::remove_file(ballast).unwrap();
    try_append(&site, &event("bob", 0)).unwrap();
    let (records, tally) = all(&site, &Filter::default());
    assert_eq!(records.len() as u64, written + 1, "what was acknowledged, and bob's");
    assert_eq!(records.last().unwrap().user.as_deref(), Some("bob"));
    assert_eq!(tally.skipped, u64::from(cut));
}

#[test]
fn a_full_disk_loses_only_what_was_not_acknowledged() {
    let (root, _) = site();
    let (mine, at) = (std::env::current_exe().unwrap(), root.path());
    // A namespace of its own, so that the small disk goes with the process.
    let status = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-ec"])
        .arg("mount -t tmpfs -o size=8k,nr_inodes=20 none \"$0\"; exec \"$@\"")
        .arg(at)
        .arg(&mine)
        .args(["full::fill", "--exact", "--test-threads=1"])
        .env("EVENTLOG_ROOT", at)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stderr).into_owned()
        + &String::from_utf8_lossy(&status.stdout);
    if said.contains("unshare failed") && std::env::var_os("CI").is_none() {
        return;
    }
    assert!(status.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn write_beyond_a_limit() {
    let Some(site) = in_process() else { return };
    try_append(&site, &event("alice", 1)).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 300, 300).unwrap();
    let fault = (2..20).find_map(|n| try_append(&site, &event("alice", n)).err()).unwrap();
    assert!(fault.todo.contains("ulimit -f"), "{fault}");
}

#[test]
fn a_limit_on_file_sizes_kills_no_caller() {
    let (root, site) = site();
    let mut child = process("full::write_beyond_a_limit", root.path(), &[]);
    assert!(child.wait().unwrap().success());
    let (records, tally) = all(&site, &Filter::default());
    assert!(!records.is_empty());
    assert_eq!(tally.skipped, 0, "nothing was half written");
}

#[test]
fn a_log_that_cannot_be_written_stops_nobody() {
    let (root, site) = site();
    // A file where the directory should be: it refuses root too.
    std::fs::create_dir_all(root.path().join("var/log")).unwrap();
    std::fs::write(site.log(), "in the way").unwrap();
    append(&site, &event("alice", 1));
    let fault = try_append(&site, &event("alice", 1)).unwrap_err();
    assert_eq!(fault.code, Code::Failed);
    assert_eq!(std::fs::read_to_string(site.log()).unwrap(), "in the way");
}

#[test]
fn links_pipes_and_directories_in_the_place_of_the_log_are_refused() {
    let (root, site) = site();
    std::fs::create_dir_all(site.log()).unwrap();
    let victim = root.path().join("victim");
    std::fs::write(&victim, "untouched").unwrap();
    symlink(&victim, site.events()).unwrap();
    assert!(try_append(&site, &event("alice", 1)).is_err());
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");

    std::fs::remove_file(site.events()).unwrap();
    symlink(root.path().join("nowhere"), site.events()).unwrap();
    assert!(try_append(&site, &event("alice", 1)).is_err());
    assert!(!root.path().join("nowhere").exists());

    std::fs::remove_file(site.events()).unwrap();
    nix::unistd::mkfifo(&site.events(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(try_append(&site, &event("alice", 1)).is_err());

    std::fs::remove_file(site.events()).unwrap();
    std::fs::create_dir(site.events()).unwrap();
    assert!(try_append(&site, &event("alice", 1)).is_err());
}

#[test]
fn the_log_is_made_with_its_directory_and_for_its_readers_only() {
    let (_root, site) = site();
    try_append(&site, &event("alice", 1)).unwrap();
    assert_eq!(std::fs::metadata(site.events()).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_line_too_long_keeps_everything_but_its_details() {
    let (_root, site) = site();
    for size in [3000, 3900, 4000, 5000, 1 << 20] {
        let event = Event::new(Kind::GpuReject, "alice", "admit", json!({"pad": "x".repeat(size)}));
        try_append(&site, &event).unwrap();
    }
    let endless = "\u{1}".repeat(100_000);
    let event = Event::new(Kind::admin(&endless), endless.as_str(), &endless, Value::Null);
    try_append(&site, &event).unwrap();
    let text = text(&site);
    assert!(text.lines().all(|line| line.len() < LONGEST), "a line with its end fits");
    let (records, tally) = all(&site, &Filter::default());
    assert_eq!((records.len(), tally.skipped), (6, 0));
    assert_eq!(records[0].details["pad"].as_str().unwrap().len(), 3000);
    assert_eq!(records[4].details["truncated"], true);
    assert!(records[4].details["original_size"].as_u64().unwrap() > 1 << 20);
    assert_eq!(records[4].user.as_deref(), Some("alice"));
}
