//! Many writers at once, some of them killed.

use std::collections::{BTreeMap, BTreeSet};

use ds01_eventlog::{Filter, try_append};

use crate::parts::{all, event, in_process, process, site, text};

const WRITERS: usize = 16;
const EACH: u64 = 500;

/// A writer process: numbered events, and after each the number into a file of its own, so
/// that what was acknowledged is known after a kill.
#[test]
fn writer() {
    let Some(site) = in_process() else { return };
    let user = std::env::var("WRITER_USER").unwrap();
    let done = site.root().join(format!("done-{user}"));
    for n in 0.. {
        // The victims write until they are killed.
        if n == EACH && !user.starts_with("victim") {
            break;
        }
        // Records of every size, some across the pages of the file.
        let mut details = serde_json::Map::new();
        details.insert("n".into(), n.into());
        details.insert("pad".into(), "x".repeat((n as usize * 37) % 3500).into());
        let event = ds01_eventlog::Event::new(
            ds01_eventlog::Kind::GpuHold,
            user.as_str(),
            "test",
            details.into(),
        );
        try_append(&site, &event).unwrap();
        std::fs::write(&done, n.to_string()).unwrap();
    }
}

#[test]
fn every_acknowledged_line_of_sixteen_writers_is_whole() {
    let (root, site) = site();
    let user = |n: usize| if n % 4 == 0 { format!("victim{n}") } else { format!("user{n}") };
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|n| process("writers::writer", root.path(), &[("WRITER_USER", &user(n))]))
        .collect();
    for (n, writer) in writers.iter_mut().enumerate().filter(|(n, _)| n % 4 == 0) {
        // Killed in the middle of its work, whenever that is.
        let done = root.path().join(format!("done-{}", user(n)));
        while std::fs::read_to_string(&done).map_or(0, |n| n.parse().unwrap_or(0)) < 20 {
            assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        writer.kill().unwrap();
    }
    for (n, writer) in writers.iter_mut().enumerate() {
        assert_eq!(writer.wait().unwrap().success(), n % 4 != 0);
    }

    let (records, tally) = all(&site, &Filter::default());
    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in &records {
        let numbers = seen.entry(record.user.clone().unwrap()).or_default();
        numbers.push(record.details["n"].as_u64().unwrap());
    }
    for n in 0..WRITERS {
        let numbers = &seen[&user(n)];
        assert!(numbers.is_sorted(), "{}'s events are in their order", user(n));
        let distinct: BTreeSet<_> = numbers.iter().collect();
        assert_eq!(distinct.len(), numbers.len(), "none is there twice");
        if n % 4 == 0 {
            let done = std::fs::read_to_string(root.path().join(format!("done-{}", user(n))));
            // A kill may also cut the number short; then it acknowledges less.
            let done: u64 = done.unwrap().parse().unwrap_or(0);
            assert!(numbers.len() as u64 > done, "{}: {} <= {done}", user(n), numbers.len());
        } else {
            assert_eq!(numbers.len() as u64, EACH);
        }
    }
    // A kill in the middle of the system call may leave half a line, never half of two.
    assert!(tally.skipped <= (WRITERS / 4) as u64, "{} torn lines", tally.skipped);
}

#[test]
fn a_torn_tail_does_not_swallow_the_next_line() {
    let (_root, site) = site();
    try_append(&site, &event("alice", 1)).unwrap();
    let whole = text(&site);
    std::fs::write(site.events(), format!("{whole}{}", &whole[..40])).unwrap();
    try_append(&site, &event("bob", 2)).unwrap();
    try_append(&site, &event("carol", 3)).unwrap();
    let (records, tally) = all(&site, &Filter::default());
    let users: Vec<_> = records.iter().filter_map(|record| record.user.as_deref()).collect();
    assert_eq!(users, ["alice", "bob", "carol"]);
    assert_eq!(tally.skipped, 1);
    assert!(!text(&site).contains("\n\n"), "only a torn line needs an end first");
}

#[test]
fn a_holder_of_the_lock_that_sleeps_delays_an_event_and_does_not_lose_it() {
    let (_root, site) = site();
    try_append(&site, &event("alice", 1)).unwrap();
    let file = std::fs::File::open(site.events()).unwrap();
    let _lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock).unwrap();
    try_append(&site, &event("alice", 2)).unwrap();
    assert_eq!(all(&site, &Filter::default()).0.len(), 2);
}
