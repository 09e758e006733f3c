//! Builds through the door with a real daemon: BuildKit as the docker command of 20.10
//! speaks it, and as buildx does, against the engines of two Debian releases.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use dfilter::Mode;
use ds01_test_dockerd::{Dockerd, IMAGE, later, plugins};

use crate::lab::{self, uid};

/// A daemon, a door before it, and a docker command.
struct Site {
    dockerd: Dockerd,
    dir: tempfile::TempDir,
    socket: PathBuf,
    client: PathBuf,
}

fn site(dockerd: Dockerd, client: PathBuf) -> Site {
    let dir = lab::scratch();
    let own = dir.path().join("docker");
    std::fs::copy(client, &own).unwrap();
    let socket = lab::open(&dir, lab::CONFIG, Mode::Enforce, dockerd.socket());
    Site { dockerd, dir, socket, client: own }
}

impl Site {
    fn home(&self, user: &str) -> PathBuf {
        let home = self.dir.path().join(user);
        if std::fs::create_dir(&home).is_ok() {
            std::fs::create_dir_all(home.join(".docker/cli-plugins")).unwrap();
            if let Some(plugins) = plugins() {
                for name in ["docker-buildx", "docker-compose"] {
                    let to = home.join(".docker/cli-plugins").join(name);
                    std::fs::copy(plugins.join(name), to).unwrap();
                }
            }
            let all =
                Command::new("chown").args(["-R", &uid(user).to_string()]).arg(&home).status();
            assert!(all.unwrap().success());
        }
        home
    }

    fn command(&self, user: &str, args: &[&str]) -> Command {
        self.prepared(user, Command::new(&self.client), args)
    }

    fn prepared(&self, user: &str, mut command: Command, args: &[&str]) -> Command {
        let home = self.home(user);
        command
            .args(args)
            .env_clear()
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .env("PATH", "/usr/bin:/bin")
            .env("DOCKER_BUILDKIT", "1")
            .env("BUILDKIT_PROGRESS", "plain")
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .current_dir(&home)
            .uid(uid(user))
            .gid(uid(user));
        command
    }

    /// Runs it to its end. One that hangs says so, with what all its threads wait for.
    fn output(&self, user: &str, args: &[&str]) -> Output {
        let mut command = Command::new("timeout");
        command.args(["--signal=QUIT", "120"]).arg(&self.client);
        self.prepared(user, command, args).output().unwrap()
    }

    #[track_caller]
    fn does(&self, user: &str, args: &[&str]) -> String {
        let out = self.output(user, args);
        let said = text(&out);
        assert!(out.status.success(), "{user}: docker {args:?}: {said}\n{}", self.dockerd.log());
        said
    }

    /// What a container of an image prints.
    #[track_caller]
    fn prints(&self, user: &str, image: &str, args: &[&str]) -> String {
        let run = ["run", "--rm", "--network", "none", image];
        let out = self.output(user, &[&run[..], args].concat());
        assert!(out.status.success(), "{user}: {image} {args:?}: {}", text(&out));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    #[track_caller]
    fn refused(&self, user: &str, args: &[&str]) -> String {
        let out = self.output(user, args);
        assert!(!out.status.success(), "{user}: docker {args:?} went through: {}", text(&out));
        text(&out)
    }
}

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// What the docker command of a generation can be asked for.
#[derive(Clone, Copy, PartialEq)]
enum Cli {
    Old,
    Buildx,
}

/// Steps that run do so without a network: the test's daemon has none.
const BUILD: [&str; 3] = ["build", "--network", "none"];

fn write(site: &Site, user: &str, name: &str, text: &str) {
    std::fs::write(site.home(user).join(name), text).unwrap();
}

/// Builds in a directory of the user's own with this Dockerfile.
#[track_caller]
fn build(site: &Site, user: &str, dockerfile: &str, args: &[&str]) -> String {
    write(site, user, "Dockerfile", &format!("FROM {IMAGE}\n{dockerfile}\n"));
    site.does(user, &[&BUILD[..], args, &["."]].concat())
}

fn everything(site: &Site, cli: Cli) {
    names(site, cli);
    limits_of_a_build(site, cli);
    caches(site);
    files_keys_and_secrets(site);
    given_up(site);
}

fn names(site: &Site, cli: Cli) {
    build(site, "alice", "LABEL ds01.gpu.uuids=forged\nRUN echo built > /built", &["-t", "built"]);
    let inspect = |user: &str, what: &str| {
        site.does(user, &["image", "inspect", "-f", what, "ds01-alice/built"]).trim().to_owned()
    };
    assert_eq!(inspect("alice", "{{index .Config.Labels \"ds01.user\"}}"), "alice");
    assert_eq!(inspect("alice", "{{join .RepoTags \" \"}}"), "ds01-alice/built:latest");
    assert_eq!(site.prints("alice", "built", &["cat", "/built"]), "built\n");
    // An ordinary build asks for nothing that is refused, nor for what looks so in the log.
    let log = site.dir.path().join("root/var/log/ds01/door.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let denied: Vec<&str> = log.lines().filter(|line| line.contains("\"deny\"")).collect();
    assert!(denied.is_empty(), "{denied:#?}");
    // Bob's is another, under the same name.
    build(site, "bob", "RUN echo bobs > /built", &["-t", "built"]);
    assert_eq!(site.prints("bob", "built", &["cat", "/built"]), "bobs\n");
    assert_eq!(site.prints("alice", "built", &["cat", "/built"]), "built\n");
    let said = site.refused("alice", &[&BUILD[..], &["-t", "ds01-bob/built", "."]].concat());
    assert!(said.contains("the image name `ds01-bob/built` is not yours"), "{said}");
    assert!(said.contains("use ds01-alice/NAME"), "{said}");
    assert_eq!(site.prints("bob", "built", &["cat", "/built"]), "bobs\n");
    let said = site.refused("alice", &[&BUILD[..], &["--label", "ds01.user=bob", "."]].concat());
    assert!(said.contains("names somebody else"), "{said}");
    // An argument that names an image means one's own first.
    write(site, "alice", "Dockerfile", "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nRUN cat /built\n");
    let args = ["--no-cache", "--build-arg", "BASE_IMAGE=built", "--iidfile", "id", "."];
    let said = site.does("alice", &[&BUILD[..], &args].concat());
    if cli == Cli::Buildx {
        assert!(said.contains(" built\n"), "{said}");
    }
    assert!(site.home("alice").join("id").exists());
    // An admin names what all share.
    build(site, "admin", "RUN echo shared > /shared", &["-t", "shared"]);
    assert_eq!(site.prints("bob", "shared", &["cat", "/shared"]), "shared\n");
}

