//! A site of its own with a simulated board.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const CONFIG: &str = "
defaults: {max_mig_instances: 3, gpu_hold_after_stop: 24h, max_runtime: 48h}
default_group: students
groups:
  students: {members: [alice, bob], max_gpu_equivalents: 2.0}
  large: {members: [carol], max_mig_instances: null, max_gpu_equivalents: null}
  nohold: {members: [dave], gpu_hold_after_stop: 0s}
";

pub struct Lab {
    root: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }
}

impl Lab {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc/ds01");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("resource-limits.yaml"), CONFIG).unwrap();
        Self { root, env: vec![] }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    pub fn set(&mut self, name: &'static str, value: &str) {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub fn ledger(&self) -> PathBuf {
        self.path("var/lib/ds01/gpu")
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_remove("DS01_CALLER_UID")
            .env_remove("DOCKER_HOST")
            .env("DS01_ROOT", self.root.path())
            .env("DS01_NVML_LIB", nvml_sim::library())
            .env("NVML_SIM_WORLD", world())
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, line: &str) -> Said {
        self.run_with(line, "")
    }

    pub fn run_with(&self, line: &str, stdin: &str) -> Said {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.run_words(&words, stdin)
    }

    pub fn run_words(&self, words: &[&str], stdin: &str) -> Said {
        let mut child = self
            .command(env!("CARGO_BIN_EXE_gpu-alloc"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // A command that refuses before it reads closes the pipe.
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        said(child.wait_with_output().unwrap())
    }

    pub fn give(&self, user: &str, name: &str) -> Said {
        self.run(&format!("allocate --user {user} --container {name}._.{user}"))
    }
}

/// Four whole GPUs.
pub fn world() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/worlds/a100x4.json")
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
