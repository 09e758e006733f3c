//! ds01's own requests over raw bytes, with a tool that tells how it was run.

use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use dfilter::Mode;
use serde_json::{Value, json};

use crate::lab::{CONFIG, Lab, Reply, connect_as, exchange, read_reply, request, start, uid};

/// Puts a script where the door looks for its tools.
fn tool(lab: &Lab, name: &str, script: &str) {
    let dir = lab.dir.path().join("tools");
    std::fs::create_dir_all(&dir).unwrap();
    // Written by a process of its own: one that another test starts at this moment would
    // inherit a file of ours that is open for writing, and nobody could run it.
    let written = std::process::Command::new("/bin/sh")
        .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" >"$2" && chmod 755 "$2""#, "sh", script])
        .arg(dir.join(name))
        .status()
        .unwrap();
    assert!(written.success());
}

/// Tells its arguments a line each, its environment, its uid, and what it is given.
const TELLS: &str =
    r#"printf '%s\n' "$@"; echo ENV; env | sort; echo UID $(id -u); echo IN; cat; exit 7"#;

fn ask(lab: &Lab, actor: &str, name: &str, body: &Value) -> Reply {
    let path = format!("/ds01/{name}");
    request(lab, actor, "POST", &path, "", body.to_string().as_bytes())
}

fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn runs(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_tool_is_run_for_whoever_asks_and_is_told_nothing_else() {
    let Some(lab) = start(CONFIG, Mode::Enforce) else { return };
    tool(&lab, "gpu-queue", TELLS);
    let reply = ask(&lab, "alice", "gpu-queue", &json!({"args": ["leave", "-y", "7"]}));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let said = reply.json();
    assert_eq!(said["exit"], 7);
    let stdout = said["stdout"].as_str().unwrap();
    let (args, rest) = stdout.split_once("ENV\n").unwrap();
    assert_eq!(args, "leave\n--yes\n--\n7\n");
    let (env, rest) = rest.split_once("UID ").unwrap();
    assert_eq!(rest, "0\nIN\n");
    let names: Vec<&str> = env.lines().map(|line| line.split('=').next().unwrap()).collect();
    let given = ["DOCKER_HOST", "DS01_CALLER_GID", "DS01_CALLER_UID", "DS01_ROOT", "LANG", "PATH"];
    // A shell adds these of its own.
    let names: Vec<&str> =
        names.into_iter().filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)).collect();
    assert_eq!(names, given);
    assert!(env.contains(&format!("DS01_CALLER_UID={}\n", uid("alice"))));
    // Nothing of this reaches the daemon.
    assert!(lab.log.lock().unwrap().is_empty());
}

#[test]
fn an_admin_is_told_from_others_and_headers_change_nothing() {
    let Some(lab) = start(CONFIG, Mode::Enforce) else { return };
    tool(&lab, "limits-resolve", TELLS);
    let body = json!({"args": ["--get", "memory"], "stdin": "bob\n"});
    let reply = ask(&lab, "admin", "limits-resolve", &body);
    let said = reply.json();
    let stdout = said["stdout"].as_str().unwrap();
    assert!(stdout.contains("DS01_CALLER_MAY_BE_ADMIN=yes\n"), "{stdout}");
    assert!(stdout.ends_with("IN\nbob\n"), "{stdout}");
    assert!(stdout.starts_with("--get=memory\nENV"), "{stdout}");
    let headers = "DS01_CALLER_UID: 0\r\nX-Caller: admin\r\n";
    let body = json!({"args": []}).to_string();
    let reply =
        request(&lab, "alice", "POST", "/v1.41/ds01/limits-resolve", headers, body.as_bytes());
    let said = reply.json();
    let stdout = said["stdout"].as_str().unwrap();
    assert!(!stdout.contains("MAY_BE_ADMIN"), "{stdout}");
    assert!(stdout.starts_with("--\nalice\nENV"), "{stdout}");
}

