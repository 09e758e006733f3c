//! What limits-check prints and how it ends.

#![expect(clippy::unwrap_used, reason = "what a test sets up is sound, or the test fails")]

use std::fs;
use std::process::Command;

fn check(config: &str, arguments: &[&str]) -> (i32, String) {
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc/ds01");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("resource-limits.yaml"), config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_limits-check"))
        .args(arguments)
        .env("DS01_ROOT", root.path())
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = String::from_utf8(output.stdout).unwrap();
    let directory = format!("{}/etc/ds01/", root.path().display());
    (output.status.code().unwrap(), out.replace(&directory, ""))
}

const ODD: &str =
    "groups: {students: {members: [alice]}}\nuser_overrides:\n  alise: {priority: 5}\n";

#[test]
fn a_sound_config_is_said_so() {
    let (code, out) =
        check("groups: {students: {members: [alice]}}\ndefault_group: students\n", &[]);
    assert_eq!((code, &*out), (0, "resource-limits.yaml: nothing wrong; 1 group, 1 user named\n"));
    assert_eq!(check("defaults: {}\n", &["--json"]), (0, String::new()));
}

#[test]
fn an_override_of_nobody_is_a_warning() {
    let (code, out) = check(ODD, &[]);
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "resource-limits.yaml:3:3: warning: nobody is called alise: no group's member, no account here\n \
         3 |   alise: {priority: 5}\n   |   ^^^^^\n   = did you mean alice?\n\n\
         resource-limits.yaml: 1 warning; 2 groups, 2 users named\n"
    );
    // root is an account everywhere.
    assert!(check(&ODD.replace("alise", "root"), &[]).1.contains("nothing wrong"));
}

#[test]
fn an_error_ends_with_seven_and_all_faults_are_shown() {
    let broken = format!("{ODD}defaults: {{memroy: 1g, priority: 0}}\n");
    let (code, out) = check(&broken, &[]);
    assert_eq!(code, 7);
    assert_eq!(out.matches(": error: ").count(), 2);
    assert!(out.ends_with("resource-limits.yaml: 2 errors, 1 warning\n"), "{out}");
    let (code, out) = check(&broken, &["--json"]);
    assert_eq!((code, out.lines().count()), (7, 3));
    assert!(
        out.contains(r#""line":4,"column":12,"length":6,"message":"unknown key `memroy`""#),
        "{out}"
    );
}

#[test]
fn another_file_may_be_named_either_way() {
    let other = tempfile::NamedTempFile::new().unwrap();
    fs::write(other.path(), "nonsense: 1\n").unwrap();
    let path = other.path().to_str().unwrap();
    assert_eq!(check("defaults: {}\n", &[path]).0, 7);
    assert_eq!(check("defaults: {}\n", &["--config", path]).0, 7);
}
