//! What somebody asks for, as the request that Docker gets. Pure: what it costs and whether
//! it may be had is decided at the door.

use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::inside::Resident;

/// How many GPUs; to programs a number, or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpus {
    /// None at all, whatever the image's environment says (pitfall 6).
    None,
    Count(u32),
    /// As many as this person may have in one container.
    All,
}

impl std::str::FromStr for Gpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            _ => match text.parse::<u32>() {
                Ok(0) => Ok(Self::None),
                Ok(count) if count <= 64 && text.bytes().all(|b| b.is_ascii_digit()) => {
                    Ok(Self::Count(count))
                }
                _ => Err("write how many, such as 1 or 2, or all".into()),
            },
        }
    }
}

impl Serialize for Gpus {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => into.serialize_u32(0),
            Self::Count(count) => into.serialize_u32(*count),
            Self::All => into.serialize_str("all"),
        }
    }
}

impl std::fmt::Display for Gpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Count(count) => write!(f, "{count}"),
            Self::All => f.write_str("all"),
        }
    }
}

/// A directory of the machine, seen inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    pub source: PathBuf,
    pub target: &'static str,
    pub read_only: bool,
}

/// A container that somebody wants.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Order {
    /// As its owner calls it.
    pub name: String,
    /// With the owner's suffix.
    pub container: String,
    pub image: String,
    pub gpus: Gpus,
    pub profile: Option<String>,
    pub project: Option<String>,
    /// `atomic`, or `orchestration` for a command that makes it on the way.
    #[serde(skip)]
    pub interface: &'static str,
    pub mounts: Vec<Mount>,
    /// Whether the limits share the machine's IPC name space; then no shared memory is asked.
    #[serde(skip)]
    pub ipc_host: bool,
    #[serde(skip)]
    pub resident: Resident,
}

/// Waits until it is told to end, with what the image has: the process that keeps a container
/// alive has nothing to do with who is in it (pitfall 31). Docker's init is the first process,
/// so the signal to end has its usual effect on this one.
const KEEP: &str = "for s in /bin/sleep /usr/bin/sleep; do [ ! -x $s ] || exec $s 2147483647; done; \
                    for t in /bin/tail /usr/bin/tail; do [ ! -x $t ] || exec $t -f /dev/null; done; \
                    while read -r _; do :; done";

impl Order {
    /// The body of `POST /containers/create`; the name goes into the query.
    pub fn body(&self) -> Value {
        let mut host = Map::new();
        host.insert("Init".into(), json!(true));
        host.insert("Mounts".into(), self.mounts.iter().map(mount).collect());
        if self.ipc_host {
            host.insert("IpcMode".into(), json!("host"));
        }
        let count = match self.gpus {
            Gpus::None => None,
            Gpus::Count(count) => Some(i64::from(count)),
            Gpus::All => Some(-1),
        };
        if let Some(count) = count {
            let request = json!({"Driver": "", "Count": count, "Capabilities": [["gpu"]]});
            host.insert("DeviceRequests".into(), json!([request]));
        }
        let groups = self.resident.further();
        if !groups.is_empty() {
            host.insert("GroupAdd".into(), json!(groups));
        }
        json!({
            "Image": self.image,
            "User": self.resident.user(),
            "WorkingDir": "/workspace",
            "Env": self.env(),
            "Labels": self.labels(),
            // Replaced whole: an image's own program is started by whoever is inside.
            "Entrypoint": ["/bin/sh", "-c", KEEP],
            "Cmd": [],
            // The keeper's last resort waits on it.
            "OpenStdin": true,
            "Tty": false,
            "HostConfig": host,
        })
    }

    fn env(&self) -> Vec<String> {
        let mut env = self.resident.env();
        env.push(format!("DS01_CONTAINER={}", self.name));
        if self.gpus == Gpus::None {
            env.push("NVIDIA_VISIBLE_DEVICES=void".into());
        }
        env
    }

    /// Only wishes: whose it is, the door writes.
    fn labels(&self) -> Map<String, Value> {
        let mut labels = Map::new();
        let mut set = |key: &str, value: &str| {
            labels.insert(format!("ds01.request.{key}"), json!(value));
        };
        set("interface", self.interface);
        set("gpus", &self.gpus.to_string());
        if let Some(profile) = self.profile.as_deref().filter(|_| self.gpus != Gpus::None) {
            set("profile", profile);
        }
        if let Some(project) = &self.project {
            set("project", project);
        }
        labels
    }
}

fn mount(mount: &Mount) -> Value {
    json!({"Type": "bind", "Source": mount.source.to_string_lossy(), "Target": mount.target,
        "ReadOnly": mount.read_only})
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(gpus: Gpus) -> Order {
        Order {
            name: "train".into(),
            container: "train._.alice".into(),
            image: "lab".into(),
            gpus,
            profile: Some("mig".into()),
            project: Some("thesis".into()),
            interface: "atomic",
            mounts: vec![Mount {
                source: "/home/alice/w".into(),
                target: "/workspace",
                read_only: false,
            }],
            ipc_host: false,
            resident: Resident::plain("alice", 1001, 1001),
        }
    }

    #[test]
    fn pitfall_6_without_a_gpu_nothing_asks_for_one() {
        let body = order(Gpus::None).body();
        assert!(body["HostConfig"].get("DeviceRequests").is_none());
        let env = body["Env"].as_array().unwrap();
        assert!(env.contains(&json!("NVIDIA_VISIBLE_DEVICES=void")));
        assert_eq!(body["Labels"]["ds01.request.gpus"], "none");
        assert!(body["Labels"].get("ds01.request.profile").is_none());
    }

    #[test]
    fn pitfall_7_nothing_is_added_to_what_a_container_may_do() {
        let body = order(Gpus::Count(2)).body();
        let host = body["HostConfig"].as_object().unwrap();
        let mut keys: Vec<&str> = host.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["DeviceRequests", "Init", "Mounts"]);
        assert_eq!(host["DeviceRequests"][0]["Count"], 2);
    }

    #[test]
    fn shared_memory_and_the_machines_ipc_never_stand_together() {
        for ipc_host in [true, false] {
            let host = Order { ipc_host, ..order(Gpus::All) }.body()["HostConfig"].clone();
            assert!(host.get("ShmSize").is_none());
            assert_eq!(host.get("IpcMode").is_some(), ipc_host);
        }
    }

    #[test]
    fn a_number_of_gpus_is_a_number_of_gpus() {
        for (text, meant) in
            [("0", Gpus::None), ("1", Gpus::Count(1)), ("64", Gpus::Count(64)), ("all", Gpus::All)]
        {
            assert_eq!(text.parse(), Ok(meant));
        }
        for bad in ["", "-1", "+1", "1.5", "65", "none", "one", "99999999999"] {
            assert!(bad.parse::<Gpus>().is_err(), "{bad}");
        }
    }

    proptest! {
        /// Whatever is asked for: only wishes are labelled, and whose it is says nobody.
        #[test]
        fn labels_are_wishes(profile in ".{0,20}", project in ".{0,20}", count in 1u32..9) {
            let order = Order { profile: Some(profile), project: Some(project), ..order(Gpus::Count(count)) };
            let body = order.body();
            for key in body["Labels"].as_object().unwrap().keys() {
                prop_assert!(key.starts_with("ds01.request."));
            }
            prop_assert_eq!(&body["User"], "1001:1001");
        }
    }
}
