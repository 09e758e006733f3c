//! What the real docker got, how it ended, and that it is the very process.
#![allow(clippy::unwrap_used)]

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const CONFIG: &str =
    "defaults: {max_cpus: 4}\ndefault_group: students\ngroups:\n  students: {members: [bin]}\n";
/// An account that every Debian has.
const BIN: u32 = 2;

struct Lab {
    dir: tempfile::TempDir,
}

/// Notes its words and its own process, and ends as it is told.
const DOCKER: &str = r#"#!/bin/sh
printf '%s\n' "$0" "$@" >"$RECORD"
echo "$$" >"$RECORD.pid"
[ -z "$DIES" ] || kill -9 $$
cat
exit "${ENDS:-0}"
"#;

impl Lab {
    fn new() -> Option<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let lab = Self { dir };
        for part in ["etc/ds01", "real", "wrap", "record"] {
            std::fs::create_dir_all(lab.path(part)).unwrap();
        }
        std::fs::write(lab.path("etc/ds01/resource-limits.yaml"), CONFIG).unwrap();
        // By a process of its own: a file that is open for writing here could be inherited
        // by what another test starts at this moment, and nobody could run it.
        let script = r#"printf %s "$1" >"$2" && chmod 755 "$2""#;
        let mut made = Command::new("/bin/sh");
        made.args(["-c", script, "sh", DOCKER]).arg(lab.path("real/docker"));
        assert!(made.status().unwrap().success());
        symlink(env!("CARGO_BIN_EXE_docker-wrap"), lab.path("wrap/docker")).unwrap();
        Some(lab)
    }

    fn path(&self, part: &str) -> PathBuf {
        self.dir.path().join(part)
    }

    /// The wrapper under the name of docker, before the real one on PATH.
    fn command(&self, uid: u32, line: &[&str]) -> Command {
        let mut command = Command::new(self.path("wrap/docker"));
        command
            .arg0("docker")
            .args(line)
            .env_clear()
            .env(
                "PATH",
                format!(
                    "{}:{}:/usr/bin:/bin",
                    self.path("wrap").display(),
                    self.path("real").display()
                ),
            )
            .env("RECORD", self.path("record/line"))
            .env("DS01_ROOT", self.dir.path())
            .stdin(Stdio::null());
        if uid != 0 {
            command.env("SUDO_UID", uid.to_string());
        }
        command
    }

    /// What the real docker was told; its own name first.
    fn told(&self, uid: u32, line: &[&str]) -> Vec<String> {
        let done = self.command(uid, line).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        self.recorded()
    }

    fn recorded(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("record/line")).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }
}

const ADDED: &[&str] = &[
    "--label",
    "ds01.user=bin",
    "--label",
    "ds01.uid=2",
    "--label",
    "ds01.managed=true",
    "--label",
    "ds01.interface=docker",
    "--cgroup-parent=ds01-students-bin.slice",
];

#[test]
fn a_container_is_made_with_its_owners_labels_and_slice() {
    let Some(lab) = Lab::new() else { return };
    for (before, after) in [
        (&["run"][..], &["img"][..]),
        (&["container", "create"], &["--name", "x", "img"]),
        (&["--log-level", "error", "-D", "run"], &["--rm", "-it", "img", "bash", "-c", "a  b"]),
        // The program's own words, which are nobody else's (pitfall 4).
        (&["run"], &["img", "train.py", "--gpus", "4", "--label", "x=y", "--cgroup-parent=z"]),
        // A flag of the user's stands behind, and so counts.
        (&["create"], &["--cgroup-parent=mine.slice", "--label=ds01.user=me", "img"]),
    ] {
        let told = lab.told(BIN, &[before, after].concat());
        assert_eq!(told, [before, ADDED, after].concat());
    }
}