fn limits_of_a_build(site: &Site, cli: Cli) {
    let refused = |args: &[&str]| site.refused("alice", &[&["build"], args, &["."]].concat());
    write(site, "alice", "Dockerfile", &format!("FROM {IMAGE}\nRUN true\n"));
    for args in [&["--network", "host"][..], &["--ulimit", "nofile=9:9"]] {
        let said = refused(args);
        assert!(said.contains("why:") && said.contains("do:"), "{args:?}: {said}");
    }
    assert!(refused(&["--network", "host"]).to_lowercase().contains("network"));
    if cli == Cli::Buildx {
        for allowed in ["network.host", "security.insecure"] {
            let said = refused(&["--network", "none", "--allow", allowed]);
            assert!(said.contains("PermissionDenied"), "{allowed}: {said}");
        }
        for args in [&["buildx", "du"][..], &["buildx", "prune", "-f"]] {
            let said = site.refused("alice", args);
            assert!(said.contains("is for admins"), "{args:?}: {said}");
        }
        assert!(site.does("admin", &["buildx", "du"]).contains("Total:"));
        assert!(site.does("alice", &["buildx", "ls"]).contains("docker"));
        site.does("alice", &["buildx", "inspect"]);
    }
    let said = site.refused("alice", &["builder", "prune", "-f"]);
    assert!(said.contains("is for admins"), "{said}");
}

/// A cache that steps mount under one name is each person's own.
fn caches(site: &Site) {
    let step = |said: &str| {
        format!("RUN --mount=type=cache,id=pip,target=/c echo {said} >> /c/f; cat /c/f > /seen")
    };
    let seen = |user: &str, said: &str| {
        build(site, user, &step(said), &["-t", "cached"]);
        site.prints(user, "cached", &["cat", "/seen"])
    };
    assert_eq!(seen("alice", "one"), "one\n");
    assert_eq!(seen("alice", "two"), "one\ntwo\n");
    assert_eq!(seen("bob", "three"), "three\n");
}

/// What goes over the session: a context, secrets, an agent's socket, and what comes back.
fn files_keys_and_secrets(site: &Site) {
    let home = site.home("alice");
    let large = "0123456789abcdef".repeat(2 << 20);
    std::fs::create_dir_all(home.join("big")).unwrap();
    std::fs::write(home.join("big/file"), &large).unwrap();
    write(
        site,
        "alice",
        "big/Dockerfile",
        &format!("FROM {IMAGE}\nCOPY file /file\nRUN wc -c < /file > /size\n"),
    );
    site.does("alice", &[&BUILD[..], &["-t", "big", "big"]].concat());
    let size = site.prints("alice", "big", &["cat", "/size"]);
    assert_eq!(size.trim(), large.len().to_string());
    std::fs::remove_dir_all(home.join("big")).unwrap();

    write(site, "alice", "token", "hush");
    let args = ["--secret", "id=t,src=token", "-t", "secret"];
    build(site, "alice", "RUN --mount=type=secret,id=t wc -c < /run/secrets/t > /length", &args);
    assert_eq!(site.prints("alice", "secret", &["cat", "/length"]), "4\n");

    let agent = home.join("agent");
    let listener = std::os::unix::net::UnixListener::bind(&agent).unwrap();
    std::os::unix::fs::chown(&agent, Some(uid("alice")), None).unwrap();
    build(
        site,
        "alice",
        "RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && touch /keys",
        &["--ssh", &format!("default={}", agent.display()), "-t", "keys"],
    );
    site.prints("alice", "keys", &["ls", "/keys"]);
    drop(listener);
    std::fs::remove_file(agent).unwrap();

    build(site, "alice", "RUN echo out > /out", &["-o", "type=local,dest=back"]);
    assert_eq!(std::fs::read_to_string(home.join("back/out")).unwrap(), "out\n");
    std::fs::remove_dir_all(home.join("back")).unwrap();
}

