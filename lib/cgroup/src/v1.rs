//! cgroup v1: a tree for each controller; a cgroup may be in some and not in others.

use std::path::{Path, PathBuf};

use ds01_units::{Bytes, Limit};

use crate::Usage;
use crate::files::{directories, keyed, limit, number, percent, pressure, text};

/// The trees, by where they are mounted. systemd keeps its own and the empty v2 tree of the
/// hybrid layout complete and tidy. The others hold what needs them, and some hold remains:
/// runc makes cgroups there that nobody removes.
pub(crate) const CONTROLLERS: [&str; 7] =
    ["systemd", "unified", "memory", "pids", "cpu,cpuacct", "cpuacct", "cpu"];

/// The trees that say which cgroups there are.
pub(crate) fn telling(root: &Path) -> Vec<PathBuf> {
    let mounted = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| root.join(name)).filter(|top| top.is_dir()).collect()
    };
    let tidy = mounted(&CONTROLLERS[..1]);
    if tidy.is_empty() { mounted(&CONTROLLERS[1..]) } else { tidy }
}

/// What `memory.limit_in_bytes` says where there is no limit: the largest number of pages.
const NO_LIMIT: u64 = i64::MAX as u64 / 4096 * 4096;

pub(crate) fn usage(root: &Path, path: &str) -> Usage {
    let [cpuacct, cpu] = ["cpuacct", "cpu"].map(|name| joined(root, name, path));
    let memory = root.join("memory").join(path);
    let pids = root.join("pids").join(path);
    let unified = root.join("unified").join(path);
    Usage {
        // The empty v2 tree counts CPU time too, and systemd may leave cpuacct out.
        cpu_usec: keyed(&unified.join("cpu.stat"), "usage_usec")
            .or_else(|| number(&cpuacct.join("cpuacct.usage")).map(|nanos| nanos / 1000)),
        cpu_quota: quota(&cpu),
        memory: number(&memory.join("memory.usage_in_bytes")).map(Bytes),
        memory_max: number(&memory.join("memory.limit_in_bytes"))
            .map(|bytes| if bytes >= NO_LIMIT { Limit::None } else { Limit::Max(Bytes(bytes)) }),
        memory_limit_hits: number(&memory.join("memory.failcnt")),
        oom_kills: oom_kills(&memory),
        tasks: number(&pids.join("pids.current")),
        tasks_max: limit(&pids.join("pids.max")),
        pressure: pressure(&unified),
    }
}

/// The two CPU controllers are mounted together on most systems, with links for each or not.
fn joined(root: &Path, controller: &str, path: &str) -> PathBuf {
    let own = root.join(controller);
    let top = if own.is_dir() { own } else { root.join("cpu,cpuacct") };
    top.join(path)
}

fn quota(cpu: &Path) -> Option<Limit<f64>> {
    let quota: i64 = text(&cpu.join("cpu.cfs_quota_us"))?.trim().parse().ok()?;
    if quota < 0 {
        return Some(Limit::None);
    }
    percent(quota as f64, number(&cpu.join("cpu.cfs_period_us"))? as f64).map(Limit::Max)
}

/// v1 counts a kill in the victim's own cgroup alone, so those below are added.
fn oom_kills(memory: &Path) -> Option<u64> {
    let own = keyed(&memory.join("memory.oom_control"), "oom_kill")?;
    let below = directories(memory).into_iter().filter_map(|name| oom_kills(&memory.join(name)));
    Some(own + below.sum::<u64>())
}
