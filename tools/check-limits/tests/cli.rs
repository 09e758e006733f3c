//! The command as it is called: a site, a cgroup tree and a Docker of plain files and one
//! socket, with the accounts that every system has.
#![allow(clippy::unwrap_used, reason = "a test may panic anywhere")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use ds01_ledger::Decision;
use ds01_ledger::types::{Lease, Phase, QueueEntry, SlotUse, Want};
use ds01_line::{Queue, Waiting};
use ds01_site::Site;
use ds01_units::Stamp;
use serde_json::{Value, json};

const CONFIG: &str = "\
defaults: {max_mig_instances: 1, idle_timeout: 48h, max_runtime: null}
default_group: students
groups:
  students:
    members: [daemon, nobody]
    max_mig_instances: 3
    max_gpu_equivalents: 2
    max_containers_per_user: 4
    aggregate: {cpu_quota: 800%, memory_max: 96g, tasks_max: 1000}
  admin: {members: [bin]}
container_types: {devcontainer: {idle_timeout: 30m}}
";
const NOW: &str = "2026-11-28T10:00:00Z";
/// uid 1 and 2 are `daemon` and `bin` on every Debian.
const DAEMON: u32 = 1;
const BIN: u32 = 2;

struct Lab {
    root: tempfile::TempDir,
    docker: String,
}

fn now() -> Stamp {
    NOW.parse().unwrap()
}

