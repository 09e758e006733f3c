//! The command against no daemon, and against a real one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic anywhere")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ds01_test_dockerd::{Dockerd, IMAGE};
use serde_json::{Value, json};

fn command(root: &Path, socket: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_owner-sync"));
    let host = format!("unix://{}", socket.display());
    command.args(args).env("DS01_ROOT", root).env("DOCKER_HOST", host);
    command
}

#[test]
fn without_docker_nothing_is_written() {
    let root = tempfile::tempdir().unwrap();
    for mode in ["--once", "--watch"] {
        let out = command(root.path(), &root.path().join("none"), &[mode]).output().unwrap();
        assert_eq!(out.status.code(), Some(6), "{mode}");
    }
    let out = command(root.path(), &root.path().join("none"), &[]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn the_index_follows_a_real_daemon() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("etc/ds01")).unwrap();
    std::fs::create_dir_all(root.path().join("var/lib/ds01/opa")).unwrap();
    let config = "groups: {admin: {members: [carol]}}\n";
    std::fs::write(root.path().join("etc/ds01/resource-limits.yaml"), config).unwrap();
    let old = root.path().join("var/lib/ds01/opa/container-owners.json");
    std::fs::write(&old, "earlier").unwrap();
    let view = root.path().join("run/ds01/opa/container-owners.json");
    let read = || serde_json::from_slice::<Value>(&std::fs::read(&view).unwrap()).unwrap();

    let own = dockerd.run(["create", "--name", "aa", "--label", "ds01.user=alice", IMAGE]);
    let gpu = dockerd.run(["create", "--name", "b._.no-such-user", "--gpus", "all", IMAGE]);
    let run = |args: &[&str]| {
        let out = command(root.path(), &dockerd.socket(), args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    assert_eq!(run(&["--once", "--dry-run"])["dry_run"], true);
    assert!(!view.exists());
    assert_eq!(run(&["--once"]), read());
    let index = read();
    let one = &index["containers"][&own[..12]];
    assert_eq!(
        (&one["owner"], &one["found_by"], &one["has_gpu"]),
        (&json!("alice"), &json!("ds01.user"), &json!(false))
    );
    assert_eq!(index["containers"][&gpu[..12]]["owner"], Value::Null);
    assert_eq!(index["flagged"], json!([gpu[..12]]));
    assert!(index["admins"].as_array().unwrap().contains(&json!("carol")));
    assert_eq!(index["service_users"], json!(["ds01-dashboard"]));
    // The earlier file is kept, and its place leads to the view.
    assert_eq!(std::fs::read(old.with_extension("json.earlier")).unwrap(), b"earlier");
    assert_eq!(std::fs::canonicalize(&old).unwrap(), std::fs::canonicalize(&view).unwrap());

    let mut watch = command(root.path(), &dockerd.socket(), &["--watch"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    dockerd.run(["rename", "aa", "zz"]);
    dockerd.run(["rm", "b._.no-such-user"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let done = || {
        let index = read();
        index["containers"][&own[..12]]["name"] == "zz" && index["flagged"] == json!([])
    };
    while !done() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let was = done();
    let _ = watch.kill();
    let _ = watch.wait();
    assert!(was, "{}", read());
}
