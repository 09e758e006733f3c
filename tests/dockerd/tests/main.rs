//! The private daemon runs containers, knows its own place, and never outlives its owner.
#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use ds01_test_dockerd::{Dockerd, IMAGE};

/// True once `happened`, false should it not happen within a generous deadline.
fn eventually(happened: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if happened() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn cgroups_named(name: &str) -> Vec<PathBuf> {
    let places = std::fs::read_dir("/sys/fs/cgroup").unwrap();
    places.map(|place| place.unwrap().path().join(name)).filter(|path| path.exists()).collect()
}

#[test]
fn it_runs_containers_and_leaves_nothing() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    assert_eq!(dockerd.run(["run", "--rm", IMAGE, "echo", "hello"]), "hello");
    assert_eq!(dockerd.run(["info", "-f", "{{.CgroupDriver}}"]), "cgroupfs");
    dockerd.run(["run", "-d", IMAGE, "sleep", "100000"]);
    assert!(UnixStream::connect(dockerd.socket()).is_ok());

    let dir = dockerd.dir().to_owned();
    let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(!cgroups_named(&name).is_empty());
    drop(dockerd);
    assert!(!dir.exists(), "{}", dir.display());
    assert_eq!(cgroups_named(&name), Vec::<PathBuf>::new());
}

#[test]
fn two_do_not_know_each_other() {
    let Some(one) = Dockerd::start_or_skip() else { return };
    let Some(other) = Dockerd::start_or_skip() else { return };
    one.run(["create", "--name", "mine", IMAGE]);
    assert_eq!(one.run(["ps", "-aq"]).lines().count(), 1);
    assert_eq!(other.run(["ps", "-aq"]), "");
}

#[test]
fn it_goes_with_a_killed_owner() {
    // Its standard input is this process's end of a pipe; sleep holds the only other copy.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/private-dockerd");
    if Dockerd::start_or_skip().is_none() {
        return;
    }
    let ready = std::env::temp_dir().join(format!("ds01-owner-{}", std::process::id()));
    let mut owner = Command::new("bash")
        .args(["-c", "exec 3> >(exec \"$1\" >\"$2\" 2>&1); exec sleep 100000", "owner", script])
        .arg(&ready)
        .spawn()
        .unwrap();
    let place = || {
        let said = std::fs::read_to_string(&ready).unwrap_or_default();
        said.lines().find_map(|line| line.strip_prefix("ready ").map(PathBuf::from))
    };
    let started = eventually(|| place().is_some());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let dir = place();
    let _ = std::fs::remove_file(&ready);
    assert!(started, "the daemon did not start");
    let dir = dir.unwrap();
    assert!(eventually(|| !dir.exists()), "{} is still there", dir.display());
}

#[test]
fn what_is_missing_is_said() {
    let mut keeper = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/private-dockerd"));
    let out = keeper.env("DS01_LAB_CACHE", "/nonexistent").output().unwrap();
    assert!(!out.status.success());
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("why:") && said.contains("do:"), "{said}");
}