impl Lab {
    fn new(config: &str) -> Self {
        let lab = Self { root: tempfile::tempdir().unwrap(), docker: "/nonexistent.sock".into() };
        lab.put("etc/ds01/resource-limits.yaml", config);
        lab.put("cgroup/cgroup.controllers", "cpu\n");
        lab
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn site(&self) -> Site {
        Site::at(self.root.path()).at_time(now())
    }

    /// daemon holds a whole card, keeps an instance and waits for more.
    fn busy(&self) {
        let slice = "cgroup/ds01.slice/ds01-students.slice/ds01-students-daemon.slice";
        for (file, text) in [
            ("cpu.stat", "usage_usec 7200000000\n"),
            ("memory.current", "25769803776\n"),
            ("pids.current", "40\n"),
        ] {
            self.put(&format!("{slice}/{file}"), text);
        }
        let held = lease("train", slot("2", "full", 1.0), Phase::Held);
        let kept = lease("old", slot("0:0", "3g.20gb", 3.0 / 7.0), Phase::Held);
        let mut ledger = ds01_ledger::open(&self.site()).unwrap();
        let hold_until = Some("2026-11-28T11:00:00Z".parse().unwrap());
        for decision in [
            Decision::Adopted { lease: held },
            Decision::Adopted { lease: kept },
            Decision::Stopped { container: "old._.daemon".into(), hold_until },
            Decision::Joined(entry(6, "nobody")),
            Decision::Joined(entry(7, "daemon")),
        ] {
            ledger.record(decision, now()).unwrap();
        }
    }

    /// The ledger and the line as everybody may read them.
    fn publish(&self) {
        let state = ds01_ledger::look(&self.site()).unwrap();
        ds01_ledger::view::write(&self.site(), &state, now()).unwrap();
        let entries = vec![waiting(1, 6, "nobody"), waiting(2, 7, "daemon")];
        let queue = Queue { schema: 1, as_of: now(), entries };
        self.put("run/ds01/gpu-queue.json", &serde_json::to_string(&queue).unwrap());
    }

    /// A Docker that answers every list with `list`, if the label asked for is daemon's.
    fn docker(&mut self, list: &'static str) {
        let socket = self.path("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        self.docker = socket.display().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> =
                    lines.map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
                let body = if head[0].contains("/version") || head[0].contains("/_ping") {
                    r#"{"Version":"24.0.0","ApiVersion":"1.43","MinAPIVersion":"1.12"}"#
                } else if head[0].contains("all=1") && head[0].contains("ds01.user%3Ddaemon%22") {
                    list
                } else {
                    "[]"
                };
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
    }

    /// As root, or through the door for the uid.
    fn command(&self, caller: Option<u32>, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_check-limits"));
        command
            .args(words)
            .arg("--cgroup-root")
            .arg(self.path("cgroup"))
            .env_remove("SUDO_UID")
            .env_remove("DS01_CALLER_UID")
            .env("DS01_ROOT", self.root.path())
            .env("DS01_NOW", NOW)
            .env("DOCKER_HOST", format!("unix://{}", self.docker));
        if let Some(uid) = caller {
            command.env("DS01_CALLER_UID", uid.to_string()).env("DS01_CALLER_GID", "0");
            // As from the host: whether they are one, the tool looks for itself.
            command.env("DS01_CALLER_MAY_BE_ADMIN", "yes");
        }
        command
    }

    fn run(&self, caller: Option<u32>, words: &[&str]) -> Output {
        self.command(caller, words).output().unwrap()
    }

    fn json(&self, caller: Option<u32>, words: &[&str]) -> Value {
        let done = self.run(caller, &[words, &["--json"]].concat());
        assert!(done.status.success(), "{done:?}");
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

fn slot(id: &str, profile: &str, gpueq: f64) -> SlotUse {
    SlotUse { id: id.into(), uuid: format!("GPU-{id}"), profile: profile.into(), gpueq }
}

fn lease(name: &str, slot: SlotUse, phase: Phase) -> Lease {
    Lease {
        container: format!("{name}._.daemon"),
        container_id: None,
        user: "daemon".into(),
        priority: 10,
        interface: None,
        slots: vec![slot],
        allocated_at: now(),
        runs_until: None,
        phase,
    }
}

fn entry(id: u64, user: &str) -> QueueEntry {
    QueueEntry {
        id,
        user: user.into(),
        count: 1,
        want: Want::Any,
        priority: 10,
        runtime: None,
        container: None,
        joined_at: now(),
        share: 0,
        missed: 0,
        missed_at: None,
        claim: None,
    }
}

fn waiting(position: usize, id: u64, user: &str) -> Waiting {
    Waiting {
        position,
        id,
        user: user.into(),
        gpus: 1,
        profile: Want::Any,
        container: None,
        priority: 10,
        share: 0,
        joined_at: now(),
        max_runtime: None,
        start: "planned".into(),
        expected_start: Some("2026-11-28T12:30:00Z".parse().unwrap()),
        waits_for: Some("slots".into()),
        slots: Vec::new(),
        claim_until: None,
        claims_missed: 0,
    }
}

/// The tests set the caller as the door does, which only root may; everybody else is
/// themselves, and then there is nothing to compare with.
fn is_root() -> bool {
    Site::at("/").caller().is_root()
}

#[test]
fn what_is_used_and_left_is_counted_against_the_limits() {
    if !is_root() {
        return;
    }
    let mut lab = Lab::new(CONFIG);
    lab.busy();
    lab.publish();
    lab.docker(r#"[{"Id":"a","Names":["/train._.daemon"]},{"Id":"b","Names":["/old._.daemon"]}]"#);
    let all = lab.json(None, &["daemon"]);
    for (field, share) in [
        ("gpus", json!({"limit": 3.0, "used": 2.0, "left": 1.0})),
        ("gpu_equivalents", json!({"limit": 2.0, "used": 1.4286, "left": 0.5714})),
        ("containers", json!({"limit": 4, "used": 2, "left": 2})),
        ("memory", json!({"limit": 96u64 << 30, "used": 24u64 << 30, "left": 72u64 << 30})),
        ("tasks", json!({"limit": 1000, "used": 40, "left": 960})),
        ("cpus", json!({"limit": 8.0, "seconds": 7200.0})),
    ] {
        assert_eq!(all[field], share, "{field}");
    }
    assert_eq!(all["lifetime"]["idle_timeout"], 48 * 3600);
    assert_eq!(all["lifetime"]["max_runtime"], Value::Null);
    assert_eq!(all["leases"][0]["state"], "stopped");
    assert_eq!(all["queue"].as_array().unwrap().len(), 1);
    assert_eq!((&all["queue"][0]["id"], &all["queue"][0]["position"]), (&json!(7), &json!(2)));
    assert_eq!(lab.json(Some(DAEMON), &[]), all, "the person sees of themselves what root does");
}

#[test]
fn people_see_bars_and_sentences() {
    if !is_root() {
        return;
    }
    let mut lab = Lab::new(CONFIG);
    lab.busy();
    lab.publish();
    lab.docker(r#"[{"Id":"a","Names":["/train._.daemon"]}]"#);
    let output = lab.run(None, &["daemon"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("daemon (group students, priority 10)\n"), "{text}");
    for line in [
        "GPUs             2       3       1       [#############-------]",
        "Memory           24 GiB  96 GiB  72 GiB  [#####---------------]",
        "Stopped when idle for:  2 d (devcontainer: 30 min)",
        "Stopped after:          never",
        "CPUs of all together:   8; 2 h of CPU time so far",
        "old._.daemon    0:0  stopped, kept 1 h more",
        "Waiting line:           position 2, entry 7, GPUs 1 (any), start by 28 Nov 2026 12:30 UTC",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\nis not in\n{text}");
    }
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn what_cannot_be_asked_is_unknown_and_never_nothing() {
    if !is_root() {
        return;
    }
    let mut lab = Lab::new(CONFIG);
    lab.busy();
    std::fs::remove_file(lab.path("cgroup/cgroup.controllers")).unwrap();
    // A daemon that accepts and never answers.
    let socket = lab.path("hung.sock");
    let _hung = UnixListener::bind(&socket).unwrap();
    lab.docker = socket.display().to_string();
    // Whoever may not read the ledger has its view alone, which is gone.
    let _ = std::fs::remove_file(lab.path("run/ds01/gpu-state.json"));
    let all = lab.json(Some(DAEMON), &[]);
    for field in ["gpus", "gpu_equivalents", "containers", "memory", "tasks"] {
        assert!(!all[field]["limit"].is_null(), "{field}");
        assert_eq!((&all[field]["used"], &all[field]["left"]), (&Value::Null, &Value::Null));
    }
    for unknown in [&all["cpus"]["seconds"], &all["leases"], &all["queue"]] {
        assert_eq!(*unknown, Value::Null);
    }
    let output = lab.run(Some(DAEMON), &[]);
    let (text, notes) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.contains("Containers       unknown  4       unknown\n"), "{text}");
    assert!(text.contains("Waiting line:           unknown\n"), "{text}");
    for what in ["GPUs in use", "containers", "memory, CPU time and tasks"] {
        assert!(notes.contains(&format!("note: {what}: not known: ")), "{notes}");
    }
}

#[test]
fn who_waits_is_shown_before_the_line_is_published() {
    if !is_root() {
        return;
    }
    let lab = Lab::new(CONFIG);
    lab.busy();
    let all = lab.json(None, &["daemon"]);
    assert_eq!((&all["queue"][0]["id"], &all["queue"][0]["position"]), (&json!(7), &Value::Null));
    assert_eq!(lab.json(None, &["bin"])["queue"], json!([]));
    lab.put("run/ds01/gpu-queue.json", "{");
    let output = lab.run(None, &["daemon"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("position unknown, entry 7"), "{text}");
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(notes.contains("positions in the line: not known"), "{notes}");
}

#[test]
fn only_admins_see_somebody_else() {
    if !is_root() {
        return;
    }
    let lab = Lab::new(CONFIG);
    assert_eq!(lab.json(Some(DAEMON), &[])["user"], "daemon");
    assert_eq!(lab.json(Some(DAEMON), &["daemon"])["user"], "daemon");
    assert_eq!(lab.json(Some(BIN), &["daemon"])["user"], "daemon", "an admin by the config");
    let mut inside = lab.command(Some(BIN), &["daemon"]);
    let inside = inside.env_remove("DS01_CALLER_MAY_BE_ADMIN").output().unwrap();
    assert_eq!(inside.status.code(), Some(5), "nobody is an admin within a container");
    for name in ["nobody", "root", "no-such-user-here", "a:b", ""] {
        let output = lab.run(Some(DAEMON), &[name]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{name}: {said}");
        assert!(said.contains("do: ") && output.stdout.is_empty(), "{said}");
    }
    assert_eq!(lab.run(None, &["no-such-user-here"]).status.code(), Some(4));
}

#[test]
fn without_sound_limits_there_is_no_answer() {
    for config in ["defaults: {max_cpus: many}\n", "defaults: [\n"] {
        let output = Lab::new(config).run(None, &[]);
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        assert!(output.stdout.is_empty());
    }
}
