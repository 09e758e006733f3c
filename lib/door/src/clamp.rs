//! Limits of a container: less than the grant stays, more or nothing becomes the grant.

use ds01_units::{Bytes, Limit};

use crate::facts::{Grant, Stop};
use crate::json::Value;
use crate::{binds, json};

const PERIOD: i64 = 100_000;

/// Fills in and lowers what the grant limits, and sets the slice.
pub fn apply(host: &mut Value, grant: &Grant) -> Result<(), Stop> {
    host.set("CgroupParent", Value::text(&grant.cgroup_parent));
    let memory = lowered(host, "Memory", grant.memory.map(|Bytes(bytes)| bytes));
    swap(host, memory, grant);
    cpus(host, grant.cpus);
    lowered(host, "PidsLimit", grant.pids);
    let ipc = host.get("IpcMode").and_then(json::Value::as_text).unwrap_or_default().to_owned();
    if let Some(Bytes(shm)) =
        grant.shm.filter(|_| ["", "private", "shareable"].contains(&ipc.as_str()))
    {
        lowered(host, "ShmSize", Limit::Max(shm));
    }
    if let Some(tmpfs) = host.get("Tmpfs") {
        binds::tmpfs(tmpfs, memory)?;
    }
    for mount in host.get("Mounts").and_then(Value::as_list).unwrap_or_default() {
        let size = mount.get("TmpfsOptions").and_then(|o| o.get("SizeBytes")?.as_int());
        if let Some(size) = size {
            binds::tmpfs_size(u64::try_from(size).unwrap_or(u64::MAX), memory)?;
        }
    }
    Ok(())
}

/// Lowers a field to the limit; zero and less mean none. Gives what then holds.
fn lowered(host: &mut Value, key: &str, limit: Limit<u64>) -> Option<u64> {
    let asked = host.get(key).and_then(Value::as_int).and_then(|n| u64::try_from(n).ok());
    let asked = asked.filter(|n| *n > 0);
    match (asked, limit) {
        (Some(asked), limit) if limit.allows(&asked) => Some(asked),
        (_, Limit::Max(most)) => {
            host.set(key, Value::Number(most.to_string()));
            Some(most)
        }
        (asked, Limit::None) => asked,
    }
}

/// Docker counts memory and swap together. Where a container asks for less memory than it
/// may have, it keeps the swap that the limits allow on top.
fn swap(host: &mut Value, memory: Option<u64>, grant: &Grant) {
    let (Some(memory), Limit::Max(Bytes(total))) = (memory, grant.memory_swap) else { return };
    let on_top = total.saturating_sub(grant.memory.max().map_or(memory, |bytes| bytes.0));
    lowered(host, "MemorySwap", Limit::Max(memory.saturating_add(on_top)));
    // Less than the memory is an error to the daemon, and the memory may just have been set.
    let swap = host.get("MemorySwap").and_then(Value::as_int).unwrap_or(0);
    if u64::try_from(swap).is_ok_and(|swap| swap < memory) {
        host.set("MemorySwap", Value::Number(memory.to_string()));
    }
}

/// As quota and period: the daemon refuses `NanoCpus` above the host's count, which a limit may
/// well be, and of a container made with the one an update may not name the other. Both are
/// always said: a quota alone would be counted in the period that the container has.
fn cpus(host: &mut Value, limit: Limit<f64>) {
    let Limit::Max(most) = limit else { return };
    let number = |key: &str| host.get(key).and_then(Value::as_int).filter(|number| *number > 0);
    let period = number("CpuPeriod").unwrap_or(PERIOD);
    let allowed = (most * period as f64).round() as i64;
    let asked = match (number("NanoCpus"), number("CpuQuota")) {
        (Some(nano), _) => Some((nano as f64 / 1e9 * period as f64).round() as i64),
        (None, quota) => quota,
    };
    host.remove("NanoCpus");
    host.set("CpuPeriod", Value::int(period));
    // The kernel takes no quota below a millisecond.
    host.set("CpuQuota", Value::int(asked.unwrap_or(allowed).min(allowed).max(1000)));
}

const NAMED: &[&str] = &["Memory", "MemorySwap", "NanoCpus", "CpuQuota", "CpuPeriod", "PidsLimit"];

/// Whether an update speaks of anything that is limited.
pub fn named(body: &Value) -> bool {
    NAMED.iter().any(|key| body.get(key).is_some_and(|value| !value.is_empty()))
}

/// Lowers what an update names; what it does not name stays as the container has it.
pub fn update(body: &mut Value, limits: &Grant) {
    let names = |body: &Value, key: &str| body.get(key).is_some_and(|value| !value.is_empty());
    let memory = limits.memory.map(|Bytes(bytes)| bytes);
    if names(body, "Memory") {
        lowered(body, "Memory", memory);
    }
    if names(body, "MemorySwap") {
        lowered(body, "MemorySwap", limits.memory_swap.map(|Bytes(bytes)| bytes));
    }
    if names(body, "PidsLimit") {
        lowered(body, "PidsLimit", limits.pids);
    }
    if ["NanoCpus", "CpuQuota", "CpuPeriod"].iter().any(|key| names(body, key)) {
        cpus(body, limits.cpus);
    }
}

