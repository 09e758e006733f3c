//! The command as it is called, on trees of cgroups made of plain files.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const ALICE: &str = "ds01.slice/ds01-students.slice/ds01-students-alice.slice";
const LENA: &str = "ds01.slice/ds01-students.slice/ds01-students-anna\\x2dlena.slice";

fn put(root: &Path, files: &[(String, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

fn version_2() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let files = [
        ("cgroup.controllers".to_owned(), "cpu\n"),
        (format!("{ALICE}/cpu.stat"), "usage_usec 90061500000\n"),
        (format!("{ALICE}/cpu.max"), "9600000 100000\n"),
        (format!("{ALICE}/memory.current"), "1610612736\n"),
        (format!("{ALICE}/memory.max"), "103079215104\n"),
        (format!("{ALICE}/memory.events"), "max 3\noom_kill 1\n"),
        (format!("{ALICE}/pids.current"), "40\n"),
        (format!("{ALICE}/pids.max"), "12288\n"),
        (format!("{ALICE}/memory.pressure"), "some avg10=12.30 avg60=0.00 avg300=0.00 total=1\n"),
        (format!("{ALICE}/docker-1.scope/cgroup.procs"), "1\n"),
        (format!("{ALICE}/docker-2.scope/cgroup.procs"), "2\n"),
        (format!("{LENA}/pids.current"), "0\n"),
        // None of ours, or not where it belongs.
        ("ds01.slice/other.slice/pids.current".to_owned(), "1\n"),
        ("ds01.slice/ds01-x-y.slice/pids.current".to_owned(), "1\n"),
        ("system.slice/ds01-x.slice/pids.current".to_owned(), "1\n"),
    ];
    put(root.path(), &files);
    root
}

fn run(root: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_slice-usage"))
        .args(line.split_whitespace())
        .arg("--cgroup-root")
        .arg(root)
        .output()
        .expect("it runs")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn each_slice_is_one_line_after_the_one_it_lies_in() {
    let root = version_2();
    let all = lines(&run(root.path(), ""));
    let names: Vec<_> = all.iter().map(|row| row["slice"].as_str().expect("a name")).collect();
    assert_eq!(
        names,
        [
            "ds01.slice",
            "ds01-students.slice",
            "ds01-students-alice.slice",
            "ds01-students-anna\\x2dlena.slice"
        ]
    );
    assert_eq!(
        all[2],
        json!({
            "slice": "ds01-students-alice.slice", "group": "students", "user": "alice",
            "containers": 2, "cpu_seconds": 90061.5, "cpu_percent": null, "cpu_quota": 9600.0,
            "memory": 1_610_612_736, "memory_max": 103_079_215_104_u64, "memory_limit_hits": 3,
            "oom_kills": 1, "tasks": 40, "tasks_max": 12288,
            "pressure": {"cpu": null, "memory": 12.3, "io": null}
        })
    );
    assert_eq!((&all[3]["user"], &all[3]["memory"]), (&json!("anna-lena"), &Value::Null));
}

#[test]
fn people_see_users_below_their_groups() {
    let root = version_2();
    let output = run(root.path(), "-o text");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "\
SLICE          RUNS  CPU  CPU TIME   QUOTA  MEMORY   MAX     TASKS    MAX  OOM  WAITS
all               0    -  -              -  -        -           -      -    -  -
  students        0    -  -              -  -        -           -      -    -  -
    alice         2    -  90061.5 s  9600%  1.5 GiB  96 GiB     40  12288    1  memory 12%
    anna-lena     0    -  -              -  -        -           0      -    -  -
"
    );
}

#[test]
fn a_user_is_found_by_name_and_an_interval_gives_the_rate() {
    let root = version_2();
    let output = run(root.path(), "alice --interval 0.05s -o user,cpu_percent,memory");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "alice\t0.0\t1610612736\n");
}

#[test]
fn version_1_gives_the_same_document() {
    let root = tempfile::tempdir().expect("a directory");
    put(
        root.path(),
        &[
            (format!("cpu,cpuacct/{ALICE}/cpuacct.usage"), "1500000000\n"),
            (format!("cpu,cpuacct/{ALICE}/cpu.cfs_quota_us"), "150000\n"),
            (format!("cpu,cpuacct/{ALICE}/cpu.cfs_period_us"), "100000\n"),
            (format!("memory/{ALICE}/memory.usage_in_bytes"), "4096\n"),
            (format!("memory/{ALICE}/memory.limit_in_bytes"), "9223372036854771712\n"),
            (format!("memory/{ALICE}/memory.oom_control"), "oom_kill 0\n"),
            (format!("memory/{ALICE}/docker-1.scope/memory.oom_control"), "oom_kill 2\n"),
            (format!("pids/{ALICE}/pids.current"), "40\n"),
            (format!("pids/{ALICE}/pids.max"), "max\n"),
        ],
    );
    let all = lines(&run(root.path(), "alice"));
    let fields = [
        "cpu_seconds",
        "cpu_quota",
        "memory",
        "memory_max",
        "oom_kills",
        "tasks",
        "tasks_max",
        "containers",
    ];
    let values: Vec<_> = fields.iter().map(|field| all[0][field].clone()).collect();
    assert_eq!(json!(values), json!([1.5, 150.0, 4096, null, 2, 40, null, 1]));
}

#[test]
fn what_is_not_there_is_said() {
    let root = version_2();
    let empty = tempfile::tempdir().expect("a directory");
    for (root, line, code, said) in [
        (root.path(), "mallory", 4, "mallory has no slice"),
        (empty.path(), "", 6, "there is no cgroup tree at"),
        (root.path(), "--interval 5", 2, "not a duration"),
        (root.path(), "--interval 2h", 2, "longer than an hour"),
    ] {
        let output = run(root, line);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
        assert!(stderr.contains(said), "{line}: {stderr}");
    }
    put(empty.path(), &[("cgroup.controllers".to_owned(), "")]);
    let output = run(empty.path(), "");
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no ds01.slice"));
}
