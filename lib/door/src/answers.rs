//! Answers cut to what a person may see. Items are kept byte for byte or left out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::facts::Owner;
use crate::labels;
use crate::who::{Role, Unowned, Who, Words};
use crate::{Denial, json};

/// Whose eyes an answer is for.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    pub who: &'a Who,
    pub words: &'a Words,
    /// Who owns a directory, for the label of dev containers.
    pub folder_owner: &'a dyn Fn(&str) -> Option<String>,
    /// The owner of a container's full id, as far as it is known.
    pub known: &'a dyn Fn(&str) -> Option<Owner>,
}

impl fmt::Debug for Viewer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer").field("who", self.who).finish_non_exhaustive()
    }
}

impl Viewer<'_> {
    /// Whether something with these labels is shown.
    pub fn sees<'l>(&self, label: &dyn Fn(&str) -> Option<&'l str>) -> bool {
        self.may_see(&labels::owner_of(label, self.folder_owner))
    }
    /// Whether the container of this id is known to be theirs.
    pub fn knows(&self, id: &str) -> bool {
        (self.known)(id).is_some_and(|owner| self.may_see(&owner))
    }
    fn may_see(&self, owner: &Owner) -> bool {
        match owner {
            _ if matches!(self.who.role, Role::Admin | Role::Service) => true,
            Owner::User(user) => *user == self.who.user,
            Owner::Nobody => self.words.unowned != Unowned::Admin,
        }
    }
}

#[derive(Deserialize)]
struct Labelled<'a> {
    #[serde(rename = "Labels", borrow, default)]
    labels: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(rename = "Name", borrow, default)]
    name: Option<Cow<'a, str>>,
}

impl Labelled<'_> {
    fn label(&self, key: &str) -> Option<&str> {
        self.labels.as_ref()?.get(key).map(Cow::as_ref)
    }
}

fn unreadable() -> Denial {
    Denial::new(502, "daemon.answer", "the Docker daemon's answer cannot be read")
        .why("what cannot be filtered is not passed on")
        .todo("try again; an admin may look at the daemon's log")
}

/// The list of containers.
pub fn containers(bytes: &[u8], viewer: &Viewer, limit: Option<usize>) -> Result<Vec<u8>, Denial> {
    let items: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let mut kept: Vec<&RawValue> = Vec::new();
    for item in items {
        let read: Labelled = serde_json::from_str(item.get()).map_err(|_| unreadable())?;
        if viewer.sees(&|key| read.label(key)) && limit.is_none_or(|limit| kept.len() < limit) {
            kept.push(item);
        }
    }
    joined(&kept)
}

fn joined(items: &[&RawValue]) -> Result<Vec<u8>, Denial> {
    let mut bytes = serde_json::to_vec(items).map_err(|_| unreadable())?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The list of networks: own ones and the predefined.
pub fn networks(bytes: &[u8], viewer: &Viewer) -> Result<Vec<u8>, Denial> {
    let items: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        let read: Labelled = serde_json::from_str(item.get()).map_err(|_| unreadable())?;
        let shared = read.name.as_deref().is_some_and(|n| ["bridge", "none", "host"].contains(&n));
        if shared || viewer.sees(&|key| read.label(key)) {
            let mut value: Value = serde_json::from_str(item.get()).map_err(|_| unreadable())?;
            hide_members(&mut value, viewer);
            kept.push(value);
        }
    }
    written(&Value::Array(kept))
}

/// One network, without the membership of others' containers.
pub fn network(bytes: &[u8], viewer: &Viewer) -> Result<Vec<u8>, Denial> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    hide_members(&mut value, viewer);
    written(&value)
}

fn hide_members(network: &mut Value, viewer: &Viewer) {
    if let Some(members) = network.get_mut("Containers").and_then(Value::as_object_mut) {
        members.retain(|id, _| viewer.knows(id));
    }
}

/// The list of volumes.
pub fn volumes(bytes: &[u8], viewer: &Viewer) -> Result<Vec<u8>, Denial> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    keep_labelled(value.get_mut("Volumes"), viewer);
    written(&value)
}

fn keep_labelled(list: Option<&mut Value>, viewer: &Viewer) {
    if let Some(list) = list.and_then(Value::as_array_mut) {
        list.retain(|item| viewer.sees(&|key| item["Labels"][key].as_str()));
    }
}

/// What takes space: own containers and volumes, the shared images, no cache of builds.
pub fn disk_usage(bytes: &[u8], viewer: &Viewer) -> Result<Vec<u8>, Denial> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    keep_labelled(value.get_mut("Containers"), viewer);
    keep_labelled(value.get_mut("Volumes"), viewer);
    for (key, items) in
        [("ContainerUsage", true), ("VolumeUsage", true), ("BuildCacheUsage", false)]
    {
        match value.get_mut(key) {
            Some(usage) if items => keep_labelled(usage.get_mut("Items"), viewer),
            Some(usage) => usage["Items"] = Value::Array(Vec::new()),
            None => {}
        }
    }
    if value.get("BuildCache").is_some_and(Value::is_array) {
        value["BuildCache"] = Value::Array(Vec::new());
    }
    written(&value)
}

/// The daemon's facts, with the counts of a list that is already filtered.
pub fn info(bytes: &[u8], own: &[u8]) -> Result<Vec<u8>, Denial> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let own: Vec<Value> = serde_json::from_slice(own).map_err(|_| unreadable())?;
    let count = |states: &[&str]| {
        own.iter().filter(|one| one["State"].as_str().is_some_and(|s| states.contains(&s))).count()
    };
    value["Containers"] = own.len().into();
    value["ContainersRunning"] = count(&["running", "restarting"]).into();
    value["ContainersPaused"] = count(&["paused"]).into();
    value["ContainersStopped"] = count(&["created", "exited", "dead", "removing"]).into();
    written(&value)
}

/// The answer to a create with what its user should know.
pub fn warned(bytes: &[u8], warnings: &[String]) -> Vec<u8> {
    let Ok(json::Value::Object(_)) = json::parse(bytes) else { return bytes.to_vec() };
    let Ok(mut value) = json::parse(bytes) else { return bytes.to_vec() };
    let mut all: Vec<json::Value> =
        value.get("Warnings").and_then(json::Value::as_list).unwrap_or_default().to_vec();
    all.extend(warnings.iter().map(json::Value::text));
    value.set("Warnings", json::Value::List(all));
    let mut bytes = json::write(&value);
    bytes.push(b'\n');
    bytes
}

fn written(value: &Value) -> Result<Vec<u8>, Denial> {
    let mut bytes = serde_json::to_vec(value).map_err(|_| unreadable())?;
    bytes.push(b'\n');
    Ok(bytes)
}
