//! What scripts and admins rely on: forms, exit codes, names on stdin.

#![expect(clippy::unwrap_used, reason = "what a test sets up is sound, or the test fails")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const LAB: &str = "defaults: {memory: 32g, shm_size: 8g, max_cpus: 8, priority: 10}
default_group: students
groups:
  students:
    members: [alice, anna-lena]
    aggregate: {cpu_quota: 9600%, memory_max: 96g, memory_high: 86g, tasks_max: 12288, io_weight: 100}
  researchers:
    members: [carol]
    max_mig_instances: 2
    max_cpus: 16
    memory: 64g
    shm_size: 16g
    idle_timeout: 72h
    priority: 50
  free:
    members: [root]
    max_gpu_equivalents: 2.5
    memory: null
    max_cpus: null
    ipc_mode: host
    idle_timeout: null
    gpu_hold_after_stop: null
    container_hold_after_stop: null
    pids_limit: null
";

struct Answer {
    code: i32,
    out: String,
    err: String,
}

fn site(config: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc/ds01");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("resource-limits.yaml"), config).unwrap();
    root
}

fn run(root: &Path, arguments: &[&str], stdin: &str) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_limits-resolve"))
        .args(arguments)
        .env("DS01_ROOT", root)
        .env("DS01_NOW", "2026-06-15T12:00:00Z")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may well end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn ask(arguments: &[&str]) -> Answer {
    run(site(LAB).path(), arguments, "")
}

#[test]
fn the_text_is_the_eleven_lines_that_admins_know() {
    let answer = ask(&["carol", "-o", "text"]);
    assert_eq!(
        answer.out,
        "User: carol\nGroup: researchers\nPriority: 50\nMax MIG Instances: 2\nMax CPUs: 16\n\
         Memory: 64g\nShared Memory: 16g\nMax Containers: 3\nIdle Timeout: 72h\n\
         GPU Hold After Stop: 24h\nContainer Hold After Stop: 12h\n"
    );
    let answer = ask(&["root", "alice", "-o", "text"]);
    assert!(answer.out.starts_with(
        "User: root\nGroup: free\nPriority: 10\nMax MIG Instances: 2.5 GPU equivalents\n\
         Max CPUs: unlimited\nMemory: unlimited\nShared Memory: host (ipc_mode: host)\n\
         Max Containers: 3\nIdle Timeout: never\nGPU Hold After Stop: indefinite\n\
         Container Hold After Stop: indefinite\n\nUser: alice\n"
    ));
}

#[test]
fn json_is_a_line_a_user_with_the_source_of_every_field() {
    let answer = ask(&["alice", "stranger"]);
    let lines: Vec<Value> = answer.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["memory"], 34_359_738_368_u64);
    assert_eq!(lines[0]["max_runtime"], Value::Null);
    assert_eq!(lines[0]["idle_timeout"], 172_800);
    assert_eq!(lines[0]["slice"], "ds01-students-alice.slice");
    assert_eq!(
        lines[0]["sources"]["aggregate.memory_max"],
        serde_json::json!({"place": "groups.students", "file": "resource-limits.yaml", "line": 6})
    );
    assert_eq!(lines[1]["group"], "students");
    let plain = lines[0].as_object().unwrap();
    for field in plain.keys().filter(|key| {
        !["user", "group", "overridden", "admin", "slice"].contains(&key.as_str())
            && !plain[*key].is_object()
            && !plain[*key].is_array()
    }) {
        assert!(lines[0]["sources"].get(field).is_some(), "{field} has no source");
    }
}

#[test]
fn dockers_options_need_no_quoting() {
    let answer = ask(&["alice", "anna-lena", "root", "-o", "docker-args"]);
    let lines: Vec<_> = answer.out.lines().collect();
    assert_eq!(
        lines[0],
        "--cpus=8 --memory=32g --memory-swap=32g --shm-size=8g --pids-limit=4096 \
         --cgroup-parent=ds01-students-alice.slice"
    );
    assert!(lines[1].ends_with(r"--cgroup-parent=ds01-students-anna\x2dlena.slice"));
    assert_eq!(lines[2], "--ipc=host --cgroup-parent=ds01-free-root.slice");
}