/// Whether a process of this command line runs on the machine.
fn runs(line: &str) -> bool {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " ").trim() == line)
}

#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("after a minute still not: {what}");
}

/// A client that ends in the middle takes its build along, however it ends.
fn given_up(site: &Site) {
    for (nth, signal) in ["-INT", "-KILL"].into_iter().enumerate() {
        // A number of its own, to be told from any other test's.
        let line = format!("sleep {}{nth}", 100_000 + std::process::id());
        let step = format!("FROM {IMAGE}\nRUN exec {line}\n");
        write(site, "alice", "Dockerfile", &step);
        let mut client = site.command("alice", &[&BUILD[..], &["."]].concat());
        let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the step runs", || runs(&line));
        let kill = Command::new("kill").args([signal, &client.id().to_string()]).status();
        assert!(kill.unwrap().success());
        client.wait().unwrap();
        until("the step is gone", || !runs(&line));
    }
}

/// What came with later engines.
fn only_buildx(site: &Site) {
    // Whoever says `FROM built` means their own, though the door does not see it.
    for (user, own) in [("alice", "built\n"), ("bob", "bobs\n")] {
        write(site, user, "Dockerfile", "FROM built\nRUN cat /built > /again\n");
        site.does(user, &[&BUILD[..], &["-t", "again", "."]].concat());
        assert_eq!(site.prints(user, "again", &["cat", "/again"]), own);
    }
    // An image as a named context, one's own first; a result for a program.
    write(site, "alice", "Dockerfile", "FROM base\nRUN cat /built > /again\n");
    let args = ["--build-context", "base=docker-image://built", "--metadata-file", "about.json"];
    site.does("alice", &[&BUILD[..], &args, &["--load", "-t", "again", "."]].concat());
    assert_eq!(site.prints("alice", "again", &["cat", "/again"]), "built\n");
    let about = std::fs::read_to_string(site.home("alice").join("about.json")).unwrap();
    assert!(about.contains("containerimage.digest"), "{about}");
    let args = ["--build-context", "base=docker-image://ds01-bob/built"];
    let said = site.refused("alice", &[&BUILD[..], &args, &["."]].concat());
    assert!(said.contains("image owned by ds01-bob"), "{said}");

    // Two targets, the second on top of the first: its steps come from the client.
    write(site, "alice", "one.Dockerfile", &format!("FROM {IMAGE}\nRUN echo one > /one\n"));
    write(site, "alice", "two.Dockerfile", "FROM first\nRUN cat /one > /two\n");
    let bake = "services:
  one: {build: {context: ., dockerfile: one.Dockerfile, network: none}}
  two:
    image: two
    build:
      {context: ., dockerfile: two.Dockerfile, network: none, additional_contexts: {first: 'target:one'}}
";
    write(site, "alice", "bake.yaml", bake);
    site.does("alice", &["buildx", "bake", "-f", "bake.yaml", "one", "two"]);
    assert_eq!(site.prints("alice", "two", &["cat", "/two"]), "one\n");
}

fn compose(site: &Site) {
    let file =
        "services: {web: {build: {context: ., network: none}, image: web, network_mode: none}}\n";
    write(site, "alice", "compose.yaml", file);
    write(site, "alice", "Dockerfile", &format!("FROM {IMAGE}\nRUN echo composed > /composed\n"));
    site.does("alice", &["compose", "build"]);
    assert_eq!(site.prints("alice", "web", &["cat", "/composed"]), "composed\n");
}

#[test]
fn the_docker_command_of_20_10_builds_with_buildkit() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let client = dockerd.client();
    everything(&site(dockerd, client), Cli::Old);
}

#[test]
fn buildx_and_compose_build_on_an_engine_of_20_10() {
    let (Some(later), Some(_)) = (later(), plugins()) else { return };
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let site = site(dockerd, later.join("usr/bin/docker"));
    names(&site, Cli::Buildx);
    limits_of_a_build(&site, Cli::Buildx);
    compose(&site);
}

#[test]
fn buildx_and_compose_build_on_a_later_engine() {
    let (Some(later), Some(_)) = (later(), plugins()) else { return };
    let Some(dockerd) = Dockerd::start_later_or_skip() else { return };
    let site = site(dockerd, later.join("usr/bin/docker"));
    everything(&site, Cli::Buildx);
    only_buildx(&site);
    compose(&site);
}
