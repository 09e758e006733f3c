//! What the tests share.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use ds01_eventlog::{Event, Files, Filter, Kind, Record, Tally};
use ds01_site::Site;
use serde_json::json;

pub fn site() -> (tempfile::TempDir, Site) {
    let root = tempfile::tempdir().unwrap();
    let site = Site::at(root.path());
    (root, site)
}

pub fn event(user: &str, n: u64) -> Event {
    Event::new(
        Kind::GpuAllocate,
        user,
        "test",
        json!({"container": format!("c{n}._.{user}"), "n": n}),
    )
}

pub fn all(site: &Site, filter: &Filter) -> (Vec<Record>, Tally) {
    let mut records = Vec::new();
    let tally = Files::of(site)
        .each(filter, &mut |record| {
            records.push(record);
            Ok(())
        })
        .unwrap();
    (records, tally)
}

pub fn text(site: &Site) -> String {
    std::fs::read_to_string(site.events()).unwrap()
}

/// This test binary again, as a process that runs only the test `part` on `root`: a test
/// that sees no `EVENTLOG_ROOT` does nothing.
pub fn process(part: &str, root: &Path, words: &[(&str, &str)]) -> Child {
    command(&std::env::current_exe().unwrap().to_string_lossy(), part, root, words)
}

pub fn command(program: &str, part: &str, root: &Path, words: &[(&str, &str)]) -> Child {
    Command::new(program)
        .args([part, "--exact", "--nocapture", "--test-threads=1"])
        .env("EVENTLOG_ROOT", root)
        .envs(words.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// In such a process: its site.
pub fn in_process() -> Option<Site> {
    std::env::var_os("EVENTLOG_ROOT").map(Site::at)
}
