//! What the stand-in says: documents of the size and shape that Docker's have.

use std::fmt::Write;

use serde_json::{Value, json};

/// Containers of this many people; every so many-th is the first one's.
const PEOPLE: usize = 20;

/// The prepared answers.
#[derive(Debug)]
pub struct Answers {
    pub list: Vec<u8>,
    pub own: Vec<u8>,
    pub inspect: Vec<u8>,
    pub image: Vec<u8>,
    pub exec: Vec<u8>,
    pub created: Vec<u8>,
    pub event: Vec<u8>,
}

/// The full id of container `n`.
pub fn container_id(n: usize) -> String {
    let mut id = String::new();
    for part in 0..4u64 {
        let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(part as u32 * 7);
        let _ = write!(id, "{mixed:016x}");
    }
    id
}

/// The name of container `n`, without the slash.
pub fn container_name(n: usize) -> String {
    format!("job{n}._.{}", person(n, ""))
}

fn person(n: usize, first: &str) -> String {
    match n % PEOPLE {
        0 if !first.is_empty() => first.to_owned(),
        n => format!("user{n}"),
    }
}

impl Answers {
    /// For a host with `count` containers, of which the first and every twentieth are
    /// `user`'s.
    pub fn new(count: usize, user: &str) -> Self {
        let list: Vec<Value> = (0..count).map(|n| item(n, user)).collect();
        let own: Vec<Value> =
            (0..count.min(4 * PEOPLE)).step_by(PEOPLE).map(|n| item(n, user)).collect();
        let bytes = |value: Value| format!("{value}\n").into_bytes();
        Self {
            list: bytes(Value::Array(list)),
            own: bytes(Value::Array(own)),
            inspect: bytes(inspect(user)),
            image: bytes(
                json!({"Id": format!("sha256:{}", container_id(77)), "RepoTags": ["pytorch:2.5"],
                "Config": {"Env": ["PATH=/bin"], "Labels": {"maintainer": "lab"}}}),
            ),
            exec: bytes(json!({"Id": container_id(9)})),
            created: bytes(json!({"Id": container_id(0), "Warnings": []})),
            event: bytes(
                json!({"status": "start", "id": container_id(0), "from": "pytorch:2.5", "Type": "container",
                "Action": "start", "Actor": {"ID": container_id(0), "Attributes": labels(0, user)},
                "scope": "local", "time": 1_800_000_000, "timeNano": 1_800_000_000_123_456_789_u64}),
            ),
        }
    }
}

fn labels(n: usize, user: &str) -> Value {
    let owner = person(n, user);
    json!({"ds01.user": owner, "ds01.uid": "1001", "ds01.managed": "true", "ds01.interface": "container",
        "ds01.name": format!("job{n}"), "ds01.created_at": "2026-11-20T10:00:00.000Z",
        "ds01.slice": format!("ds01-students-{owner}.slice"), "ds01.gpu.uuids": "", "aime.mlc.USER": owner,
        "aime.mlc.NAME": format!("job{n}"), "maintainer": "lab"})
}

fn item(n: usize, user: &str) -> Value {
    json!({"Id": container_id(n), "Names": [format!("/job{n}._.{}", person(n, user))], "Image": "pytorch:2.5",
        "ImageID": format!("sha256:{}", container_id(77)), "Command": "/usr/bin/tini -- sleep infinity",
        "Created": 1_800_000_000, "Ports": [], "Labels": labels(n, user), "State": "running",
        "Status": "Up 3 hours", "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {"bridge": {"IPAMConfig": null, "Links": null, "Aliases": null,
            "NetworkID": container_id(5), "EndpointID": container_id(6), "Gateway": "172.17.0.1",
            "IPAddress": "172.17.0.2", "IPPrefixLen": 16, "IPv6Gateway": "", "MacAddress": "02:42:ac:11:00:02"}}},
        "Mounts": [{"Type": "bind", "Source": format!("/home/{}/work", person(n, user)), "Destination": "/work",
            "Mode": "", "RW": true, "Propagation": "rprivate"}]})
}

fn inspect(user: &str) -> Value {
    let layer = |what: &str| format!("/var/lib/docker/overlay2/{}/{what}", container_id(8));
    let lower: Vec<String> =
        (0..12).map(|n| format!("/var/lib/docker/overlay2/{}/diff", container_id(n))).collect();
    let environment: Vec<String> =
        (0..20).map(|n| format!("SETTING_{n}=/usr/local/some/value/{n}")).collect();
    json!({"Id": container_id(0), "Created": "2026-11-20T10:00:00.123456789Z", "Path": "/usr/bin/tini",
        "Args": ["--", "sleep", "infinity"],
        "State": {"Status": "running", "Running": true, "Paused": false, "Restarting": false, "OOMKilled": false,
            "Dead": false, "Pid": 4242, "ExitCode": 0, "Error": "", "StartedAt": "2026-11-20T10:00:01Z",
            "FinishedAt": "0001-01-01T00:00:00Z"},
        "Image": format!("sha256:{}", container_id(77)), "Name": format!("/job0._.{user}"), "RestartCount": 0,
        "Driver": "overlay2", "Platform": "linux", "MountLabel": "", "ProcessLabel": "", "AppArmorProfile": "",
        "ExecIDs": null,
        "HostConfig": {"Binds": [format!("/home/{user}/work:/work")], "NetworkMode": "default", "Memory": 17_179_869_184_u64,
            "CgroupParent": format!("ds01-students-{user}.slice"), "CpuPeriod": 100_000, "CpuQuota": 400_000,
            "PidsLimit": 512, "ShmSize": 2_147_483_648_u64, "Runtime": "runc", "Ulimits": null,
            "MaskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]},
        "GraphDriver": {"Name": "overlay2", "Data": {"LowerDir": lower.join(":"), "MergedDir": layer("merged"),
            "UpperDir": layer("diff"), "WorkDir": layer("work")}},
        "Mounts": [{"Type": "bind", "Source": format!("/home/{user}/work"), "Destination": "/work", "Mode": "",
            "RW": true, "Propagation": "rprivate"}],
        "Config": {"Hostname": "c", "User": "", "Env": environment, "Cmd": ["sleep", "infinity"],
            "Image": "pytorch:2.5", "WorkingDir": "/work", "Entrypoint": ["/usr/bin/tini", "--"],
            "Labels": labels(0, user)},
        "NetworkSettings": {"Bridge": "", "SandboxID": container_id(4), "Ports": {}, "IPAddress": "172.17.0.2"}})
}
