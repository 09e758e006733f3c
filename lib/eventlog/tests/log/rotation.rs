//! Rotation, in both of logrotate's ways, under a writer and a follower.

use std::fs::OpenOptions;

use ds01_eventlog::{Files, Filter, Follow, append};
use ds01_site::Site;

use crate::parts::{all, event, site};

fn came(follow: &mut Follow) -> Vec<u64> {
    let mut numbers = Vec::new();
    follow
        .read(&mut |record| {
            numbers.push(record.details["n"].as_u64().unwrap());
            Ok(())
        })
        .unwrap();
    numbers
}

fn write(site: &Site, numbers: std::ops::Range<u64>) {
    numbers.for_each(|n| append(site, &event("alice", n)));
}

#[test]
fn a_follower_sees_each_event_once_over_a_rename() {
    let (_root, site) = site();
    write(&site, 0..5);
    let (mut follow, last) = Follow::from_end(&site.events(), Filter::default(), 2).unwrap();
    assert_eq!(last.iter().map(|record| &record.details["n"]).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(came(&mut follow), [0; 0]);
    write(&site, 5..7);
    assert_eq!(came(&mut follow), [5, 6]);
    write(&site, 7..8);
    let rotated = site.events().with_extension("jsonl.1");
    std::fs::rename(site.events(), &rotated).unwrap();
    assert_eq!(came(&mut follow), [7]);
    assert_eq!(came(&mut follow), [0; 0], "rotated, and nothing written since");
    write(&site, 8..9);
    // A writer that had opened the file before it was renamed.
    let late = event("alice", 100).line(site.now());
    std::io::Write::write_all(
        &mut OpenOptions::new().append(true).open(&rotated).unwrap(),
        late.as_bytes(),
    )
    .unwrap();
    assert!(came(&mut follow).contains(&8));
    write(&site, 9..10);
    assert_eq!(came(&mut follow), [9]);
    assert_eq!(all(&site, &Filter::default()).0.len(), 11, "the rotated file is read too");
    let (last, _) = Files::of(&site).last(4, &Filter::default()).unwrap();
    let numbers: Vec<_> = last.iter().filter_map(|record| record.details["n"].as_u64()).collect();
    assert_eq!(numbers, [7, 100, 8, 9]);
}

#[test]
fn a_follower_sees_what_comes_after_a_cut() {
    let (_root, site) = site();
    write(&site, 0..5);
    let (mut follow, _) = Follow::from_end(&site.events(), Filter::default(), 0).unwrap();
    let file = OpenOptions::new().write(true).open(site.events()).unwrap();
    file.set_len(0).unwrap();
    write(&site, 5..7);
    assert_eq!(came(&mut follow), [5, 6]);
}

#[test]
fn a_follower_waits_for_the_end_of_a_line_and_for_the_log() {
    let (_root, site) = site();
    let (mut follow, last) = Follow::from_end(&site.events(), Filter::default(), 9).unwrap();
    assert!(last.is_empty());
    assert_eq!(came(&mut follow), [0; 0]);
    let line = event("alice", 7).line(site.now());
    let (half, rest) = line.split_at(30);
    std::fs::create_dir_all(site.log()).unwrap();
    std::fs::write(site.events(), half).unwrap();
    assert_eq!(came(&mut follow), [0; 0]);
    std::fs::write(site.events(), format!("{half}{rest}")).unwrap();
    assert_eq!(came(&mut follow), [7]);
    assert_eq!(follow.tally.skipped, 0);
}

#[test]
fn compressed_files_are_named_and_others_left_alone() {
    let (_root, site) = site();
    write(&site, 0..1);
    for other in ["events.jsonl.2.gz", "events.jsonl-20261101.zst", "events.jsonl.save", "x.log"] {
        std::fs::write(site.log().join(other), "x").unwrap();
    }
    std::fs::copy(site.events(), site.log().join("events.jsonl-20261127")).unwrap();
    let files = Files::of(&site);
    assert_eq!(files.plain.len(), 2);
    assert_eq!(files.plain[1], site.events());
    assert_eq!(files.compressed.len(), 2);
}