#[test]
fn all_else_passes_as_it_is() {
    let Some(lab) = Lab::new() else { return };
    for line in [
        &[][..],
        &["--version"],
        &["--help"],
        &["--json"],
        &["-o", "x"],
        &["ps", "--format", "{{.Names}} \t"],
        &["exec", "-it", "c", "run"],
        &["compose", "run", "web"],
        &["-H", "tcp://other:1", "run", "img"],
        &["--unheard-of", "run", "img"],
        &["run "],
        &[""],
    ] {
        assert_eq!(lab.told(BIN, line), line, "{line:?}");
    }
    // Root's own containers are nobody's, and so are those of a uid without an account.
    for uid in [0, 61_999] {
        assert_eq!(lab.told(uid, &["run", "img"]), ["run", "img"]);
    }
    let told = |key: &str, value: &str| {
        assert!(lab.command(BIN, &["run", "img"]).env(key, value).status().unwrap().success());
        lab.recorded().len()
    };
    assert_eq!(told("DOCKER_HOST", "ssh://other"), 2);
    assert_eq!(told("DOCKER_CONTEXT", "other"), 2);
    assert_eq!(told("DOCKER_HOST", "unix:///run/docker.sock"), 2 + ADDED.len());
    // Bytes that are no text are bytes.
    let word = std::ffi::OsStr::from_bytes(b"a\xff");
    assert!(lab.command(BIN, &["run", "img"]).arg(word).status().unwrap().success());
    let bytes = std::fs::read(lab.path("record/line")).unwrap();
    assert!(bytes.ends_with(b"img\na\xff\n"));
}

#[test]
fn it_becomes_docker_with_its_input_its_output_and_its_end() {
    let Some(lab) = Lab::new() else { return };
    for code in [0, 1, 125, 137] {
        let done = lab.command(BIN, &["run", "img"]).env("ENDS", code.to_string()).output();
        assert_eq!(done.unwrap().status.code(), Some(code));
    }
    let mut command = lab.command(BIN, &["run", "-i", "img"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"through").unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.stdout, b"through");
    let own = std::fs::read_to_string(lab.path("record/line.pid")).unwrap();
    assert_eq!(own.trim(), pid.to_string(), "signals reach docker itself");
    let done = lab.command(BIN, &["ps"]).env("DIES", "yes").status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&done), Some(9));
}

#[test]
fn without_sound_limits_it_says_so_and_goes_on() {
    let Some(lab) = Lab::new() else { return };
    std::fs::write(lab.path("etc/ds01/resource-limits.yaml"), "defaultz: [\n").unwrap();
    let done = lab.command(BIN, &["run", "img"]).output().unwrap();
    assert!(done.status.success());
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("no slice of yours") && said.lines().count() == 1, "{said}");
    assert!(lab.recorded().contains(&"ds01.user=bin".to_owned()));
}

#[test]
fn without_docker_it_says_so() {
    let Some(lab) = Lab::new() else { return };
    let wrap = lab.path("wrap");
    let done = lab.command(BIN, &["ps"]).env("PATH", &wrap).output().unwrap();
    if Path::new("/usr/bin/docker").exists() {
        return;
    }
    assert_eq!(done.status.code(), Some(6), "{done:?}");
    assert!(String::from_utf8_lossy(&done.stderr).contains("there is no docker to run"));
}

#[test]
fn under_its_own_name_it_shows_what_it_would_do() {
    let Some(lab) = Lab::new() else { return };
    let run =
        |line: &[&str]| -> Output { lab.command(BIN, line).arg0("docker-wrap").output().unwrap() };
    let done = run(&["--dry-run", "--json", "run", "-it", "img", "--dry-run"]);
    assert!(done.status.success(), "{done:?}");
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let line: Vec<&str> =
        said["line"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(line, [&["run"], ADDED, &["-it", "img", "--dry-run"]].concat());
    assert!(!lab.path("record/line").exists());
    assert!(String::from_utf8_lossy(&run(&["--help"]).stdout).contains("docker-wrap"));
    assert!(run(&["ps", "--json"]).status.success());
    assert_eq!(lab.recorded(), ["ps", "--json"]);
    assert!(run(&["--", "-D", "ps"]).status.success());
    assert_eq!(lab.recorded(), ["-D", "ps"]);
    assert_eq!(run(&["--no-such-option"]).status.code(), Some(2));
}
