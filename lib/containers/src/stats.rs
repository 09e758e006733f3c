//! What a container consumes, from two looks at the daemon's raw counters: rates are
//! differences, so what was once downloaded does not count for ever (pitfall 23).

use std::time::{Duration, Instant};

use ds01_docker::Docker;
use ds01_fault::Fault;
use ds01_units::Bytes;
use serde::Serialize;
use serde_json::Value;

/// One look.
#[derive(Clone, Debug)]
pub struct Sample {
    at: Instant,
    raw: Value,
}

/// Of a container, between two looks. `null` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Consumed {
    /// Percent of one CPU.
    pub cpu_percent: Option<f64>,
    pub memory: Option<Bytes>,
    pub memory_limit: Option<Bytes>,
    pub tasks: Option<u64>,
    /// Bytes a second.
    pub received: Option<u64>,
    pub sent: Option<u64>,
    pub read: Option<u64>,
    pub written: Option<u64>,
}

impl Sample {
    pub fn take(docker: &Docker, id: &str) -> Result<Self, Fault> {
        // Without `one-shot` the daemon waits a second or two for a look of its own.
        let query = [("stream", "0"), ("one-shot", "1")];
        let raw = docker.get(&["containers", id, "stats"], &query)?;
        Ok(Self { at: Instant::now(), raw })
    }

    /// What was consumed since `before`.
    pub fn since(&self, before: &Self) -> Consumed {
        consumed(&before.raw, &self.raw, self.at.duration_since(before.at))
    }
}

fn consumed(before: &Value, after: &Value, time: Duration) -> Consumed {
    let memory = &after["memory_stats"];
    let rate = |of: &dyn Fn(&Value) -> Option<u64>| {
        // Counters that went back are another container's life.
        let moved = of(after)?.checked_sub(of(before)?)?;
        (!time.is_zero()).then(|| (moved as f64 / time.as_secs_f64()) as u64)
    };
    Consumed {
        cpu_percent: cpu(before, after),
        memory: memory["usage"].as_u64().map(|usage| {
            // The kernel's cache of files goes when somebody needs the room; as `docker stats`.
            let cache = memory["stats"]["inactive_file"]
                .as_u64()
                .or_else(|| memory["stats"]["total_inactive_file"].as_u64());
            Bytes(usage.saturating_sub(cache.unwrap_or(0)))
        }),
        memory_limit: memory["limit"].as_u64().map(Bytes),
        tasks: after["pids_stats"]["current"].as_u64(),
        received: rate(&|raw| network(raw, "rx_bytes")),
        sent: rate(&|raw| network(raw, "tx_bytes")),
        read: rate(&|raw| disk(raw, "read")),
        written: rate(&|raw| disk(raw, "write")),
    }
}

fn cpu(before: &Value, after: &Value) -> Option<f64> {
    let moved = |of: &dyn Fn(&Value) -> Option<u64>| of(after)?.checked_sub(of(before)?);
    let own = moved(&|raw| raw["cpu_stats"]["cpu_usage"]["total_usage"].as_u64())?;
    let all = moved(&|raw| raw["cpu_stats"]["system_cpu_usage"].as_u64()).filter(|all| *all > 0)?;
    let cpus = after["cpu_stats"]["online_cpus"].as_u64().filter(|cpus| *cpus > 0)?;
    Some((own as f64 / all as f64 * cpus as f64 * 1000.0).round() / 10.0)
}

/// Over all interfaces; a container with the host's network has none of its own.
fn network(raw: &Value, key: &str) -> Option<u64> {
    raw["networks"].as_object()?.values().map(|one| one[key].as_u64()).sum()
}

fn disk(raw: &Value, op: &str) -> Option<u64> {
    let all = raw["blkio_stats"]["io_service_bytes_recursive"].as_array()?;
    let own =
        all.iter().filter(|one| one["op"].as_str().is_some_and(|is| is.eq_ignore_ascii_case(op)));
    own.map(|one| one["value"].as_u64()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(cpu: u64, rx: u64) -> Value {
        json!({
            "cpu_stats": {"cpu_usage": {"total_usage": cpu}, "system_cpu_usage": cpu * 4, "online_cpus": 8},
            "memory_stats": {"usage": 100, "limit": 1000, "stats": {"inactive_file": 40}},
            "pids_stats": {"current": 3}, "networks": {"eth0": {"rx_bytes": rx, "tx_bytes": 0}},
            "blkio_stats": {"io_service_bytes_recursive": null},
        })
    }

    #[test]
    fn rates_are_differences_and_a_great_total_is_no_rate() {
        let seen = consumed(&raw(100, 1 << 40), &raw(200, (1 << 40) + 50), Duration::from_secs(2));
        assert_eq!((seen.cpu_percent, seen.received, seen.sent), (Some(200.0), Some(25), Some(0)));
        assert_eq!((seen.memory, seen.tasks), (Some(Bytes(60)), Some(3)));
    }

    #[test]
    fn what_the_daemon_does_not_say_is_not_known() {
        let seen = consumed(&raw(200, 9), &raw(100, 5), Duration::from_secs(1));
        assert_eq!((seen.cpu_percent, seen.received, seen.read), (None, None, None));
        assert_eq!(consumed(&json!({}), &json!({}), Duration::ZERO), Consumed::default());
    }
}
