//! The views of a small lab: a whole card, one cut into three, one cut into nothing.
#![allow(clippy::unwrap_used, reason = "a test may panic anywhere")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use ds01_ledger::Decision;
use ds01_ledger::types::{Drain, Lease, Phase, QueueEntry, SlotUse, Want};
use ds01_site::Site;
use ds01_test_dockerd::{Dockerd, IMAGE};
use ds01_units::Stamp;
use serde_json::{Value, json};

const CONFIG: &str = "
defaults: {max_mig_instances: 3}
default_group: students
groups: {students: {members: [alice, bob]}}
";
const WORLD: &str = r#"{"gpus": [
  {"model": "A100-40", "uuid": "GPU-cut", "mig": [
    {"profile": "3g.20gb", "uuid": "MIG-three"}, {"profile": "2g.10gb", "start": 4, "uuid": "MIG-two"},
    {"profile": "1g.5gb", "start": 6, "uuid": "MIG-one"}]},
  {"model": "A100-40", "mig": []},
  {"model": "A30", "uuid": "GPU-whole"}]}"#;

struct Lab {
    root: tempfile::TempDir,
    docker: String,
    nvml: String,
}

fn lease(name: &str, user: &str, slot: SlotUse, interface: Option<&str>) -> Decision {
    Decision::Adopted {
        lease: Lease {
            container: format!("{name}._.{user}"),
            container_id: Some(format!("{name}0123456789abcdef")),
            user: user.into(),
            priority: 10,
            interface: interface.map(str::to_owned),
            slots: vec![slot],
            allocated_at: now(),
            runs_until: None,
            phase: Phase::Held,
        },
    }
}

fn slot(id: &str, uuid: &str, profile: &str, gpueq: f64) -> SlotUse {
    SlotUse { id: id.into(), uuid: uuid.into(), profile: profile.into(), gpueq }
}

