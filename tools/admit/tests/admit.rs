//! A request in, a decision out, with a daemon that knows an image and no container.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use ds01_units::Stamp;
use serde_json::{Value, json};

fn daemon(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            loop {
                let mut first = String::new();
                if reader.read_line(&mut first).unwrap() == 0 {
                    break;
                }
                let mut line = first.clone();
                while line != "\r\n" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                let (status, body) = if first.starts_with("GET /containers/json") {
                    ("200 OK", "[]")
                } else if first.starts_with("GET /images/") {
                    let image = r#"{"Id":"sha256:00","RepoTags":[],"Config":{"Labels":{"ds01.project":"x"}}}"#;
                    ("200 OK", image)
                } else {
                    ("404 Not Found", r#"{"message":"no such thing"}"#)
                };
                let text =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).unwrap();
            }
        }
    });
}

fn admit(root: &Path, flags: &[&str], request: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_admit"))
        .args(flags)
        .arg("--upstream")
        .arg(root.join("real.sock"))
        .env("DS01_ROOT", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn root() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("etc/ds01")).unwrap();
    let config = "defaults: {memory: 4g, memory_swap: 4g}\ndefault_group: students\ngroups: {students: {}}\n";
    std::fs::write(dir.path().join("etc/ds01/resource-limits.yaml"), config).unwrap();
    dir
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// An account that every Debian has and that is no admin.
const REQUEST: &str = r#"{"op":"create","who":{"user":"daemon"},"query":{"name":"t1"},"body":{"Image":"bb","hostconfig":{"Memory":1}}}"#;

#[test]
fn a_create_is_answered_with_the_body_to_send() {
    let root = root();
    daemon(&root.path().join("real.sock"));
    let output = admit(root.path(), &["--dry-run"], REQUEST);
    if !is_root() {
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        return;
    }
    let answer = answer(&output);
    assert_eq!(
        (&answer["allow"], &answer["lease"]),
        (&Value::Bool(true), &Value::Null),
        "{answer}"
    );
    let body = &answer["body"];
    assert_eq!(body["HostConfig"]["Memory"], 1);
    assert_eq!(body["HostConfig"]["CgroupParent"], "ds01-students-daemon.slice");
    assert_eq!(body["Labels"]["ds01.user"], "daemon");
    assert_eq!(body["Labels"]["ds01.project"], "");
    assert!(answer["warnings"][0].as_str().unwrap().starts_with("ds01: "));

    let refused = REQUEST.replace("\"Memory\":1", "\"Privileged\":true");
    let output = admit(root.path(), &[], &refused);
    assert_eq!(output.status.code(), Some(0));
    let answer = self::answer(&output);
    assert_eq!(
        (&answer["allow"], &answer["code"]),
        (&Value::Bool(false), &"create.privileged".into())
    );
}

#[test]
fn gpus_are_leased_for_whoever_asks_until_the_quota_is_reached() {
    if !is_root() {
        return;
    }
    let root = root();
    daemon(&root.path().join("real.sock"));
    let config =
        "defaults: {max_gpus_per_user: 1}\ndefault_group: students\ngroups: {students: {}}\n";
    std::fs::write(root.path().join("etc/ds01/resource-limits.yaml"), config).unwrap();
    let gpu = |index: u32| {
        json!({"index": index, "uuid": format!("GPU-{index}"), "nvlink": [],
            "mig": {"mode": "off"}, "instances": []})
    };
    let board = json!({"driver": {}, "gpus": [gpu(0), gpu(1)]});
    let board = json!({"read_at": Stamp::now(), "traces": "", "board": board});
    std::fs::create_dir_all(root.path().join("run/ds01")).unwrap();
    std::fs::write(root.path().join("run/ds01/board.json"), board.to_string()).unwrap();
    let asks = |flags: &[&str], name: &str| {
        let request = json!({"op": "create", "who": {"user": "daemon"}, "query": {"name": name},
            "body": {"Image": "bb", "HostConfig": {"DeviceRequests": [
                {"Count": 1, "Capabilities": [["gpu"]]}]}}});
        let output = admit(root.path(), flags, &request.to_string());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        answer(&output)
    };
    let dry = asks(&["--dry-run"], "t0");
    assert_eq!((&dry["allow"], &dry["lease"]), (&Value::Bool(true), &Value::Null), "{dry}");
    let given = asks(&[], "t1");
    assert_eq!(given["allow"], true, "{given}");
    assert!(given["lease"].is_string(), "{given}");
    let devices = &given["body"]["HostConfig"]["DeviceRequests"][0];
    assert_eq!(devices["DeviceIDs"], json!(["GPU-0"]), "{given}");
    assert_eq!(given["body"]["Labels"]["ds01.gpu.uuids"], "GPU-0");
    assert!(given["warnings"][0].as_str().unwrap().contains("GPU"), "{given}");
    let refused = asks(&[], "t2");
    assert_eq!((&refused["allow"], &refused["status"]), (&json!(false), &json!(403)), "{refused}");
    assert_eq!(refused["explain"]["limits"][0]["value"], 1.0, "{refused}");
}

#[test]
fn the_body_is_read_as_strictly_as_at_the_door() {
    if !is_root() {
        return;
    }
    let root = root();
    daemon(&root.path().join("real.sock"));
    for (body, code) in [
        (r#"{"Image":"bb","Image":"other"}"#, "json.malformed"),
        (r#"{"Image":"bb","HostConfig":{"Privileged":false,"privileged":true}}"#, "json.fold"),
        (r#"{"Image":"bb","Unheard":1}"#, "json.unknown_field"),
    ] {
        let request = format!(r#"{{"op":"create","who":{{"user":"daemon"}},"body":{body}}}"#);
        let answer = answer(&admit(root.path(), &["--dry-run"], &request));
        assert_eq!((&answer["allow"], &answer["code"]), (&json!(false), &json!(code)), "{body}");
    }
}

#[test]
fn within_a_container_nobody_is_an_admin() {
    if !is_root() {
        return;
    }
    let root = root();
    daemon(&root.path().join("real.sock"));
    let asks = |who: &str| {
        let body = r#"{"Image":"bb","HostConfig":{"Privileged":true}}"#;
        let request = format!(r#"{{"op":"create","who":{who},"body":{body}}}"#);
        answer(&admit(root.path(), &["--dry-run"], &request))["allow"].clone()
    };
    assert_eq!(asks(r#"{"uid":0}"#), true);
    assert_eq!(asks(r#"{"uid":0,"may_be_admin":false}"#), false);
}

#[test]
fn what_is_no_request_and_what_does_not_answer_are_told_apart() {
    let root = root();
    for bad in [
        "",
        "{",
        "[]",
        r#"{"op":"delete"}"#,
        r#"{"op":"create","who":{}}"#,
        r#"{"op":"start"}"#,
        r#"{"op":"create","x":1}"#,
    ] {
        assert_eq!(admit(root.path(), &[], bad).status.code(), Some(2), "{bad}");
    }
    if is_root() {
        assert_eq!(admit(root.path(), &[], REQUEST).status.code(), Some(6));
        let nobody = REQUEST.replace("\"daemon\"", "\"no-such-person\"");
        assert_eq!(admit(root.path(), &[], &nobody).status.code(), Some(4));
    }
    std::fs::write(root.path().join("etc/ds01/resource-limits.yaml"), "defaults: {memory: 4x}\n")
        .unwrap();
    assert_eq!(admit(root.path(), &[], REQUEST).status.code(), Some(7));
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}
