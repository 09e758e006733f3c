//! The command as it is called, with the accounts that every system has.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn lab(config: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let etc = root.path().join("etc/ds01");
    std::fs::create_dir_all(&etc).expect("a directory");
    std::fs::write(etc.join("resource-limits.yaml"), config).expect("a file");
    root
}

const CONFIG: &str = "\
defaults: {max_mig_instances: 1}
default_group: students
groups:
  students: {members: [nobody]}
  admin: {members: [daemon]}
";

fn resolve(root: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_user-resolve"))
        .args(arguments)
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

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn without_a_name_it_is_the_caller() {
    let lab = lab(CONFIG);
    let output = resolve(lab.path(), &["-o", "uid"], "");
    let uid = Command::new("id").arg("-u").output().expect("id runs").stdout;
    assert_eq!(output.stdout, uid);
}

#[test]
fn root_is_an_admin_of_the_default_group_and_daemon_by_the_config() {
    let lab = lab(CONFIG);
    let output = resolve(lab.path(), &["root", "nobody", "+1"], "");
    let all = lines(&output);
    let root = &all[0];
    for (key, value) in [
        ("user", json!("root")),
        ("uid", json!(0)),
        ("admin", json!(true)),
        ("group", json!("students")),
        ("slice", json!("ds01-students-root.slice")),
        ("container_suffix", json!("root")),
        ("image_namespace", json!("ds01-root")),
    ] {
        assert_eq!(root[key], value, "{key}");
    }
    assert_eq!((&all[1]["user"], &all[1]["admin"]), (&json!("nobody"), &json!(false)));
    assert_eq!((&all[2]["user"], &all[2]["admin"]), (&json!("daemon"), &json!(true)));
    assert_eq!(all[2]["slice"], "ds01-admin-daemon.slice");
}

#[test]
fn names_come_on_stdin_plain_or_in_json() {
    let lab = lab(CONFIG);
    let output = resolve(lab.path(), &["-", "-o", "user"], "root\n{\"user\":\"nobody\",\"n\":1}\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root\nnobody\n");
}

#[test]
fn one_strange_name_in_a_list_hides_nobody_else() {
    let lab = lab(CONFIG);
    let output = resolve(lab.path(), &["-", "-o", "user"], "root\nno-such-user-here\nnobody\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root\nnobody\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no user `no-such-user-here`"));
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn each_refusal_has_its_code_and_says_what_to_do() {
    let lab = lab(CONFIG);
    let empty = tempfile::tempdir().expect("a directory");
    for (root, name, code, what) in [
        (lab.path(), "no-such-user-here", 4, "no user `no-such-user-here`"),
        (lab.path(), "4000000001", 4, "no account has the uid 4000000001"),
        (lab.path(), "a:b", 2, "`a:b` is no user's name"),
        (empty.path(), "root", 7, "no limits come from"),
    ] {
        let output = resolve(root, &[name], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        assert!(said.contains(what) && said.contains("do:"), "{said}");
        assert!(output.stdout.is_empty());
    }
    let output = resolve(lab.path(), &["no-such-user-here", "-o", "json"], "");
    let fault: Value = serde_json::from_slice(&output.stderr).expect("an object");
    assert_eq!((&fault["error"], &fault["exit_code"]), (&json!("not_found"), &json!(4)));
}
