//! The docker command through the door, with a real daemon behind it.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dfilter::Mode;
use ds01_test_dockerd::{Dockerd, IMAGE};

use crate::lab::{self, uid};

pub struct Real {
    dockerd: Dockerd,
    dir: tempfile::TempDir,
    socket: PathBuf,
    client: PathBuf,
}

pub fn start() -> Option<Real> {
    let dockerd = Dockerd::start_or_skip()?;
    let dir = lab::scratch();
    // Where everybody may run it from.
    let client = dir.path().join("docker");
    std::fs::copy(dockerd.client(), &client).unwrap();
    // Binds come from a home; the test's people have theirs in its scratch directory.
    // A classic build runs in containers without labels: nobody is to see those here.
    let config = lab::CONFIG.replace("open", "admin");
    let socket = lab::open(&dir, &config, Mode::Enforce, dockerd.socket());
    Some(Real { dockerd, dir, socket, client })
}

impl Real {
    fn command(&self, user: &str, args: &[&str]) -> Command {
        let home = self.home(user);
        let mut command = Command::new(&self.client);
        command
            .args(args)
            .env_clear()
            .env("HOME", &home)
            .env("PATH", "/usr/bin:/bin")
            .env("DOCKER_BUILDKIT", "0")
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .current_dir(&home)
            .uid(uid(user))
            .gid(uid(user));
        command
    }

    pub fn home(&self, user: &str) -> PathBuf {
        let home = self.dir.path().join(user);
        if std::fs::create_dir(&home).is_ok() {
            std::os::unix::fs::chown(&home, Some(uid(user)), Some(uid(user))).unwrap();
        }
        home
    }