/// A build runs in the user's slice, within the limits of one container.
pub fn build(query: &mut crate::url::Query, limits: &Grant) {
    query.set("cgroupparent", limits.cgroup_parent.clone());
    for (key, limit) in [
        ("memory", limits.memory.map(|Bytes(bytes)| bytes)),
        ("memswap", limits.memory_swap.map(|Bytes(bytes)| bytes)),
        ("shmsize", limits.shm.map(|Bytes(bytes)| bytes).into()),
    ] {
        let asked = query.get(key).and_then(|text| text.parse::<u64>().ok()).filter(|n| *n > 0);
        if let Limit::Max(most) = limit
            && asked.is_none_or(|asked| asked > most)
        {
            query.set(key, most.to_string());
        }
    }
    if let Limit::Max(most) = limits.cpus {
        query.set("cpuperiod", PERIOD.to_string());
        query.set("cpuquota", ((most * PERIOD as f64).round() as i64).max(1000).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            cgroup_parent: "ds01-students-alice.slice".into(),
            cpus: Limit::Max(8.0),
            memory: Limit::Max(Bytes(32 << 30)),
            memory_swap: Limit::Max(Bytes(32 << 30)),
            pids: Limit::Max(4096),
            shm: Some(Bytes(8 << 30)),
            gpus: Vec::new(),
            labels: Vec::new(),
            warnings: Vec::new(),
            name: None,
            lease: None,
        }
    }

    fn applied(host: &str) -> String {
        let mut host = json::parse(host.as_bytes()).unwrap();
        apply(&mut host, &grant()).unwrap();
        String::from_utf8(json::write(&host)).unwrap()
    }

    #[test]
    fn what_is_absent_becomes_the_limit_and_what_is_less_stays() {
        assert_eq!(
            applied("{}"),
            "{\"CgroupParent\":\"ds01-students-alice.slice\",\"Memory\":34359738368,\
             \"MemorySwap\":34359738368,\"CpuPeriod\":100000,\"CpuQuota\":800000,\
             \"PidsLimit\":4096,\"ShmSize\":8589934592}"
        );
        let less = applied(
            r#"{"Memory":1073741824,"NanoCpus":2000000000,"PidsLimit":100,"ShmSize":67108864}"#,
        );
        for kept in [
            "\"Memory\":1073741824",
            "\"CpuPeriod\":100000,\"CpuQuota\":200000",
            "\"PidsLimit\":100",
            "\"ShmSize\":67108864",
            "\"MemorySwap\":1073741824",
        ] {
            assert!(less.contains(kept), "{less}");
        }
        let more = applied(
            r#"{"Memory":99999999999999,"MemorySwap":-1,"CpuQuota":-1,"NanoCpus":64000000000,"PidsLimit":-1,"ShmSize":99999999999}"#,
        );
        assert!(
            !more.contains("99999") && !more.contains("-1") && !more.contains("NanoCpus"),
            "{more}"
        );
    }

    #[test]
    fn an_update_names_cpus_as_the_create_did_and_a_quota_never_without_its_period() {
        let updated = |body: &str| {
            let mut body = json::parse(body.as_bytes()).unwrap();
            update(&mut body, &grant());
            String::from_utf8(json::write(&body)).unwrap()
        };
        for (asked, sent) in [
            (r#"{"NanoCpus":500000000}"#, r#"{"CpuPeriod":100000,"CpuQuota":50000}"#),
            (r#"{"NanoCpus":64000000000}"#, r#"{"CpuPeriod":100000,"CpuQuota":800000}"#),
            (r#"{"CpuQuota":50000}"#, r#"{"CpuQuota":50000,"CpuPeriod":100000}"#),
            (r#"{"CpuPeriod":1000}"#, r#"{"CpuPeriod":1000,"CpuQuota":8000}"#),
            (r#"{"CpuQuota":-1}"#, r#"{"CpuQuota":800000,"CpuPeriod":100000}"#),
            (r#"{"CpuShares":512}"#, r#"{"CpuShares":512}"#),
        ] {
            assert_eq!(updated(asked), sent, "{asked}");
        }
    }

    #[test]
    fn shared_memory_of_the_host_has_no_size() {
        assert!(!applied(r#"{"IpcMode":"host"}"#).contains("ShmSize"));
    }

    #[test]
    fn a_tmpfs_is_no_larger_than_the_memory() {
        for bad in [
            r#"{"Tmpfs":{"/x":"size=900g"}}"#,
            r#"{"Tmpfs":{"/x":"size=50%"}}"#,
            r#"{"Tmpfs":{"/x":"dev"}}"#,
            r#"{"Memory":1048576,"Mounts":[{"Type":"tmpfs","TmpfsOptions":{"SizeBytes":2097152}}]}"#,
        ] {
            let mut host = json::parse(bad.as_bytes()).unwrap();
            assert!(apply(&mut host, &grant()).is_err(), "{bad}");
        }
        assert!(applied(r#"{"Tmpfs":{"/x":"size=1g,noexec"}}"#).contains("size=1g"));
    }
}
