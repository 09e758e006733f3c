//! The door as a service: its own program, with and without a socket from systemd, and
//! through a reload.
#![allow(unsafe_code)] // A descriptor is put where systemd would put it.

use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::daemon::{self, World};
use crate::lab::{Reply, connect_as, exchange, scratch};

/// Accounts that every Debian has.
const DAEMON: u32 = 1;

struct Service {
    dir: tempfile::TempDir,
    child: Child,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(unowned: &str) -> String {
    format!("defaults: {{max_cpus: 4}}\naccess_control: {{unowned: {unowned}}}\n")
}

/// The door's own program in a directory of its own, with a daemon behind it.
fn prepared() -> Option<(tempfile::TempDir, Command)> {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: only root can connect as other people");
        return None;
    }
    let dir = scratch();
    let root = dir.path().join("root");
    for part in ["etc/ds01", "run/ds01", "var/run", "bin"] {
        std::fs::create_dir_all(root.join(part)).unwrap();
    }
    std::fs::write(root.join("etc/ds01/resource-limits.yaml"), config("open")).unwrap();
    let upstream = dir.path().join("real.sock");
    daemon::start(&upstream, World::new("/none"));
    let program = root.join("bin/dfilter");
    // By a process of its own: see `tool` in gate.rs.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_dfilter")).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", r#"LISTEN_PID=$$ exec "$0" "$@""#])
        .arg(program)
        .arg("--upstream")
        .arg(upstream)
        .env("DS01_ROOT", &root)
        .env("INVOCATION_ID", "0123456789abcdef0123456789abcdef")
        .env_remove("LISTEN_FDS")
        .stderr(Stdio::piped());
    Some((dir, command))
}

fn socket(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("root/var/run/docker.sock")
}

fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn get(socket: &Path, uid: u32, method: &str, path: &str, body: &str) -> Reply {
    let mut stream = connect_as(socket, uid);
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n\r\n", body.len());
    exchange(&mut stream, format!("{head}{body}").as_bytes())
}

#[test]
fn without_a_socket_from_systemd_it_opens_the_door_itself_and_says_so() {
    let Some((dir, mut command)) = prepared() else { return };
    let socket = socket(&dir);
    let mut service = Service { dir, child: command.spawn().unwrap() };
    eventually("the door is open", || UnixStream::connect(&socket).is_ok());
    assert_eq!(get(&socket, DAEMON, "GET", "/_ping", "").status, 200);
    // A second one must not take the door from the first.
    let second = command.output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("somebody listens there already"), "{said}");
    assert!(said.contains("setup-docker-permissions"), "{said}");
    assert_eq!(get(&socket, DAEMON, "GET", "/_ping", "").status, 200);
    service.child.kill().unwrap();
    let mut said = String::new();
    service.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("systemd passes no socket"), "{said}");
    assert!(said.contains("ds01-dfilter.socket is not active"), "{said}");
}

#[test]
fn a_socket_from_systemd_is_served_and_no_tool_inherits_it() {
    let Some((dir, mut command)) = prepared() else { return };
    let passed = dir.path().join("passed.sock");
    let listener = UnixListener::bind(&passed).unwrap();
    let tool = dir.path().join("root/bin/check-limits");
    let script =
        r#"printf '#!/bin/sh\nls -l /proc/self/fd\n' >"$0"; chmod 755 "$0"; chmod 666 "$1""#;
    let made = Command::new("/bin/sh").args(["-c", script]).arg(&tool).arg(&passed).status();
    assert!(made.unwrap().success());
    let fd = listener.as_raw_fd();
    command.env("LISTEN_FDS", "1");
    // SAFETY: dup2 is safe between fork and exec; where it is 3 already, it must lose the
    // mark that closes it.
    unsafe {
        command.pre_exec(move || {
            let rc = if fd == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(fd, 3) };
            if rc < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
        });
    }
    let service = Service { dir, child: command.spawn().unwrap() };
    drop(listener);
    let reply = get(&passed, DAEMON, "POST", "/ds01/check-limits", "{}");
    let said = reply.json();
    let open = said["stdout"].as_str().unwrap_or_else(|| panic!("{}", reply.text()));
    assert!(!open.contains("socket:"), "{open}");
    assert!(!socket(&service.dir).exists());
}

#[test]
fn a_reload_with_a_bad_policy_keeps_the_one_before_and_is_an_event() {
    let Some((dir, mut command)) = prepared() else { return };
    let socket = socket(&dir);
    let mut service = Service { dir, child: command.spawn().unwrap() };
    let id = Pid::from_raw(service.child.id().try_into().unwrap());
    eventually("the door is open", || UnixStream::connect(&socket).is_ok());
    let stop = || get(&socket, DAEMON, "POST", "/containers/nobodys/stop", "").status;
    assert_eq!(stop(), 200);
    let root = service.dir.path().join("root");
    let reload = |text: &str| {
        std::fs::write(root.join("etc/ds01/resource-limits.yaml"), text).unwrap();
        kill(id, Signal::SIGHUP).unwrap();
    };
    reload(&format!("{}defaultz: [\n", config("admin")));
    let log = root.join("var/log/ds01/events.jsonl");
    let error = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.into_iter().find(|event| event["event_type"] == "config.error")
    };
    eventually("it is told", || error().is_some());
    let details = error().unwrap()["details"].clone();
    assert_eq!(details["in_force"], json!(true));
    assert!(details["message"].as_str().unwrap().contains("resource-limits.yaml"), "{details}");
    assert_eq!(stop(), 200);
    reload(&config("admin"));
    eventually("the good one is in force", || stop() == 403);
    service.child.kill().unwrap();
    let mut said = String::new();
    service.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("the changed config is not taken over").count(), 1, "{said}");
    assert!(said.contains("resource-limits.yaml"), "{said}");
}
