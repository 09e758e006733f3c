//! What the config promises, from files to limits and messages.

#![expect(clippy::unwrap_used, reason = "what a test sets up is sound, or the test fails")]

mod bad_input;
mod diagnostics;
mod examples;
mod laws;
mod people;
mod precedence;

use std::fs;
use std::path::PathBuf;

use ds01_config::{Config, Limits, Report};
use ds01_fault::Fault;
use ds01_units::Stamp;
use tempfile::TempDir;

/// A directory with a config and what belongs to it.
struct Lab {
    directory: TempDir,
}

impl Lab {
    fn new(config: impl AsRef<[u8]>) -> Self {
        let lab = Self { directory: tempfile::tempdir().unwrap() };
        lab.with("resource-limits.yaml", config)
    }
    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
    fn path(&self) -> PathBuf {
        self.directory.path().join("resource-limits.yaml")
    }
    fn read(&self) -> Result<Config, Fault> {
        Config::read(&self.path())
    }
    /// The limits of `user` in the middle of 2026.
    fn limits(&self, user: &str) -> Limits {
        self.read().unwrap().resolve(user, now())
    }
    /// Everything wrong, where `account` is the only account besides the members.
    fn check(&self) -> Report {
        Config::check(&self.path(), now(), &|name| name == "account")
    }
    /// Messages with their places, such as `3:5 error unknown key`.
    fn messages(&self) -> Vec<String> {
        self.check().diagnostics.iter().map(short).collect()
    }
}

fn short(one: &ds01_config::Diagnostic) -> String {
    let severity = match one.severity {
        ds01_config::Severity::Error => "error",
        ds01_config::Severity::Warning => "warning",
    };
    format!("{}:{} {severity} {}", one.line, one.column, one.message)
}

fn now() -> Stamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}
