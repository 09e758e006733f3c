//! One slice, as it is shown.

use std::time::Duration;

use ds01_cgroup::{Pressure, Tree};
use ds01_names::{Place, SliceName};
use ds01_units::{Bytes, Limit};
use serde::Serialize;

/// What a slice consumes. A limit that is `null` is none; anything else that is `null` is
/// not known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub slice: String,
    pub group: Option<String>,
    pub user: Option<String>,
    /// Containers right in it.
    pub containers: usize,
    /// CPU time since the slice was made.
    pub cpu_seconds: Option<f64>,
    /// Percent of one CPU, over `--interval`.
    pub cpu_percent: Option<f64>,
    pub cpu_quota: Option<f64>,
    pub memory: Option<Bytes>,
    pub memory_max: Option<Bytes>,
    pub memory_limit_hits: Option<u64>,
    pub oom_kills: Option<u64>,
    pub tasks: Option<u64>,
    pub tasks_max: Option<u64>,
    /// Percent of the last ten seconds in which something in it had to wait.
    pub pressure: Pressure,
    #[serde(skip)]
    cpu_usec: Option<u64>,
}

impl Row {
    pub fn of(tree: &Tree, name: &SliceName) -> Self {
        let path = name.cgroup();
        let usage = tree.usage(&path);
        let (group, user) = match name.place() {
            Place::Root => (None, None),
            Place::Group(group) => (group, None),
            Place::User { group, user } => (group, user),
        };
        let containers =
            tree.children(&path).iter().filter(|name| name.ends_with(".scope")).count();
        Self {
            slice: name.to_string(),
            group,
            user,
            containers,
            cpu_seconds: usage.cpu_usec.map(|usec| usec as f64 / 1e6),
            cpu_percent: None,
            cpu_quota: limit(usage.cpu_quota),
            memory: usage.memory,
            memory_max: limit(usage.memory_max),
            memory_limit_hits: usage.memory_limit_hits,
            oom_kills: usage.oom_kills,
            tasks: usage.tasks,
            tasks_max: limit(usage.tasks_max),
            pressure: usage.pressure,
            cpu_usec: usage.cpu_usec,
        }
    }

    /// Fills in the rate since an earlier look. A slice that was made anew in between has
    /// begun to count from zero: then the rate is not known.
    pub(crate) fn watch(&mut self, earlier: Option<u64>, took: Duration) {
        self.cpu_percent = self.cpu_usec.zip(earlier).and_then(|(now, then)| {
            let used = now.checked_sub(then)? as f64 / 1e6;
            let percent = used / took.as_secs_f64() * 100.0;
            percent.is_finite().then(|| (percent * 10.0).round() / 10.0)
        });
    }
}

fn limit<T: Copy>(limit: Option<Limit<T>>) -> Option<T> {
    limit.as_ref().and_then(Limit::max).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_difference_over_the_time_it_took() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cgroup.controllers"), "").unwrap();
        let cgroup = dir.path().join("ds01.slice");
        std::fs::create_dir(&cgroup).unwrap();
        std::fs::write(cgroup.join("cpu.stat"), "usage_usec 3000000\n").unwrap();
        let mut row = Row::of(&Tree::at(dir.path()).unwrap(), &SliceName::root());
        assert_eq!((row.cpu_seconds, row.cpu_percent), (Some(3.0), None));
        let mut rate = |earlier, seconds| {
            row.watch(earlier, Duration::from_secs(seconds));
            row.cpu_percent
        };
        assert_eq!(rate(Some(0), 2), Some(150.0));
        assert_eq!(rate(Some(4_000_000), 2), None, "made anew in between");
        assert_eq!(rate(None, 2), None);
        assert_eq!(rate(Some(0), 0), None);
    }
}