fn now() -> Stamp {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

impl Lab {
    /// alice holds the whole card and waits for more, bob has stopped with the large
    /// instance, the small one is drained.
    fn new() -> Self {
        let lab = Self {
            root: tempfile::tempdir().unwrap(),
            docker: "unix:///nonexistent/docker.sock".into(),
            nvml: nvml_sim::library().display().to_string(),
        };
        let etc = lab.root.path().join("etc/ds01");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("resource-limits.yaml"), CONFIG).unwrap();
        std::fs::write(lab.world(), WORLD).unwrap();
        let decisions = [
            lease("train", "alice", slot("2", "GPU-whole", "full", 1.0), Some("docker")),
            lease("old", "bob", slot("0:0", "MIG-three", "3g.20gb", 3.0 / 7.0), None),
            Decision::Stopped {
                container: "old._.bob".into(),
                hold_until: Some("2099-01-01".parse().unwrap()),
            },
            Decision::Drained(Drain {
                uuid: "MIG-one".into(),
                reason: "XID 79".into(),
                since: now(),
            }),
            Decision::Joined(QueueEntry {
                id: 1,
                user: "alice".into(),
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
            }),
        ];
        let mut ledger = ds01_ledger::open(&Site::at(lab.root.path())).unwrap();
        for decision in decisions {
            ledger.record(decision, now()).unwrap();
        }
        lab
    }

    fn world(&self) -> std::path::PathBuf {
        self.root.path().join("world.json")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-state"));
        command
            .args(words)
            .env("DS01_ROOT", self.root.path())
            .env("DS01_NVML_LIB", &self.nvml)
            .env("NVML_SIM_WORLD", self.world())
            .env("DOCKER_HOST", &self.docker);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.run_with(words, "")
    }

    fn run_with(&self, words: &[&str], stdin: &str) -> Output {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn lines_with(&self, words: &[&str], stdin: &str) -> Vec<Value> {
        let done = self.run_with(words, stdin);
        assert!(done.status.success(), "{done:?}");
        let text = String::from_utf8(done.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn lines(&self, words: &[&str]) -> Vec<Value> {
        self.lines_with(words, "")
    }

    fn one(&self, words: &[&str]) -> Value {
        let done = self.run(words);
        assert!(done.status.success(), "{done:?}");
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

#[test]
fn totals_count_each_slot_once_and_drained_ones_as_not_free() {
    assert_eq!(
        Lab::new().one(&["totals"]),
        json!({
            "slots": {"total": 4, "held": 1, "stopped": 1, "pending": 0, "drained": 1, "free": 1},
            "gpueq": {"total": 1.8571, "used": 1.4286, "free": 0.2857},
        })
    );
}

#[test]
fn each_user_is_shown_with_what_they_have_and_wait_for() {
    let lab = Lab::new();
    let rows = lab.lines(&["by-user"]);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0],
        json!({"user": "alice", "gpueq": 1.0, "slots": 1, "gpu_id": "2", "held": 1,
            "stopped": 0, "pending": 0, "containers": ["train._.alice"], "waiting": 1})
    );
    assert_eq!(rows[1]["stopped"], 1);
    let raw = lab.run(&["by-user", "nobody", "-o", "gpueq,slots"]);
    assert_eq!(String::from_utf8_lossy(&raw.stdout), "0.0\t0\n", "nothing is an answer");
}

#[test]
fn a_container_is_found_by_name_or_id_and_a_missing_one_is_exit_4() {
    let lab = Lab::new();
    for wanted in ["old", "old._.bob", "old0123456789abcdef", "old012345678"] {
        let rows = lab.lines(&["by-container", wanted]);
        assert_eq!(rows.len(), 1, "{wanted}");
        assert_eq!(rows[0]["until"], "2099-01-01T00:00:00Z");
        assert_eq!(rows[0]["state"], "stopped");
    }
    for wanted in ["ol", "gone", "", "old0123"] {
        assert_eq!(lab.run(&["by-container", wanted]).status.code(), Some(4), "{wanted}");
    }
    assert_eq!(lab.lines(&["by-container"]).len(), 2);
}

#[test]
fn a_lease_that_names_no_interface_is_shown_as_unknown_and_not_left_out() {
    let rows = Lab::new().lines(&["by-interface"]);
    let shown: Vec<_> = rows.iter().map(|row| (&row["interface"], &row["slots"])).collect();
    assert_eq!(shown, [(&json!("docker"), &json!(1)), (&json!("unknown"), &json!(1))]);
}

#[test]
fn what_uses_a_gpu_without_a_lease_is_shown_with_whom_it_disturbs() {
    let lab = Lab::new();
    let container = |id: &str, name: &str, requests: Value| {
        json!({"Id": id, "Name": format!("/{name}"), "HostConfig": {"DeviceRequests": requests},
            "State": {"Status": "running", "StartedAt": "2026-11-28T10:00:00Z"},
            "Config": {"Image": "cuda", "Labels": null}})
    };
    let listing = json!([
        container(
            "train0123456789abcdef",
            "train._.alice",
            json!([{"Driver": "nvidia", "DeviceIDs": ["2"]}])
        ),
        container("z", "web", Value::Null),
        container(
            "y",
            "sneaky._.carol",
            json!([{"Driver": "nvidia", "DeviceIDs": ["0:0", "0:1"]}])
        ),
        // The name of a lease, and another container.
        container("x", "old._.bob", json!([{"Count": -1, "Capabilities": [["gpu"]]}])),
    ]);
    let rows = lab.lines_with(&["unmanaged", "-"], &listing.to_string());
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((&rows[0]["container"], &rows[0]["access"]), (&json!("old._.bob"), &json!("all")));
    assert_eq!(rows[0]["slots"], json!(["0:0", "0:1", "0:2", "2"]));
    assert_eq!(rows[0]["beside"], json!(["old._.bob", "train._.alice"]));
    assert_eq!(
        rows[1],
        json!({"container": "sneaky._.carol", "container_id": "y", "user": "carol",
            "access": "devices", "gpus": "0:0,0:1", "slots": ["0:0", "0:1"],
            "beside": ["old._.bob"], "running": true, "since": "2026-11-28T10:00:00Z",
            "image": "cuda", "monitoring": false})
    );
    assert_eq!(lab.run_with(&["unmanaged", "-"], "[{}]").status.code(), Some(2));
}

#[test]
fn what_cannot_be_asked_is_unknown_and_never_nothing() {
    let mut lab = Lab::new();
    let done = lab.run(&[]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["unmanaged"], Value::Null);
    assert_eq!(report["containers"].as_array().unwrap().len(), 2);
    let notes = String::from_utf8(done.stderr).unwrap();
    assert!(notes.starts_with("note: unmanaged containers are not known: "), "{notes}");
    assert_eq!(lab.run(&["unmanaged"]).status.code(), Some(6), "asked for alone it is a fault");

    lab.nvml = "/nonexistent/libnvidia-ml.so.1".into();
    let totals = lab.one(&["totals"]);
    assert_eq!((&totals["slots"]["free"], &totals["slots"]["held"]), (&Value::Null, &json!(1)));
    assert_eq!(totals["gpueq"]["total"], Value::Null);
    let text = String::from_utf8(lab.run(&["-o", "text"]).stdout).unwrap();
    assert!(
        text.starts_with("? slots: 1 held, 1 stopped, 0 pending, 1 drained, ? free\n"),
        "{text}"
    );
}

#[test]
fn a_real_daemon_is_asked() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let mut lab = Lab::new();
    lab.docker = format!("unix://{}", dockerd.socket().display());
    assert_eq!(lab.one(&[])["unmanaged"], json!([]));
    dockerd.run(["create", "--name", "plain", IMAGE]);
    dockerd.run(["create", "--name", "all._.carol", "--gpus", "all", IMAGE]);
    let report = lab.one(&[]);
    assert_eq!(report["unmanaged"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["unmanaged"][0]["user"], "carol");
    assert_eq!(report["unmanaged"][0]["running"], false);
    let text = String::from_utf8(lab.run(&["-o", "text"]).stdout).unwrap();
    assert!(text.contains("all._.carol"), "{text}");
}
