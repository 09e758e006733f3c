//! `dfilter explain` and `dfilter check`, as an admin types them.

use std::process::{Command, Output};

use serde_json::Value;

use crate::lab;

fn dfilter(words: &[&str]) -> (Output, Value) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("etc/ds01")).unwrap();
    std::fs::write(dir.path().join("etc/ds01/resource-limits.yaml"), lab::CONFIG).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_dfilter"))
        .args(words)
        .env("DS01_ROOT", dir.path())
        .output()
        .unwrap();
    let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, document)
}

#[test]
fn explain_gives_the_verdict_and_what_it_assumed() {
    // An account that every Debian has and that is no admin.
    let explain = |method: &str, path: &str, body: &[&str]| {
        let words = ["explain", "--json", "--as", "daemon", method, path];
        dfilter(&[&words[..], body].concat()).1
    };
    let refused = explain(
        "POST",
        "/containers/create",
        &[r#"{"Image":"bb","HostConfig":{"Privileged":true}}"#],
    );
    assert_eq!((&refused["allow"], &refused["code"]), (&false.into(), &"create.privileged".into()));
    let allowed = explain("POST", "/containers/create", &[r#"{"Image":"bb"}"#]);
    assert_eq!(allowed["body"]["HostConfig"]["CgroupParent"], "ds01-students-daemon.slice");
    let other = explain("DELETE", "/containers/x", &[]);
    assert_eq!(other["assumed"][0], "the container x is daemon's");
    assert_eq!(explain("GET", "/containers%2fjson", &[])["code"], "http.target");
    assert_eq!(
        dfilter(&["explain", "--as", "no-such-person", "GET", "/info"]).0.status.code(),
        Some(4)
    );
}

#[test]
fn check_says_what_is_open_and_where() {
    let (output, _) = dfilter(&["check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("OPEN real socket: ") && text.contains("ok   config: "), "{text}");
}
