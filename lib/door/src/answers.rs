//! Answers cut to what a person may see. Items are kept byte for byte or left out.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::facts::Owner;
use crate::labels;
use crate::objects::PREDEFINED;
use crate::who::{Role, Unowned, Who, Words};
use crate::{Denial, json, taken};

/// Whose eyes an answer is for.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    pub who: &'a Who,
    pub words: &'a Words,
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
        self.may_see(&labels::owner_of(label, |_| None))
    }
    /// The same of a container, whose owner more than its labels may tell; nothing where that
    /// was not looked at yet.
    pub fn sees_container<'l>(
        &self,
        id: &str,
        label: &dyn Fn(&str) -> Option<&'l str>,
    ) -> Option<bool> {
        match labels::owner_of(label, |_| None) {
            Owner::Nobody if self.who.role == Role::Ordinary => {
                (self.known)(id).map(|owner| self.may_see(&owner))
            }
            owner => Some(self.may_see(&owner)),
        }
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
    #[serde(rename = "Id", borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(rename = "Labels", borrow, default)]
    labels: Option<Labels<'a>>,
    #[serde(rename = "Name", borrow, default)]
    name: Option<Cow<'a, str>>,
}

impl Labelled<'_> {
    fn label(&self, key: &str) -> Option<&str> {
        let pairs = &self.labels.as_ref()?.0;
        // Of two that are alike the last counts, as it does for Docker's own reader.
        pairs.iter().rfind(|(known, _)| known == key).map(|(_, value)| value.as_ref())
    }
}

/// Labels in their order. A dozen of them, asked for three times, are not worth a hash table.
struct Labels<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("labels")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some((Text(key), Text(value))) = map.next_entry()? {
                    pairs.push((key, value));
                }
                Ok(Labels(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A string, copied only where it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn unreadable() -> Denial {
    Denial::new(502, "daemon.answer", "the Docker daemon's answer cannot be read")
        .why("what cannot be filtered is not passed on")
        .todo("try again; an admin may look at the daemon's log")
}

/// A list that was cut, if it could be.
#[derive(Debug)]
pub enum Cut {
    Done(Vec<u8>),
    /// Items whose owner no label names, and who else may own them is not known yet.
    Unknown(Vec<Value>),
}

/// The list of containers.
pub fn containers(bytes: &[u8], viewer: &Viewer, limit: Option<usize>) -> Result<Cut, Denial> {
    // Looked at once whether it is UTF-8, not again for every string in it.
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| unreadable())?;
    let mut kept: Vec<&RawValue> = Vec::new();
    let mut unknown: Vec<Value> = Vec::new();
    for item in items {
        let read: Labelled = serde_json::from_str(item.get()).map_err(|_| unreadable())?;
        let id = read.id.as_deref().unwrap_or_default();
        match viewer.sees_container(id, &|key| read.label(key)) {
            Some(true) if limit.is_none_or(|limit| kept.len() < limit) => kept.push(item),
            Some(_) => {}
            None => unknown.push(serde_json::from_str(item.get()).map_err(|_| unreadable())?),
        }
    }
    if unknown.is_empty() { joined(&kept).map(Cut::Done) } else { Ok(Cut::Unknown(unknown)) }
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
        let shared = read.name.as_deref().is_some_and(|name| PREDEFINED.contains(&name));
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
    if let Some(name) = network["Name"].as_str() {
        network["Name"] = taken::typed(name, viewer.who).into();
    }
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
        list.retain(|item| {
            let label = |key: &str| item["Labels"][key].as_str();
            // Volumes have no id. A container that nobody has looked at yet is not shown.
            match item["Id"].as_str() {
                Some(id) => viewer.sees_container(id, &label).unwrap_or_default(),
                None => viewer.sees(&label),
            }
        });
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
