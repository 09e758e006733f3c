//! What a cgroup consumes, read from the kernel's files: cgroup v2, v1, and the mix of both
//! that systemd calls hybrid. Nothing here writes, and nothing knows what a slice is for.
//!
//! What the kernel does not tell is `None`, never zero: a controller may be off, or a
//! counter not exist in that version.

mod files;
mod v1;
mod v2;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ds01_fault::Fault;
use ds01_units::{Bytes, Limit};
use serde::Serialize;

/// What a cgroup has consumed and what it may.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time since it was made, in microseconds.
    pub cpu_usec: Option<u64>,
    /// In percent of one CPU.
    pub cpu_quota: Option<Limit<f64>>,
    pub memory: Option<Bytes>,
    pub memory_max: Option<Limit<Bytes>>,
    /// How often its own memory limit was in the way.
    pub memory_limit_hits: Option<u64>,
    /// Processes killed for want of memory in it and below. v1 forgets those of a cgroup
    /// that is gone.
    pub oom_kills: Option<u64>,
    pub tasks: Option<u64>,
    pub tasks_max: Option<Limit<u64>>,
    pub pressure: Pressure,
}

/// Percent of the last ten seconds in which something in it waited for a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pressure {
    pub cpu: Option<f64>,
    pub memory: Option<f64>,
    pub io: Option<f64>,
}

/// The cgroup tree as it is mounted.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// Where every system has it.
pub const ROOT: &str = "/sys/fs/cgroup";

impl Tree {
    /// The tree mounted at `root`.
    pub fn at(root: &Path) -> Result<Self, Fault> {
        let version = if root.join("cgroup.controllers").exists() {
            Version::V2
        } else if v1::CONTROLLERS.iter().any(|name| root.join(name).is_dir()) {
            Version::V1
        } else {
            return Err(Fault::unreachable(format!(
                "there is no cgroup tree at {}",
                root.display()
            ))
            .why("neither cgroup.controllers (v2) nor a controller's directory (v1) is there")
            .todo("mount it, or name the right place with --cgroup-root"));
        };
        Ok(Self { root: root.to_owned(), version })
    }

    /// Whether there is such a cgroup.
    pub fn has(&self, path: &str) -> bool {
        self.hierarchies().iter().any(|top| top.join(path).is_dir())
    }

    /// The names of the cgroups right below `path`, sorted.
    pub fn children(&self, path: &str) -> Vec<String> {
        let names: BTreeSet<_> =
            self.hierarchies().iter().flat_map(|top| files::directories(&top.join(path))).collect();
        names.into_iter().collect()
    }

    /// What the cgroup at `path`, below the root, consumes and may consume.
    pub fn usage(&self, path: &str) -> Usage {
        match self.version {
            Version::V2 => v2::usage(&self.root.join(path)),
            Version::V1 => v1::usage(&self.root, path),
        }
    }

    /// Where the cgroups begin that there are.
    fn hierarchies(&self) -> Vec<PathBuf> {
        match self.version {
            Version::V2 => vec![self.root.clone()],
            Version::V1 => v1::telling(&self.root),
        }
    }
}
