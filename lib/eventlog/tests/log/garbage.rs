//! Whatever stands in the log, reading it neither fails nor loses what is whole.

use std::path::Path;

use ds01_eventlog::{Files, Filter, Summary, append, read};
use ds01_units::Stamp;
use proptest::prelude::*;

use crate::parts::{all, event, site, text};

/// A line that is no event, or nearly one.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let no_end = |bytes: Vec<u8>| bytes.into_iter().filter(|b| *b != b'\n').collect();
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..60).prop_map(no_end),
        "[\\{\\}\":,a-z0-9\\[\\]]{1,40}".prop_map(String::into_bytes),
        Just(br#"{"timestamp":"yesterday","event_type":"gpu.hold"}"#.to_vec()),
        Just(br#"{"timestamp":"2026-01-01T00:00:00Z"}"#.to_vec()),
        Just(br#"{"event_type":"gpu.hold"}"#.to_vec()),
        Just(br#"{"timestamp":[],"event_type":{},"user":[{}]}"#.to_vec()),
        Just(vec![b'['; 50_000]),
        Just(b"null".to_vec()),
        Just(vec![0; 300]),
    ]
    .prop_filter("is not blank", |line| !line.trim_ascii().is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whole_events_are_found_between_garbage(
        lines in proptest::collection::vec(prop_oneof![garbage().prop_map(Some), Just(None)], 0..20)
    ) {
        let mut bytes = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            match line {
                Some(line) => bytes.extend_from_slice(line),
                None => bytes.extend_from_slice(event("alice", n as u64).line(Stamp::from_secs(5)).trim_end().as_bytes()),
            }
            bytes.push(b'\n');
        }
        let whole = lines.iter().filter(|line| line.is_none()).count() as u64;
        let mut found = 0;
        let filter = Filter::default();
        let tally = read(&*bytes, Path::new("x"), &filter, &mut |_| { found += 1; Ok(()) }).unwrap();
        prop_assert_eq!((found, tally.events), (whole, whole));
        prop_assert_eq!(tally.skipped, lines.len() as u64 - whole);
        let mut summary = Summary::default();
        summary.add(&*bytes, Path::new("x"), &filter).unwrap();
        prop_assert_eq!((summary.events, summary.skipped), (tally.events, tally.skipped));
    }

    #[test]
    fn a_filter_takes_what_reading_everything_and_looking_takes(
        events in proptest::collection::vec((0..3usize, 0..4u64, 0..100i64), 0..30),
        user in 0..4usize, container in proptest::option::of(0..4u64),
        since in proptest::option::of(0..100i64), until in proptest::option::of(0..100i64),
        count in 0..10usize,
    ) {
        let users = ["alice", "al", "zoë\\\"", "nobody"];
        let (_root, site) = site();
        for (user, n, moment) in &events {
            append(&site, &event(users[*user], *n).at(Stamp::from_secs(*moment)));
        }
        let filter = Filter {
            user: (user < 3).then(|| users[user].to_owned()),
            container: container.map(|n| format!("c{n}")),
            since: since.map(Stamp::from_secs),
            until: until.map(Stamp::from_secs),
            ..Filter::default()
        };
        let expected: Vec<_> = all(&site, &Filter::default()).0.into_iter().filter(|record| {
            let at = record.timestamp.secs();
            (user == 3 || record.user.as_deref() == Some(users[user]))
                && container.is_none_or(|n| record.details["n"] == n)
                && since.is_none_or(|since| at >= since)
                && until.is_none_or(|until| at < until)
        }).collect();
        prop_assert_eq!(&all(&site, &filter).0, &expected);
        let (last, _) = Files::of(&site).last(count, &filter).unwrap();
        prop_assert_eq!(&last[..], &expected[expected.len().saturating_sub(count)..]);
        let summary = Summary::of(&Files::of(&site), &filter).unwrap();
        prop_assert_eq!(summary.events, expected.len() as u64);
    }
}

#[test]
fn the_last_events_are_found_wherever_a_window_cuts() {
    let (_root, site) = site();
    // More than one window, lines of 4000 bytes among short ones.
    let mut bytes = String::new();
    for n in 0..3000 {
        bytes += &event("alice", n).line(Stamp::from_secs(1));
        if n % 7 == 0 {
            bytes += &"y".repeat(4000);
            bytes.push('\n');
        }
    }
    std::fs::create_dir_all(site.log()).unwrap();
    for cut in [0, 1, 150] {
        std::fs::write(site.events(), &bytes[..bytes.len() - cut]).unwrap();
        let expected = all(&site, &Filter::default()).0;
        for count in [0, 1, 500, 3000, 5000] {
            let (last, _) = Files::of(&site).last(count, &Filter::default()).unwrap();
            assert_eq!(last[..], expected[expected.len().saturating_sub(count)..], "{cut} {count}");
        }
    }
    assert!(text(&site).len() > 1 << 20);
}