#[test]
fn what_is_not_in_the_list_is_not_run() {
    let Some(lab) = start(CONFIG, Mode::Warn) else { return };
    for name in ["gpu-queue", "gpu-alloc", "sh"] {
        tool(&lab, name, "touch \"$DS01_ROOT/../ran\"");
    }
    let one = |actor: &str, method: &str, path: &str, body: &str| {
        let reply = request(&lab, actor, method, path, "", body.as_bytes());
        let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
        assert!(reply.json()["message"].as_str().is_some_and(|text| !text.is_empty()));
        (reply.status, code)
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    let list = r#"{"args": ["list"]}"#;
    // Also an admin, also where refusals are only recorded: this is no policy of the lab's.
    for actor in ["alice", "admin"] {
        assert_eq!(one(actor, "POST", "/ds01/gpu-alloc", list), is(404, "gate.tool"));
        assert_eq!(one(actor, "POST", "/ds01/sh", list), is(404, "gate.tool"));
        assert_eq!(
            one(actor, "POST", "/ds01/gpu-queue", r#"{"args": ["pass"]}"#),
            is(403, "gate.argument")
        );
        assert_eq!(one(actor, "GET", "/ds01/gpu-queue", ""), is(400, "gate.request"));
        assert_eq!(one(actor, "POST", "/ds01/gpu-queue?user=bob", list), is(400, "gate.request"));
        assert_eq!(one(actor, "POST", "/ds01/gpu-queue/list", list), is(404, "route.unknown"));
        assert_eq!(one(actor, "POST", "/x/ds01/gpu-queue", list), is(404, "route.unknown"));
        assert_eq!(one(actor, "POST", "/ds01/gpu-queue", "{"), is(400, "json.malformed"));
        assert_eq!(one(actor, "POST", "/ds01/gpu-queue", r#"{"args": 1}"#), is(400, "gate.body"));
    }
    let body = r#"{"args": ["join", "--user", "bob"]}"#;
    assert_eq!(one("alice", "POST", "/ds01/gpu-queue", body), is(403, "gate.foreign_user"));
    assert_eq!(one("stranger", "POST", "/ds01/gpu-queue", list), is(403, "who.nobody"));
    assert_eq!(one("alice", "POST", "/ds01/check-limits", "{}"), is(503, "gate.start"));
    let big = format!(r#"{{"args": ["{}"]}}"#, "x".repeat(1 << 20));
    assert_eq!(one("alice", "POST", "/ds01/gpu-queue", &big), is(413, "gate.body"));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let reply = request(&lab, "alice", "POST", "/ds01/gpu-queue", form, list.as_bytes());
    assert_eq!(reply.status, 415);
    assert!(!lab.dir.path().join("ran").exists());
    assert!(lab.log.lock().unwrap().is_empty());
}

#[test]
fn one_person_has_four_at_a_time_and_a_tool_ends_with_its_client() {
    let Some(lab) = start(CONFIG, Mode::Enforce) else { return };
    tool(
        &lab,
        "gpu-queue",
        r#"sleep 600 & echo $! >"$DS01_ROOT/../$3.pid.new"; mv "$DS01_ROOT/../$3.pid.new" "$DS01_ROOT/../$3.pid"; wait"#,
    );
    tool(&lab, "check-limits", "echo fine");
    let file = |n: u32| lab.dir.path().join(format!("{n}.pid"));
    let mut clients = Vec::new();
    for n in 0..4 {
        let mut stream = connect_as(&lab.socket, uid("alice"));
        let body = json!({"args": ["leave", n.to_string()]}).to_string();
        let head = format!(
            "POST /ds01/gpu-queue HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        std::io::Write::write_all(&mut stream, format!("{head}{body}").as_bytes()).unwrap();
        clients.push(stream);
        eventually("the tool starts", || file(n).exists());
    }
    let refused = ask(&lab, "alice", "check-limits", &json!({}));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("gate.busy")));
    assert_eq!(ask(&lab, "bob", "check-limits", &json!({})).status, 200);
    // A client that has only ended its half is still there.
    clients[1].shutdown(std::net::Shutdown::Write).unwrap();
    drop(clients.remove(0));
    eventually("the tool and its child end with the client", || !runs(&file(0)));
    assert!(runs(&file(1)));
    eventually("its place is free again", || {
        ask(&lab, "alice", "check-limits", &json!({})).status == 200
    });
    assert!(runs(&file(1)));
    drop(clients);
    for n in 1..4 {
        eventually("all end", || !runs(&file(n)));
    }
}

#[test]
fn half_a_connection_still_gets_its_answer_and_the_other_serves_on() {
    let Some(lab) = start(CONFIG, Mode::Enforce) else { return };
    tool(&lab, "gpu-queue", "echo once; echo aside >&2; kill -9 $$");
    let body = json!({"args": ["list"]}).to_string();
    let bytes = format!(
        "POST /ds01/gpu-queue HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect_as(&lab.socket, uid("alice"));
    // Two at once: the second waits for its turn.
    let first = exchange(&mut stream, format!("{bytes}{bytes}").as_bytes());
    assert_eq!(first.json(), json!({"exit": 137, "stdout": "once\n", "stderr": "aside\n"}));
    assert_eq!(read_reply(&mut stream, false).json(), first.json());
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    let mut stream = connect_as(&lab.socket, uid("alice"));
    std::io::Write::write_all(&mut stream, bytes.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_reply(&mut stream, false).json(), first.json());
}

#[test]
fn what_it_says_is_bounded() {
    let Some(lab) = start(CONFIG, Mode::Enforce) else { return };
    tool(&lab, "ds01-events", "exec yes");
    let reply = ask(&lab, "alice", "ds01-events", &json!({"args": []}));
    assert_eq!((reply.status, reply.json()["code"].as_str()), (502, Some("gate.output")));
}

#[test]
fn it_is_audited_with_its_arguments() {
    let Some(lab) = start(CONFIG, Mode::Enforce) else { return };
    tool(&lab, "gpu-queue", "exit 3");
    ask(&lab, "alice", "gpu-queue", &json!({"args": ["join", "--gpus", "2"]}));
    ask(&lab, "alice", "gpu-queue", &json!({"args": ["join", "--user=bob"]}));
    let log = lab.dir.path().join("root/var/log/ds01/door.jsonl");
    let lines = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    eventually("both are audited", || lines().len() == 2);
    let [allowed, denied] = <[Value; 2]>::try_from(lines()).unwrap();
    assert_eq!(allowed["decision"], "allow");
    assert_eq!(allowed["args"], json!(["join", "--gpus=2"]));
    assert_eq!((&allowed["user"], &allowed["exit"]), (&json!("alice"), &json!(3)));
    assert_eq!(
        (&denied["decision"], &denied["code"]),
        (&json!("deny"), &json!("gate.foreign_user"))
    );
}
