//! The command against a daemon that breaks off, and against a real one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic anywhere")]

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use ds01_test_dockerd::{Dockerd, IMAGE};
use serde_json::{Value, json};

fn command(socket: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docker-events"));
    command.args(args).env("DOCKER_HOST", format!("unix://{}", socket.display()));
    command
}

/// A run that is ended when the test is done with it.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(socket: &Path, args: &[&str]) -> Self {
        let mut child = command(socket, args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn event(n: i64) -> Value {
    let nanos = 1_800_000_000_000_000_000 + n * 1_000_000;
    json!({"Type": "container", "Action": "start", "Actor": {"ID": format!("{n:064x}"),
        "Attributes": {"name": "a"}}, "time": nanos / 1_000_000_000, "timeNano": nanos})
}

/// Answers each question for events with the next of `answers`; a negative number is that
/// event cut off in its middle. Gives the questions back.
fn daemon(socket: &Path, answers: &[&[i64]]) -> std::thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(socket).unwrap();
    let answers: Vec<Vec<i64>> = answers.iter().map(|answer| answer.to_vec()).collect();
    std::thread::spawn(move || {
        let (mut asked, mut answers) = (Vec::new(), answers.into_iter());
        while answers.len() > 0 {
            let (mut stream, _) = listener.accept().unwrap();
            let question = question(&mut stream);
            if question.starts_with("GET /version ") || question.starts_with("HEAD /_ping ") {
                let body = r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;
                let length = body.len();
                // At once: whoever pinged goes as soon as the head is there.
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
                continue;
            }
            asked.push(question);
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap();
            for n in answers.next().unwrap() {
                let line = format!("{}\n", event(n.abs()));
                let end = if n < 0 { line.len() / 2 } else { line.len() };
                stream.write_all(&line.as_bytes()[..end]).unwrap();
            }
        }
        asked
    })
}

fn question(stream: &mut UnixStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn after_a_break_nothing_is_missed_or_doubled_and_a_gap_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, state) = (dir.path().join("sock"), dir.path().join("place"));
    let state = state.to_str().unwrap();
    // The third daemon has been restarted: it has forgotten what it said.
    let asked = daemon(&socket, &[&[1, 2, -3], &[1, 2, 3], &[4]]);
    let args = ["--state", state, "--since", "2027-01-15T08:00:00Z"];
    let mut run = Running::start(&socket, &args);
    for n in 1..=3 {
        assert_eq!(run.next(), event(n));
    }
    let gap = run.next();
    assert_eq!((&gap["Type"], &gap["Action"]), (&json!("ds01"), &json!("gap")));
    assert_eq!(gap["Actor"]["Attributes"]["after"], event(3)["timeNano"].to_string());
    assert_eq!(run.next(), event(4));
    let asked = asked.join().unwrap();
    assert!(asked[0].contains("since=1800000000.000000000"), "{asked:?}");
    assert_eq!(asked.len(), 3);
    drop(run);

    // The next run goes on where this one was; `--since` is for when there is no place.
    std::fs::remove_file(&socket).unwrap();
    let _daemon = daemon(&socket, &[&[4, 5]]);
    let mut run = Running::start(&socket, &args);
    // Killed between the line and its note, it may show the fourth once more, never less,
    // and the gap before it again.
    let mut next = run.next();
    while next != event(5) {
        assert!(next == event(4) || next["Action"] == "gap", "{next}");
        next = run.next();
    }
}

#[test]
fn what_cannot_be_done_is_said_with_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| {
        let out = command(&dir.path().join("none"), args).output().unwrap();
        assert!(out.stdout.is_empty());
        assert!(String::from_utf8(out.stderr).unwrap().starts_with("error: "));
        out.status.code()
    };
    assert_eq!(code(&[]), Some(6));
    assert_eq!(code(&["--since", "yesterday-ish"]), Some(2));
    assert_eq!(code(&["--filter", "type"]), Some(2));
    let place = dir.path().join("place");
    std::fs::write(&place, "{").unwrap();
    assert_eq!(code(&["--state", place.to_str().unwrap()]), Some(7));
}

#[test]
fn a_real_daemons_events_are_taken_up_by_the_next_run() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("place");
    let place = place.to_str().unwrap();
    let mut run =
        Running::start(&dockerd.socket(), &["--state", place, "--filter", "type=container"]);
    while !Path::new(place).exists() {
        std::thread::yield_now();
    }
    let id = dockerd.run(["create", "--name", "a._.alice", IMAGE]);
    let made = run.next();
    assert_eq!((&made["Action"], &made["Actor"]["ID"]), (&json!("create"), &json!(id)));
    drop(run);

    dockerd.run(["rename", "a._.alice", "b._.alice"]);
    dockerd.run(["rm", "b._.alice"]);
    let args = ["--state", place, "--filter", "type=container", "--until", "0s"];
    let mut seen = Vec::new();
    for _ in 0..2 {
        let out = command(&dockerd.socket(), &args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        seen.extend(String::from_utf8(out.stdout).unwrap().lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["Action"].as_str().unwrap().to_owned()
        }));
    }
    seen.retain(|action| action != "create");
    assert_eq!(seen, ["rename", "destroy"]);
}
