//! A container, as `inspect` describes it, cut down to what ds01 asks of it.

use std::collections::BTreeMap;

use ds01_units::Stamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::GpuUse;

/// A container.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// All 64 digits.
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    /// The image as it was asked for.
    pub image: String,
    pub labels: BTreeMap<String, String>,
    pub state: State,
    pub created: Option<Stamp>,
    /// When it was last started; none if never.
    pub started: Option<Stamp>,
    /// When it last stopped; none if never. A running container may have stopped before.
    pub finished: Option<Stamp>,
    pub exit_code: i64,
    /// The first process, by the host's number, while it runs.
    pub pid: Option<u32>,
    /// `NAME=value`, the image's own included.
    pub env: Vec<String>,
    /// Whether it has a terminal: then what it prints is one raw stream.
    pub tty: bool,
    pub cgroup_parent: String,
    pub runtime: String,
    pub network_mode: String,
    pub privileged: bool,
    /// Whether it is removed as soon as it ends (`--rm`).
    pub auto_remove: bool,
    pub device_requests: Vec<DeviceRequest>,
    /// Device nodes of the host that were given as they are.
    pub devices: Vec<String>,
    /// Paths of the host that are mounted into it, as Docker has them.
    pub binds: Vec<String>,
}

/// What `--gpus` and CDI names become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeviceRequest {
    #[serde(deserialize_with = "or_none")]
    pub driver: String,
    #[serde(deserialize_with = "or_none")]
    pub count: i64,
    #[serde(rename = "DeviceIDs", deserialize_with = "or_none")]
    pub device_ids: Vec<String>,
    #[serde(deserialize_with = "or_none")]
    pub capabilities: Vec<Vec<String>>,
}

/// Where a container is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    /// A word that newer engines may bring.
    Other(String),
}

impl From<&str> for State {
    fn from(word: &str) -> Self {
        match word {
            "created" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" => Self::Exited,
            "dead" => Self::Dead,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Other(word) => word,
        })
    }
}

impl State {
    /// Whether its processes exist, and with them what they hold of a GPU: also those of a
    /// paused container, and of one that is about to be started again.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

impl Container {
    /// From an `inspect` document.
    pub fn read(document: &Value) -> Result<Self, serde_json::Error> {
        Inspected::deserialize(document).map(Into::into)
    }

    pub fn is_running(&self) -> bool {
        self.state.is_running()
    }

    /// Since when it does not run; for one that never did, since it was created.
    pub fn stopped_since(&self) -> Option<Stamp> {
        if self.is_running() { None } else { self.finished.or(self.created) }
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whom its labels name as owner: ours first, which the door sets; the earlier system's
    /// otherwise.
    pub fn owner(&self) -> Option<&str> {
        self.label("ds01.user").or_else(|| self.label("aime.mlc.USER"))
    }

    /// The value of an environment variable; the last one, where it is set twice.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .rev()
            .find_map(|line| line.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }

    /// Which GPUs it can use.
    pub fn gpu_use(&self) -> GpuUse {
        GpuUse::of(self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    #[serde(default, deserialize_with = "or_none")]
    name: String,
    #[serde(default, deserialize_with = "or_none")]
    created: String,
    #[serde(default, deserialize_with = "or_none")]
    state: InspectedState,
    #[serde(default, deserialize_with = "or_none")]
    config: Config,
    #[serde(default, deserialize_with = "or_none")]
    host_config: HostConfig,
    #[serde(default, deserialize_with = "or_none")]
    mounts: Vec<Mount>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Mount {
    #[serde(rename = "Type", deserialize_with = "or_none")]
    kind: String,
    #[serde(deserialize_with = "or_none")]
    source: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedState {
    status: String,
    pid: i64,
    exit_code: i64,
    started_at: String,
    finished_at: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    #[serde(deserialize_with = "or_none")]
    image: String,
    #[serde(deserialize_with = "or_none")]
    tty: bool,
    #[serde(deserialize_with = "or_none")]
    env: Vec<String>,
    #[serde(deserialize_with = "or_none")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    #[serde(deserialize_with = "or_none")]
    cgroup_parent: String,
    #[serde(deserialize_with = "or_none")]
    runtime: String,
    #[serde(deserialize_with = "or_none")]
    network_mode: String,
    #[serde(deserialize_with = "or_none")]
    privileged: bool,
    #[serde(deserialize_with = "or_none")]
    auto_remove: bool,
    #[serde(deserialize_with = "or_none")]
    device_requests: Vec<DeviceRequest>,
    #[serde(deserialize_with = "or_none")]
    devices: Vec<Node>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Node {
    #[serde(deserialize_with = "or_none")]
    path_on_host: String,
}

impl From<Inspected> for Container {
    fn from(seen: Inspected) -> Self {
        Self {
            id: seen.id,
            name: seen.name.trim_start_matches('/').to_owned(),
            image: seen.config.image,
            labels: seen.config.labels,
            state: seen.state.status.as_str().into(),
            created: moment(&seen.created),
            started: moment(&seen.state.started_at),
            finished: moment(&seen.state.finished_at),
            exit_code: seen.state.exit_code,
            pid: u32::try_from(seen.state.pid).ok().filter(|pid| *pid > 0),
            env: seen.config.env,
            tty: seen.config.tty,
            cgroup_parent: seen.host_config.cgroup_parent,
            runtime: seen.host_config.runtime,
            network_mode: seen.host_config.network_mode,
            privileged: seen.host_config.privileged,
            auto_remove: seen.host_config.auto_remove,
            device_requests: seen.host_config.device_requests,
            devices: seen.host_config.devices.into_iter().map(|node| node.path_on_host).collect(),
            binds: seen
                .mounts
                .into_iter()
                .filter(|mount| mount.kind == "bind")
                .map(|mount| mount.source)
                .collect(),
        }
    }
}

/// Docker writes the year 1 for "never".
fn moment(text: &str) -> Option<Stamp> {
    text.parse().ok().filter(|moment: &Stamp| moment.secs() > 0)
}

/// Go writes an empty list or map as `null`.
pub(crate) fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
