//! A request in, a decision out, with a daemon that knows an image and no container.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

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
                let body = if first.starts_with("GET /containers/json") {
                    "[]"
                } else {
                    r#"{"Id":"sha256:00","RepoTags":[],"Config":{"Labels":{"ds01.project":"x"}}}"#
                };
                let text =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
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