    pub fn output(&self, user: &str, args: &[&str], stdin: &[u8]) -> Output {
        let mut child = self
            .command(user, args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // It may not want to read any.
        let _ = pipe.write_all(stdin);
        drop(pipe);
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    pub fn does(&self, user: &str, args: &[&str], stdin: &[u8]) -> String {
        let out = self.output(user, args, stdin);
        let (said, complained) =
            (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(
            out.status.success(),
            "{user}: docker {args:?}: {said}{complained}\n{}",
            tail(&self.dockerd.log())
        );
        said.trim_end().to_owned()
    }

    #[track_caller]
    pub fn refused(&self, user: &str, args: &[&str]) -> String {
        let out = self.output(user, args, b"");
        assert!(!out.status.success(), "{user}: docker {args:?} went through");
        String::from_utf8_lossy(&out.stderr).into_owned()
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[test]
fn the_docker_command_works_for_ones_own_and_for_nothing_else() {
    let Some(real) = start() else { return };
    let does = |user: &str, args: &[&str]| real.does(user, args, b"");

    // Running, with and without a terminal's worth of streams.
    assert_eq!(does("alice", &["run", "--rm", IMAGE, "echo", "hi"]), "hi");
    assert_eq!(real.does("alice", &["run", "--rm", "-i", IMAGE, "cat"], b"over"), "over");
    assert_eq!(
        real.output("alice", &["run", "--rm", IMAGE, "sh", "-c", "exit 7"], b"").status.code(),
        Some(7)
    );

    does(
        "alice",
        &["run", "-d", "--init", "--name", "web", IMAGE, "sh", "-c", "echo begun; exec sleep 600"],
    );
    assert_eq!(does("alice", &["ps", "--format", "{{.Names}}"]), "web");
    assert_eq!(does("bob", &["ps", "-a", "--format", "{{.Names}}"]), "");
    assert_eq!(does("admin", &["ps", "--format", "{{.Names}}"]), "web");
    assert_eq!(
        does(
            "alice",
            &[
                "inspect",
                "-f",
                "{{index .Config.Labels \"ds01.user\"}} {{.HostConfig.CgroupParent}} {{.HostConfig.Memory}}",
                "web"
            ]
        ),
        "alice ds01-students-alice.slice 17179869184"
    );
    assert_eq!(does("alice", &["exec", "web", "echo", "in"]), "in");
    assert_eq!(real.does("alice", &["exec", "-i", "web", "cat"], b"half close"), "half close");
    // A megabyte each way, so that buffers fill.
    let much = "0123456789abcdef".repeat(1 << 16);
    assert!(real.does("alice", &["exec", "-i", "web", "cat"], much.as_bytes()) == much);
    assert_eq!(does("alice", &["logs", "web"]), "begun");
    assert!(does("alice", &["top", "web"]).contains("sleep"));
    assert!(
        does("alice", &["stats", "--no-stream", "--format", "{{.Name}}", "web"]).contains("web")
    );

    // Others are told whose it is.
    for args in [
        &["exec", "web", "id"][..],
        &["logs", "web"],
        &["stop", "web"],
        &["rm", "-f", "web"],
        &["inspect", "--type", "container", "web"],
        &["cp", "web:/etc/passwd", "-"],
        &["run", "--rm", "--pid", "container:web", IMAGE, "true"],
    ] {
        let said = real.refused("bob", args);
        assert!(said.contains("Permission denied: container owned by alice"), "{args:?}: {said}");
    }

    // Files both ways.
    let home = real.home("alice");
    write(&home.join("note"), "from outside\n");
    does("alice", &["cp", "note", "web:/tmp/note"]);
    assert_eq!(does("alice", &["exec", "web", "cat", "/tmp/note"]), "from outside");
    does("alice", &["cp", "web:/tmp/note", "back"]);
    assert_eq!(std::fs::read_to_string(home.join("back")).unwrap(), "from outside\n");

    // Volumes, networks, images.
    does("alice", &["volume", "create", "data1"]);
    does(
        "alice",
        &["run", "--rm", "-v", "data1:/d", "-v", "data2:/e", IMAGE, "sh", "-c", "echo kept > /d/f"],
    );
    assert_eq!(
        does(
            "alice",
            &["run", "--rm", "--mount", "type=volume,source=data1,target=/d", IMAGE, "cat", "/d/f"]
        ),
        "kept"
    );
    assert_eq!(does("alice", &["volume", "ls", "-q"]), "data1\ndata2");
    assert_eq!(does("bob", &["volume", "ls", "-q"]), "");
    assert!(
        real.refused("bob", &["run", "--rm", "-v", "data1:/d", IMAGE, "true"])
            .contains("volume owned by alice")
    );
    write(&home.join("Dockerfile"), &format!("FROM {IMAGE}\nRUN echo built > /built\n"));
    does("alice", &["build", "--network", "none", "-t", "ds01-alice/x", "."]);
    assert_eq!(does("alice", &["run", "--rm", "ds01-alice/x", "cat", "/built"]), "built");
    assert!(real.refused("alice", &["build", "-t", "ds01-bob/x", "."]).contains("is not yours"));
    assert!(real.refused("bob", &["rmi", "ds01-alice/x"]).contains("is not yours"));
    does("alice", &["commit", "web", "ds01-alice/snap"]);
    does("alice", &["rmi", "ds01-alice/snap", "ds01-alice/x"]);
    assert!(does("alice", &["images", "-q", IMAGE]).len() >= 12);
    assert!(real.output("alice", &["save", IMAGE], b"").stdout.len() > 10_000);

    // A network may choose among Docker's own ranges; which are free here, the host knows.
    let chosen = (200..240).find(|part| {
        let range = format!("192.168.{part}.0/28");
        real.output("alice", &["network", "create", "--subnet", &range, "chosen"], b"")
            .status
            .success()
    });
    assert!(chosen.is_some());
    does("alice", &["network", "rm", "chosen"]);
    let lab = real.refused("alice", &["network", "create", "--subnet", "10.5.0.0/16", "n"]);
    assert!(lab.contains("cut the host off") && lab.contains("192.168.0.0/16"), "{lab}");

    // What is loaded is one's own, whatever it is called in the archive.
    let saved = real.output("alice", &["save", IMAGE], b"").stdout;
    assert!(real.does("alice", &["load"], &saved).contains(&format!("ds01-alice/{IMAGE}")));
    does("alice", &["rmi", &format!("ds01-alice/{IMAGE}")]);
    does("admin", &["tag", IMAGE, "ds01-bob/box"]);
    let saved = real.output("admin", &["save", "ds01-bob/box"], b"").stdout;
    assert!(
        String::from_utf8_lossy(&real.output("alice", &["load"], &saved).stderr)
            .contains("which is not yours")
    );
    does("admin", &["rmi", "ds01-bob/box"]);

    // Ways out.
    for args in [
        &["run", "--rm", "--privileged", IMAGE, "true"][..],
        &["run", "--rm", "-v", "/:/h", IMAGE, "true"],
        &["run", "--rm", "--pid", "host", IMAGE, "true"],
        &["run", "--rm", "--network", "host", IMAGE, "true"],
        &["run", "--rm", "--cap-add", "SYS_ADMIN", IMAGE, "true"],
        &["run", "--rm", "--device", "/dev/null", IMAGE, "true"],
        &["run", "--rm", "--security-opt", "apparmor=unconfined", IMAGE, "true"],
        &["run", "--rm", "--security-opt", "systempaths=unconfined", IMAGE, "true"],
        &["exec", "--privileged", "web", "true"],
        &["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/", "e1"],
        &["swarm", "init"],
        &["system", "prune", "-f"],
    ] {
        real.refused("alice", args);
    }

    // A follower of the log ends with its container; events are one's own.
    let follow =
        real.command("alice", &["logs", "-f", "web"]).stdout(Stdio::piped()).spawn().unwrap();
    does("alice", &["stop", "-t", "0", "web"]);
    assert_eq!(String::from_utf8_lossy(&follow.wait_with_output().unwrap().stdout), "begun\n");
    // While it is stopped: a daemon without a bridge cannot rename what runs.
    does("alice", &["rename", "web", "web2"]);
    does("alice", &["start", "web2"]);
    let now = does("alice", &["info", "-f", "{{.SystemTime}} {{.Containers}}"]);
    let (until, count) = now.split_once(' ').unwrap();
    assert_eq!(count, "1");
    let events = |user: &str| {
        does(
            user,
            &["events", "--since", "1h", "--until", until, "--format", "{{.Type}} {{.Action}}"],
        )
    };
    assert!(events("alice").contains("container start"));
    assert!(!events("bob").contains("container"));
    does("alice", &["rm", "-f", "web2"]);
    assert_eq!(does("alice", &["container", "prune", "-f"]), "Total reclaimed space: 0B");
    assert!(does("alice", &["system", "df"]).contains("Containers"));
}
