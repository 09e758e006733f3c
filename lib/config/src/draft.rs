//! What the files say, before it is known to fit together.

use crate::file::Spot;
use crate::keys::Field;
use crate::value::Value;

/// The scalar keys of one section.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    entries: Vec<(Field, Value, Spot)>,
}

impl Settings {
    pub fn get(&self, field: Field) -> Option<(&Value, Spot)> {
        self.entries.iter().find(|entry| entry.0 == field).map(|entry| (&entry.1, entry.2))
    }
    pub fn set(&mut self, field: Field, value: Value, spot: Spot) {
        self.entries.push((field, value, spot));
    }
    pub fn word(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Some((Value::Word(word), _)) => Some(word),
            _ => None,
        }
    }
}

/// One level of the precedence: defaults, a group, or a person's override.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    /// `defaults`, `groups.students`, `user_overrides.alice`.
    pub place: String,
    pub spot: Spot,
    pub limits: Settings,
    pub aggregate: Settings,
    /// Of a group alone: its people together.
    pub total: Settings,
    pub policies: Settings,
    pub door: DoorDraft,
}

/// What a level says about the Docker door.
#[derive(Clone, Debug, Default)]
pub(crate) struct DoorDraft {
    pub settings: Settings,
    pub lists: Vec<(Field, Vec<String>)>,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub name: String,
    pub spot: Spot,
}

/// A group, its members as they are listed, in the config and in its file.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupDraft {
    pub name: String,
    pub level: Level,
    pub members: Vec<Named>,
}

/// An exemption with its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExemptionDraft {
    pub settings: Settings,
    pub from: Vec<String>,
    pub spot: Spot,
}

/// All files together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub defaults: Level,
    pub default_group: Option<Named>,
    pub groups: Vec<GroupDraft>,
    pub overrides: Vec<(String, Level)>,
    pub policies: Settings,
    pub types: Vec<(String, Settings)>,
    pub gpu: Settings,
    pub access: Settings,
    pub exemptions: Vec<ExemptionDraft>,
}
