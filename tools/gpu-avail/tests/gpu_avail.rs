//! gpu-avail as people and scripts call it.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const CONFIG: &str = "
defaults: {max_mig_instances: 2}
default_group: students
groups:
  students: {members: [alice], max_gpu_equivalents: 1.0}
";

struct Lab(tempfile::TempDir);

impl Lab {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc/ds01");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("resource-limits.yaml"), CONFIG).unwrap();
        Self(root)
    }

    fn ask(&self, line: &str, uid: Option<&str>) -> (i32, String) {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/worlds/mig-mixed.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-avail"));
        command
            .args(line.split_whitespace())
            .env("DS01_ROOT", self.0.path())
            .env("DS01_NVML_LIB", nvml_sim::library())
            .env("NVML_SIM_WORLD", world);
        if let Some(uid) = uid {
            command.env("DS01_CALLER_UID", uid).env("DS01_CALLER_GID", uid);
        }
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }
}

#[test]
fn it_names_the_slots_or_every_limit_in_the_way_and_changes_nothing() {
    let lab = Lab::new();
    let (code, out) = lab.ask("alice", None);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["available"], &answer["gpu_id"]), (0, &json!(true), &json!("3")));
    let (code, out) = lab.ask("alice --count 3 --profile full", None);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["available"]), (3, &json!(false)));
    let fields: Vec<&str> = answer["limits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| limit["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["max_gpu_equivalents", "free_slots"]);
    assert!(!lab.0.path().join("var").exists());
}

#[test]
fn everybody_may_ask_and_nonsense_is_refused() {
    let lab = Lab::new();
    assert_eq!(lab.ask("alice -o gpu_id", Some("1000")), (0, "3\n".into()));
    assert_eq!(lab.ask("alice --count 0", None).0, 2);
    assert_eq!(lab.ask("../alice", None).0, 2);
    assert_eq!(lab.ask("\u{1b}[31malice", None), (2, String::new()));
    assert_eq!(lab.ask("alice --profile nonsense", None).0, 2);
    assert_eq!(lab.ask("alice --profile 9g.1gb", None).0, 3);
}
