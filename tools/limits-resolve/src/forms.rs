//! The forms of a user's limits that are not JSON.

use std::fmt::Display;

use ds01_config::Limits;
use ds01_slices::Property;
use ds01_units::{Limit, Span};

/// The eleven lines that admins of the earlier system know, in its order.
pub fn text(limits: &Limits) -> String {
    let gpus = match (limits.max_slots, limits.max_gpu_equivalents) {
        (Limit::None, Limit::Max(share)) => format!("{share} GPU equivalents"),
        (slots, _) => slots.to_string(),
    };
    let shm = match limits.shm_size {
        Some(size) => size.to_string(),
        None if limits.ipc_host => "host (ipc_mode: host)".into(),
        None => "none".into(),
    };
    let lines: [(&str, String); 11] = [
        ("User", limits.user.clone()),
        ("Group", limits.group.clone()),
        ("Priority", limits.priority.to_string()),
        ("Max MIG Instances", gpus),
        ("Max CPUs", limits.max_cpus.to_string()),
        ("Memory", limits.memory.to_string()),
        ("Shared Memory", shm),
        ("Max Containers", limits.max_containers.to_string()),
        ("Idle Timeout", time(&limits.idle_timeout, "never")),
        ("GPU Hold After Stop", time(&limits.gpu_hold_after_stop, "indefinite")),
        ("Container Hold After Stop", time(&limits.container_hold_after_stop, "indefinite")),
    ];
    lines.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn time(limit: &Limit<Span>, without: &str) -> String {
    limit.max().map_or_else(|| without.to_owned(), Span::to_string)
}

/// The options of `docker run` and `docker create` that hold a container to these limits;
/// no value has a blank in it, so the line needs no quoting.
pub fn docker_args(limits: &Limits, slice: &str) -> String {
    let mut line = Vec::new();
    let mut add = |option: &str, value: Option<&dyn Display>| {
        if let Some(value) = value {
            line.push(format!("--{option}={value}"));
        }
    };
    add("cpus", limits.max_cpus.max().map(|cpus| cpus as _));
    add("memory", limits.memory.max().map(|size| size as _));
    match (limits.memory, limits.memory_swap) {
        (_, Limit::Max(size)) => add("memory-swap", Some(&size)),
        // Docker would take twice the memory for what is not given.
        (Limit::Max(_), Limit::None) => add("memory-swap", Some(&-1)),
        (Limit::None, Limit::None) => {}
    }
    add("shm-size", limits.shm_size.as_ref().map(|size| size as _));
    add("ipc", limits.ipc_host.then_some(&"host" as _));
    add("pids-limit", limits.pids_limit.max().map(|count| count as _));
    add("cgroup-parent", Some(&slice));
    line.join(" ")
}

/// The properties of the user's slice, as `systemctl set-property` takes them; empty where
/// nothing limits it.
pub fn systemd(limits: &Limits) -> String {
    let properties = Property::all(&limits.aggregate.into());
    let set = properties.iter().filter(|property| property.is_limit());
    set.map(Property::assignment).collect::<Vec<_>>().join(" ")
}
