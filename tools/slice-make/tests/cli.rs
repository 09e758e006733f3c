//! The command as it is called, on an installation below `DS01_ROOT`.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const CONFIG: &str = "\
defaults: {max_mig_instances: 1}
default_group: students
groups:
  students:
    members: [anna, anna-lena]
    aggregate: {cpu_quota: \"9600%\", memory_max: 96g, memory_high: 86g, tasks_max: 12288, io_weight: 100}
";

fn lab(config: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let etc = root.path().join("etc/ds01");
    fs::create_dir_all(&etc).expect("a directory");
    fs::write(etc.join("resource-limits.yaml"), config).expect("a file");
    root
}

fn run(root: &Path, line: &str, stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_slice-make"))
        .args(line.split_whitespace())
        .env("DS01_ROOT", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // A tool that reads no names closes the pipe unread.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(root: &Path, line: &str) -> String {
    let output = run(root, line, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every file below `root` but the event log, with its text.
fn files(root: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if !path.ends_with("events.jsonl") {
            all.push((path.display().to_string(), fs::read_to_string(&path).expect("text")));
        }
    }
    all.sort();
    all
}

#[test]
fn a_dry_run_shows_the_exact_units_and_properties_and_changes_nothing() {
    let lab = lab(CONFIG);
    let before = files(lab.path());
    let units = lab.path().join("etc/systemd/system");
    let shown = text(lab.path(), "anna-lena --dry-run -o text");
    let expected = format!(
        "create  ds01-students-anna\\x2dlena.slice: write the unit file  [groups.students (resource-limits.yaml:6)]
        {}/ds01-students-anna\\x2dlena.slice
          # Written by slice-make; change the limits in resource-limits.yaml.
          [Unit]
          Description=ds01: containers of anna-lena (students)
          Before=slices.target

          [Slice]
          CPUAccounting=yes
          CPUWeight=100
          MemoryAccounting=yes
          TasksAccounting=yes
          IOAccounting=yes
          CPUQuota=9600%
          MemoryMax=103079215104
          MemoryHigh=92341796864
          TasksMax=12288
          IOWeight=100
        systemctl set-property --runtime 'ds01-students-anna\\x2dlena.slice' CPUQuota=9600% MemoryMax=103079215104 MemoryHigh=92341796864 TasksMax=12288 IOWeight=100
dry run: nothing was changed; 3 slices would be, 0 kept
",
        units.display()
    );
    assert!(shown.ends_with(&expected), "{shown}");
    assert_eq!(files(lab.path()), before);
    // The JSON holds the very text that is written then.
    let planned: Vec<Value> = text(lab.path(), "--all --dry-run")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    text(lab.path(), "--all");
    for slice in &planned {
        let written = fs::read_to_string(slice["unit_file"].as_str().expect("a path"));
        assert_eq!(slice["unit"], written.expect("a unit file"));
    }
    assert_eq!(planned.len(), 4);
}

#[test]
fn a_second_run_changes_nothing_and_what_changed_is_an_event() {
    let lab = lab(CONFIG);
    assert_eq!(text(lab.path(), "--all -o action").lines().collect::<Vec<_>>(), ["create"; 4]);
    let after = files(lab.path());
    let events =
        || fs::read_to_string(lab.path().join("var/log/ds01/events.jsonl")).expect("a log");
    let logged = events();
    assert_eq!(logged.lines().filter(|line| line.contains("\"slice.set\"")).count(), 4);
    assert_eq!(
        text(lab.path(), "--all -o text"),
        "nothing to change: 4 slices as the config says\n"
    );
    assert_eq!((files(lab.path()), events()), (after, logged));
}

#[test]
fn users_come_on_stdin_and_each_slice_is_made_once() {
    let lab = lab(CONFIG);
    let output = run(lab.path(), "- -o slice", "anna\n{\"user\":\"anna-lena\"}\nanna\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ds01.slice\nds01-students.slice\nds01-students-anna.slice\n\
         ds01-students-anna\\x2dlena.slice\n"
    );
}

#[test]
fn the_group_is_the_configs_and_the_order_is_user_group() {
    let lab = lab(CONFIG);
    assert!(run(lab.path(), "anna students", "").status.success());
    for (line, code, said) in [
        ("anna faculty", 2, "anna is in the group `students`, not `faculty`"),
        ("students anna", 4, "`students` is a group: the order is USER GROUP"),
        ("no-such-user-here", 4, "no user `no-such-user-here`"),
        ("../../etc/passwd", 4, "no user"),
        ("--all anna", 2, "cannot be used with"),
        ("--force.slice", 2, "unexpected argument"),
    ] {
        let output = run(lab.path(), line, "");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
        assert!(stderr.contains(said), "{line}: {stderr}");
    }
    assert_eq!(run(lab.path(), "", "").status.code(), Some(0), "no names on stdin, nothing to do");
}

#[test]
fn a_broken_config_changes_nothing() {
    let lab = lab(CONFIG);
    text(lab.path(), "--all");
    let config = lab.path().join("etc/ds01/resource-limits.yaml");
    fs::write(&config, CONFIG.replace("96g", "96 potatoes")).expect("a file");
    let before = files(lab.path());
    let output = run(lab.path(), "--all", "");
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stdout.is_empty());
    assert_eq!(files(lab.path()), before);
}

#[test]
fn somebody_elses_unit_file_is_replaced_only_when_told_to() {
    let lab = lab(CONFIG);
    let units = lab.path().join("etc/systemd/system");
    fs::create_dir_all(&units).expect("a directory");
    fs::write(units.join("ds01.slice"), "[Slice]\n").expect("a file");
    let before = files(lab.path());
    let output = run(lab.path(), "--all", "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ds01.slice is in the way") && said.contains("--yes"), "{said}");
    assert_eq!(files(lab.path()), before);
    text(lab.path(), "--all --yes");
    let kept = fs::read_to_string(units.join("ds01.slice.before-ds01"));
    assert_eq!(kept.expect("kept"), "[Slice]\n");
    assert_eq!(text(lab.path(), "--all -o action").lines().collect::<Vec<_>>(), ["keep"; 4]);
}