#[test]
fn the_slices_properties_are_as_systemctl_takes_them() {
    let answer = ask(&["alice", "-o", "systemd"]);
    assert_eq!(
        answer.out,
        "CPUQuota=9600% MemoryMax=103079215104 MemoryHigh=92341796864 TasksMax=12288 IOWeight=100\n"
    );
}

#[test]
fn one_field_comes_raw_by_its_json_name_and_in_words_by_any_name() {
    assert_eq!(ask(&["carol", "-o", "memory,group"]).out, "68719476736\tresearchers\n");
    assert_eq!(ask(&["carol", "--get", "memory"]).out, "64g\n");
    assert_eq!(ask(&["carol", "root", "--get", "cpus"]).out, "16\nunlimited\n");
    assert_eq!(ask(&["carol", "--get", "idle_timeout_h"]).out, "72\n");
    let json: Value =
        serde_json::from_str(&ask(&["carol", "--get", "memory", "-o", "json"]).out).unwrap();
    assert_eq!((&json["value"], &json["source"]["line"]), (&"64g".into(), &11.into()));
    let wrong = ask(&["carol", "--get", "memmory"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.err.contains("did you mean `memory`?"), "{}", wrong.err);
}

#[test]
fn an_explanation_shows_all_candidates_and_marks_the_one_that_holds() {
    let answer = ask(&["carol", "--explain", "memory"]);
    assert_eq!(
        answer.out,
        "memory of carol: 64g, from groups.researchers (resource-limits.yaml:11)\n\
         \x20   VALUE  FROM                                          WHY\n\
         \x20>  64g    groups.researchers (resource-limits.yaml:11)\n\
         \x20   32g    defaults (resource-limits.yaml:1)\n\
         \x20   32g    built-in\n"
    );
    let all = ask(&["carol", "--explain", "all", "--json"]).out;
    assert!(all.lines().count() > 30);
}

#[test]
fn names_come_on_stdin_and_from_the_config() {
    let root = site(LAB);
    let names = "carol\n{\"user\":\"alice\",\"other\":1}\n";
    for arguments in [&["-", "-o", "user"][..], &["-o", "user"][..]] {
        assert_eq!(run(root.path(), arguments, names).out, "carol\nalice\n");
    }
    assert_eq!(ask(&["--all", "-o", "user"]).out, "alice\nanna-lena\ncarol\nroot\n");
    assert_eq!(ask(&["--all", "alice"]).code, 2);
    for nonsense in ["", " ", "../x", "a\nb", "a:b"] {
        let answer = ask(&["alice", nonsense]);
        assert_eq!((answer.code, &*answer.out), (2, ""), "{nonsense:?}");
    }
    assert_eq!(run(site(LAB).path(), &[], "").out, "");
}

#[test]
fn a_broken_config_grants_nothing() {
    let root = site("defaults: {memroy: 1g}\n");
    for arguments in [&["alice"][..], &["--all"], &["alice", "--get", "memory"]] {
        let answer = run(root.path(), arguments, "");
        assert_eq!((answer.code, answer.out.as_str()), (7, ""));
        for part in [
            "error: no limits come from",
            "yaml:1:12: error: unknown key `memroy`",
            "^^^^^^",
            "memory",
        ] {
            assert!(answer.err.contains(part), "{part} in {}", answer.err);
        }
    }
    let answer = run(root.path(), &["alice", "-o", "json"], "");
    let fault: Value = serde_json::from_str(&answer.err).unwrap();
    assert_eq!(fault["exit_code"], 7);
    assert_eq!(fault["diagnostics"][0]["column"], 12);
}

#[test]
fn a_missing_config_and_another_one_are_said_by_name() {
    let root = tempfile::tempdir().unwrap();
    let answer = run(root.path(), &["alice"], "");
    assert_eq!(answer.code, 7);
    assert!(answer.err.contains("etc/ds01/resource-limits.yaml: error: there is no such file"));
    let other = root.path().join("other.yaml");
    fs::write(&other, "defaults: {priority: 77}\n").unwrap();
    let other = other.to_str().unwrap();
    let answer = run(root.path(), &["alice", "--config", other, "-o", "priority"], "");
    assert_eq!(answer.out, "77\n");
    assert_eq!(run(root.path(), &["alice", "--config", "/"], "").code, 7);
}
