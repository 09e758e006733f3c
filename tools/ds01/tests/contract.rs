//! What `contract.md` promises of all commands alike, tried on every one of them.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command through the multicall binary, on an empty installation of its own.
fn call(root: &Path, name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ds01"));
    command.arg(name).args(words).env("DS01_ROOT", root).stdin(Stdio::null());
    command
}

fn each(check: impl Fn(&str, &Path)) {
    let root = tempfile::tempdir().unwrap();
    for entry in ds01::commands() {
        check(entry.name, root.path());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn must_not_panic(name: &str, output: &Output) {
    assert!(output.status.code().is_some(), "{name} was killed: {output:?}");
    assert!(!text(&output.stderr).contains("panicked"), "{name} panicked: {output:?}");
}

#[test]
fn help_and_version_answer_on_stdout() {
    each(|name, root| {
        for flag in ["--help", "-h", "--version", "-V"] {
            let output = call(root, name, &[flag]).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{name} {flag}");
            assert!(output.stderr.is_empty(), "{name} {flag}: {output:?}");
        }
        let version = text(&call(root, name, &["--version"]).output().unwrap().stdout);
        assert!(version.starts_with(&format!("{name} ")), "{version}");
    });
}

#[test]
fn a_slip_on_the_command_line_is_exit_2_in_three_lines_at_most() {
    each(|name, root| {
        let output = call(root, name, &["--no-such-option"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        let lines = text(&output.stderr);
        assert!(lines.starts_with("error: "), "{name}: {lines}");
        assert!(lines.lines().count() <= 3, "{name}: {lines}");
        assert!(lines.contains(&format!("{name} --help")), "{name}: {lines}");
    });
}

#[test]
fn with_o_json_a_fault_is_one_object_on_stderr() {
    each(|name, root| {
        let output = call(root, name, &["-o", "json", "--no-such-option"]).output().unwrap();
        let fault: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(fault["error"], "usage", "{name}: {fault}");
        assert!(output.stdout.is_empty(), "{name}");
    });
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    each(|name, root| {
        let mut child = call(root, name, &["--help"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        must_not_panic(name, &output);
        assert!(output.stderr.is_empty(), "{name}: {output:?}");
    });
}

#[test]
fn a_full_disk_behind_stdout_is_said_and_no_panic() {
    each(|name, root| {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = call(root, name, &["--help"]).stdout(full).output().unwrap();
        must_not_panic(name, &output);
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
    });
}

#[test]
fn an_empty_installation_without_arguments_makes_no_command_panic() {
    each(|name, root| {
        // Some wait for more on stdin or follow a file: the deadline ends those.
        let mut command = Command::new("timeout");
        command.args(["10", env!("CARGO_BIN_EXE_ds01"), name]).env("DS01_ROOT", root);
        command.env("DS01_NVML_LIB", "/nonexistent/libnvidia-ml.so.1");
        command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        let output = command.stdin(Stdio::null()).output().unwrap();
        must_not_panic(name, &output);
    });
}

#[test]
fn arguments_that_are_no_utf8_or_full_of_control_characters_make_no_command_panic() {
    use std::os::unix::ffi::OsStrExt;
    each(|name, root| {
        for word in [&b"\xff\xfe"[..], b"a\x1b[2J\n", b"", b"-", b"../../etc/passwd", &[b'x'; 5000]]
        {
            let mut command = Command::new("timeout");
            command.args(["10", env!("CARGO_BIN_EXE_ds01"), name, "--"]);
            command.arg(std::ffi::OsStr::from_bytes(word));
            command.env("DS01_ROOT", root).env("DS01_NVML_LIB", "/nonexistent");
            command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
            let output = command.stdin(Stdio::null()).output().unwrap();
            must_not_panic(name, &output);
            // What docker-wrap has become, where there is one, is docker, with words of its own.
            let own = name != "docker-wrap";
            assert!(!own || !text(&output.stderr).contains('\x1b'), "{name}: {output:?}");
        }
    });
}

#[test]
fn an_unknown_command_names_the_way_on() {
    let output = Command::new(env!("CARGO_BIN_EXE_ds01")).arg("no-such").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("ds01 help"));
}

/// A try-out that has the guide's texts.
fn with_guide() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let share = root.path().join("usr/share/ds01");
    std::fs::create_dir_all(&share).unwrap();
    std::os::unix::fs::symlink(guide(), share.join("guide")).unwrap();
    root
}

fn guide() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../share/guide").canonicalize().unwrap()
}

#[test]
fn guided_explains_on_stderr_and_changes_nothing_else() {
    let root = with_guide();
    for (name, words, told) in [
        ("check-limits", &[][..], "| What you may use"),
        ("gpu-queue", &["list"], "| The queue"),
        ("limits-schema", &[], ""),
    ] {
        let plain = call(root.path(), name, words).output().unwrap();
        let output = call(root.path(), name, words).arg("--guided").output().unwrap();
        assert_eq!(output.status, plain.status, "{name}");
        assert_eq!(output.stdout, plain.stdout, "{name}");
        let said = text(&output.stderr);
        assert!(said.starts_with(told), "{name}: {said}");
        // After a failure, what to make of it.
        assert_eq!(
            said.contains("| That did not work."),
            !plain.status.success(),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_command_without_a_text_is_guided_all_the_same() {
    let root = tempfile::tempdir().unwrap();
    let output = call(root.path(), "limits-schema", &["--guided"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_guide_refers_to_topics_that_exist_and_fits_a_terminal() {
    for entry in std::fs::read_dir(guide()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let words = std::fs::read_to_string(&path).unwrap();
        for line in words.lines() {
            // With its margin a line takes 82 columns.
            assert!(line.chars().count() <= 80, "{file}: {line}");
            if let Some(topic) = line.strip_prefix('@') {
                assert!(guide().join(format!("{topic}.txt")).exists(), "{file}: {line}");
            }
        }
    }
}

/// `container attach NAME` in the guide is a command that can be typed, and so are all others.
#[test]
fn the_guide_names_only_commands_that_there_are() {
    let known: Vec<&str> = ds01::everything().map(|(_, name, _)| name).collect();
    for entry in std::fs::read_dir(guide()).unwrap() {
        let path = entry.unwrap().path();
        let words = std::fs::read_to_string(&path).unwrap();
        // Lines set in are what somebody may type, with what it does behind two spaces.
        for line in words.lines().filter_map(|line| line.strip_prefix("  ")) {
            let mut typed = line.split_whitespace();
            let (first, second) = (typed.next().unwrap_or(""), typed.next().unwrap_or(""));
            let name = match first {
                "container" => format!("container-{second}"),
                _ => first.to_owned(),
            };
            assert!(name == "exit" || known.contains(&name.as_str()), "{}: {line}", path.display());
        }
    }
    for entry in ds01::everything().filter(|(_, name, _)| name.starts_with("container-")) {
        assert!(guide().join(format!("{}.txt", entry.1)).exists(), "{} is not explained", entry.1);
    }
}
