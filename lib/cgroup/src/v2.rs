//! cgroup v2: one tree, every counter with its children's in it.

use std::path::Path;

use ds01_units::{Bytes, Limit};

use crate::Usage;
use crate::files::{keyed, limit, number, percent, pressure, text};

pub(crate) fn usage(cgroup: &Path) -> Usage {
    let events = cgroup.join("memory.events");
    Usage {
        cpu_usec: keyed(&cgroup.join("cpu.stat"), "usage_usec"),
        cpu_quota: text(&cgroup.join("cpu.max")).and_then(|text| quota(&text)),
        memory: number(&cgroup.join("memory.current")).map(Bytes),
        memory_max: limit(&cgroup.join("memory.max")).map(|limit| limit.map(Bytes)),
        memory_limit_hits: keyed(&cgroup.join("memory.events.local"), "max")
            .or_else(|| keyed(&events, "max")),
        oom_kills: keyed(&events, "oom_kill"),
        tasks: number(&cgroup.join("pids.current")),
        tasks_max: limit(&cgroup.join("pids.max")),
        pressure: pressure(cgroup),
    }
}

/// `max 100000`, or quota and period.
fn quota(text: &str) -> Option<Limit<f64>> {
    let (quota, period) = text.trim().split_once(' ')?;
    if quota == "max" {
        return Some(Limit::None);
    }
    percent(quota.parse().ok()?, period.parse().ok()?).map(Limit::Max)
}
