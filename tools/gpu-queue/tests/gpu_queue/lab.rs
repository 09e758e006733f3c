//! A site of its own with a simulated board of four cards, at a moment the test sets.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use ds01_ledger::types::{Lease, Phase, SlotUse};
use ds01_ledger::{Decision, State};
use ds01_site::Site;
use ds01_units::{Span, Stamp};
use serde_json::Value;

const CONFIG: &str = "
defaults: {max_mig_instances: 2, max_runtime: 8h, priority: 10}
default_group: students
groups:
  students: {members: [alice, bob, carol]}
  staff: {members: [dave], priority: 50, max_mig_instances: 4}
";
pub const NOON: &str = "2026-11-28T12:00:00Z";

pub struct Lab {
    root: tempfile::TempDir,
    now: String,
    caller: Option<u32>,
}

pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Lab {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc/ds01");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("resource-limits.yaml"), CONFIG).unwrap();
        Self { root, now: NOON.into(), caller: None }
    }

    pub fn at(&mut self, time: &str) -> &Self {
        self.now = format!("2026-11-28T{time}Z");
        self
    }

    /// Calls come through the door on behalf of this uid.
    pub fn of(&mut self, caller: Option<u32>) -> &Self {
        self.caller = caller;
        self
    }

    pub fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path)
    }

    pub fn site(&self) -> Site {
        Site::at(self.root.path()).at_time(self.now.parse().unwrap())
    }

    pub fn state(&self) -> State {
        ds01_ledger::look(&self.site()).unwrap()
    }

    pub fn spawn(&self, words: &[&str]) -> Child {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/worlds/a100x4.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-queue"));
        command
            .env_remove("DS01_CALLER_UID")
            .env_remove("SUDO_UID")
            .env("DS01_ROOT", self.root.path())
            .env("DS01_NOW", &self.now)
            .env("DS01_NVML_LIB", nvml_sim::library())
            .env("NVML_SIM_WORLD", world);
        if let Some(uid) = self.caller {
            command.env("DS01_CALLER_UID", uid.to_string()).env("DS01_CALLER_GID", "0");
            // As from the host: whether they are one, the tool looks for itself.
            command.env("DS01_CALLER_MAY_BE_ADMIN", "yes");
        }
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn words(&self, words: &[&str]) -> Said {
        said(self.spawn(words).wait_with_output().unwrap())
    }

    pub fn run(&self, line: &str) -> Said {
        self.words(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// The container of an entry takes its claim, as the allocator records it.
    pub fn take(&self, id: u64) {
        let state = self.state();
        let entry = &state.queue[&id];
        let claim = entry.claim.as_ref().unwrap();
        let now: Stamp = self.now.parse().unwrap();
        let slots = claim.slots.iter().enumerate().map(|(at, uuid)| SlotUse {
            id: at.to_string(),
            uuid: uuid.clone(),
            profile: "full".into(),
            gpueq: 1.0,
        });
        let lease = Lease {
            container: format!("c{id}._.{}", entry.user),
            container_id: None,
            user: entry.user.clone(),
            priority: 10,
            interface: None,
            slots: slots.collect(),
            allocated_at: now,
            runs_until: Some(now.plus(entry.runtime.unwrap_or(Span::hours(8)))),
            phase: Phase::Held,
        };
        let decision = Decision::Leased { lease, ended: vec![], entry: Some(id) };
        ds01_ledger::open(&self.site()).unwrap().record(decision, now).unwrap();
    }

    /// Takes all four cards, each until 20:00.
    pub fn full(self) -> Self {
        for (user, id) in [("alice", 1), ("bob", 2), ("carol", 3), ("dave", 4)] {
            self.run(&format!("join --user {user} --profile full")).ok();
            self.take(id);
        }
        self
    }

    pub fn events(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("var/log/ds01/events.jsonl")).unwrap();
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|event| event["event_type"] == kind).collect()
    }
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
