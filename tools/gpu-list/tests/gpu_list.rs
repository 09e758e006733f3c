//! gpu-list as it is called: a process of its own on a simulated board.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ds01_ledger::Decision;
use ds01_ledger::types::Drain;
use ds01_site::Site;
use serde_json::{Value, json};

struct Lab {
    dir: tempfile::TempDir,
    world: PathBuf,
}

impl Lab {
    fn new(world: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("world.json");
        std::fs::write(&path, world).unwrap();
        Self { dir, world: path }
    }
    fn shipped(name: &str) -> Self {
        let worlds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/worlds");
        Self::new(&std::fs::read_to_string(worlds.join(name)).unwrap())
    }
    /// A world whose placements are told to whoever runs the tests.
    fn open(world: &str) -> Self {
        Self::new(&world.replacen('{', r#"{"root_only": false,"#, 1))
    }
    fn call(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-list"));
        command
            .args(words)
            .env("DS01_ROOT", self.dir.path())
            .env("DS01_NVML_LIB", nvml_sim::library())
            .env("NVML_SIM_WORLD", &self.world);
        command
    }
    fn run(&self, words: &[&str]) -> Output {
        self.call(words).output().unwrap()
    }
    fn rows(&self, words: &[&str]) -> Vec<Value> {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        lines(&output.stdout).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
    fn drain(&self, uuid: &str) {
        let site = Site::at(self.dir.path());
        let drain = Drain { uuid: uuid.into(), reason: "XID 79".into(), since: site.now() };
        let mut ledger = ds01_ledger::open(&site).unwrap();
        ledger.record(Decision::Drained(drain), site.now()).unwrap();
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn cards_come_with_their_instances_in_natural_order() {
    let rows = Lab::open(include_str!("../../../tests/worlds/mig-mixed.json")).rows(&[]);
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["0", "0:0", "0:1", "0:2", "0:3", "1", "1:0", "1:1", "2", "3"]);
    let kinds: Vec<_> = rows.iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[1], kinds[9]), ("mig", "instance", "gpu"));
    let two = &rows[2];
    assert_eq!(
        (two["profile"].as_str(), two["start"].as_u64(), two["size"].as_u64()),
        (Some("2g.10gb"), Some(0), Some(2))
    );
    assert_eq!((two["gpueq"].as_f64().unwrap() * 1e4).round(), 2857.0);
    assert_eq!((&two["health"], &two["gpu_uuid"]), (&json!("ok"), &rows[0]["uuid"]));
    assert_eq!(rows[9]["memory"], json!(24576u64 << 20));
    assert_eq!(rows[9]["gpueq"], json!(1.0));
}

#[test]
fn the_table_is_for_people() {
    let lab = Lab::open(
        r#"{"gpus": [{"model": "A100-40", "uuid": "GPU-x", "mig": [{"profile": "3g.20gb", "start": 4, "uuid": "MIG-x"}]}]}"#,
    );
    let output = lab.run(&["-o", "text"]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "GPU  PROFILE  MEMORY    PLACE   GPUEQ  NUMA  HEALTH  NAME                   UUID\n\
         0    mig      40 GiB    -           -     0  ok      NVIDIA A100-SXM4-40GB  GPU-x\n\
         0:0  3g.20gb  19.5 GiB  4-7    0.4286     0  ok      NVIDIA A100-SXM4-40GB  MIG-x\n"
    );
}

#[test]
fn what_is_asked_for_is_shown_alone_by_name_or_uuid() {
    let lab = Lab::shipped("mig-mixed.json");
    let uuid = lab.rows(&["3"])[0]["uuid"].as_str().unwrap().to_owned();
    let rows = lab.rows(&[&uuid, "0:1"]);
    assert_eq!(
        rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["0:1", "3"]
    );
    assert_eq!(lab.rows(&["--slots"]).len(), 7);
    assert_eq!(lines(&lab.run(&["-o", "id,numa", "1:0"]).stdout), ["1:0\t1"]);
}

#[test]
fn an_unknown_gpu_is_refused_with_those_there_are() {
    let output = Lab::shipped("a100x4.json").run(&["0", "7"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(output.stdout.is_empty());
    assert_eq!(
        lines(&output.stderr),
        [
            "error: no GPU 7",
            "  why: this host has: 0, 1, 2, 3",
            "   do: gpu-list alone shows all, with UUIDs; names shift when a layout changes",
        ]
    );
}

#[test]
fn an_empty_host_is_an_empty_list() {
    let output = Lab::shipped("empty.json").run(&[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(lines(&output.stderr), ["this host has no NVIDIA GPU"]);
}

#[test]
fn no_library_no_driver_and_a_mismatch_end_with_6_and_three_lines() {
    let worlds = [
        (r#"{"init": "DRIVER_NOT_LOADED", "gpus": []}"#, "the NVIDIA driver is not loaded"),
        (
            r#"{"init": "LIB_RM_VERSION_MISMATCH", "gpus": []}"#,
            "driver and library are of different versions",
        ),
        ("{", "cannot start"),
    ];
    for (world, what) in worlds {
        let output = Lab::new(world).run(&[]);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        let lines = lines(&output.stderr);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("error: ") && lines[0].contains(what), "{lines:?}");
    }
    let output = Lab::new("")
        .call(&["-o", "json"])
        .env("DS01_NVML_LIB", "/nonexistent.so")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    let fault: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (&fault["error"], &fault["library"]),
        (&json!("unreachable"), &json!("/nonexistent.so"))
    );
}

#[test]
fn a_lost_card_and_a_drained_one_say_so_and_hide_nothing() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A30"}, {"model": "A30", "uuid": "GPU-gone", "lost": true},
                     {"model": "A30", "uuid": "GPU-bad", "mig": ["1g.6gb"]}]}"#,
    );
    lab.drain("GPU-bad");
    let rows = lab.rows(&[]);
    let health: Vec<_> = rows.iter().map(|row| row["health"].as_str().unwrap()).collect();
    // A drained card's instances are drained with it.
    assert_eq!(health, ["ok", "lost", "drained", "drained"]);
    assert!(rows[1]["why"].as_str().unwrap().contains("bus"));
    assert_eq!((&rows[3]["id"], &rows[3]["why"]), (&json!("2:0"), &json!("XID 79")));
    assert_eq!(lab.rows(&["--slots"]).len(), 2);
}

#[test]
fn an_unreadable_ledger_hides_the_health_and_not_the_board() {
    let lab = Lab::shipped("a100x4.json");
    lab.drain("GPU-x");
    std::fs::write(lab.dir.path().join("var/lib/ds01/gpu/journal"), "no journal\n").unwrap();
    let output = lab.run(&["-o", "id,health"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output.stdout)[0], "0\tunknown");
    assert!(lines(&output.stderr)[0].starts_with("health is unknown: "), "{output:?}");
}

#[test]
fn processes_are_shown_where_they_run() {
    let lab = Lab::new(
        r#"{"gpus": [{"model": "A30", "processes": [{"pid": 71, "memory_mib": 2048}, {"pid": 72, "memory_mib": null}]}]}"#,
    );
    let rows = lab.rows(&["--processes"]);
    assert_eq!(
        rows[0]["processes"],
        json!([{"pid": 71, "kind": "compute", "memory": 2048u64 << 20}, {"pid": 72, "kind": "compute", "memory": null}])
    );
    let text = String::from_utf8(lab.run(&["--processes", "-o", "text"]).stdout).unwrap();
    assert!(text.contains("71 (2 GiB), 72"), "{text}");
    assert!(lab.rows(&[])[0].get("processes").is_none());
}

#[test]
fn two_at_once_answer_the_same() {
    let lab = Lab::shipped("mig-mixed.json");
    let start = || lab.call(&[]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let (one, two) = (start(), start());
    let answers = [one, two].map(|child| child.wait_with_output().unwrap().stdout);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(lines(&answers[0]).len(), 10);
}
