//! A Docker daemon of a test's own: own socket, data and exec root, config and `/run`, no
//! bridge, no iptables. For tests only; what starts and ends it is the script
//! `private-dockerd` beside this crate, which the bats suites use too.
//!
//! The daemon lives as long as its [`Dockerd`], or as long as the test process should that be
//! killed: the script notices that its standard input has ended.
#![allow(clippy::print_stderr)] // Where a test is skipped, its reader is told why.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

/// A running daemon. Dropping it ends the daemon and all its containers, and waits for that.
#[derive(Debug)]
pub struct Dockerd {
    keeper: Child,
    /// Open as long as the daemon is to live.
    life: Option<ChildStdin>,
    dir: PathBuf,
    engine: PathBuf,
}

/// Why there is no daemon: what the script said, in words.
#[derive(Debug)]
pub struct Unavailable(pub String);

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Unavailable {}

/// The image every daemon knows: a busybox.
pub const IMAGE: &str = "lab-busybox";

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

impl Dockerd {
    /// Start one, with nothing in its environment but the test's own.
    pub fn start() -> Result<Self, Unavailable> {
        Self::start_with(std::iter::empty::<(&str, &str)>())
    }

    /// Start one with further variables; the runtime hook sees them too, so `NVML_SIM_WORLD`
    /// chooses the board that `--gpus` takes its devices from.
    pub fn start_with<K, V>(env: impl IntoIterator<Item = (K, V)>) -> Result<Self, Unavailable>
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let engine = Command::new(script("engine"))
            .arg("--check")
            .output()
            .map_err(|why| Unavailable(format!("tests/dockerd/engine: {why}")))?;
        if !engine.status.success() {
            return Err(Unavailable(text(&engine.stderr)));
        }
        let engine = PathBuf::from(text(&engine.stdout));

        let mut keeper = Command::new(script("private-dockerd"))
            .envs(env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|why| Unavailable(format!("tests/dockerd/private-dockerd: {why}")))?;
        let life = keeper.stdin.take();
        let mut ready = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            // It has a deadline of its own, so this ends.
            let _ = BufReader::new(stdout).read_line(&mut ready);
        }
        match ready.trim().strip_prefix("ready ") {
            Some(dir) => Ok(Self { keeper, life, dir: dir.into(), engine }),
            None => {
                drop(life);
                let said = keeper.wait_with_output().map(|out| text(&out.stderr));
                Err(Unavailable(said.unwrap_or_else(|why| why.to_string())))
            }
        }
    }

    /// Start the later release's daemon, or say why not and return none: it is fetched from
    /// where not every machine may reach.
    pub fn start_later_or_skip() -> Option<Self> {
        later()?;
        match Self::start_with([("DS01_TEST_ENGINE", "later")]) {
            Ok(dockerd) => Some(dockerd),
            Err(why) => {
                eprintln!("skipped, for there is no later dockerd: {why}");
                None
            }
        }
    }

    /// Start one, or say why not and return none, so that the test can end: where there is no
    /// root or no engine, as on a laptop. In CI every test is required, and it panics instead.
    #[allow(clippy::panic)]
    pub fn start_or_skip() -> Option<Self> {
        match Self::start() {
            Ok(dockerd) => Some(dockerd),
            Err(why) if std::env::var_os("CI").is_some() => panic!("no private dockerd: {why}"),
            Err(why) => {
                eprintln!("skipped, for there is no private dockerd: {why}");
                None
            }
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("docker.sock")
    }
    /// Where all of it lies; `log` in it is the daemon's log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// The folder with dockerd, docker, containerd and runc of this engine.
    pub fn client(&self) -> PathBuf {
        self.engine.join("root/usr/bin/docker")
    }
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// The docker client of the same engine, aimed at this daemon, with its own config.
    pub fn docker<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut docker = Command::new(self.client());
        docker
            .env_remove("DOCKER_CONTEXT")
            .env("DOCKER_CONFIG", self.dir.join("cli"))
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .args(args);
        docker
    }

    /// Run a docker command to its end; its output, trimmed. Panics, with what it said, if it
    /// fails.
    #[allow(clippy::panic)]
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let mut command = self.docker(args);
        match command.output() {
            Ok(Output { status, stdout, .. }) if status.success() => text(&stdout),
            Ok(out) => panic!("{command:?}: {}: {}", out.status, text(&out.stderr)),
            Err(why) => panic!("{command:?}: {why}"),
        }
    }
}

/// The folder of a later Debian release's docker and dockerd, if it was fetched.
pub fn later() -> Option<PathBuf> {
    fetched(Command::new(script("later")).arg("--check"))
}

/// The folder of buildx and compose, as plugins of the docker command, if they were fetched.
pub fn plugins() -> Option<PathBuf> {
    let found = fetched(Command::new(script("../lab/clients")).args(["--check", "compose"]));
    found.map(|place| place.join("usr/libexec/docker/cli-plugins"))
}

fn fetched(script: &mut Command) -> Option<PathBuf> {
    match script.output() {
        Ok(out) if out.status.success() => Some(PathBuf::from(text(&out.stdout))),
        Ok(out) => {
            eprintln!("skipped: {}", text(&out.stderr));
            None
        }
        Err(why) => {
            eprintln!("skipped: {script:?}: {why}");
            None
        }
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        drop(self.life.take());
        let _ = self.keeper.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
