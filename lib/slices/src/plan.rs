//! Which slices there are to be, by the config alone.

use ds01_config::{Aggregate, Config};
use ds01_names::{Place, SliceName};
use ds01_units::{Bytes, Stamp};
use serde::Serialize;

/// A slice as the config wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    pub name: SliceName,
    pub group: Option<String>,
    pub user: Option<String>,
    /// All containers in it together.
    pub caps: Caps,
    /// Where each of the caps that is set comes from, by its name.
    pub sources: Vec<(&'static str, String)>,
}

/// What a slice may consume; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Caps {
    /// In percent of one CPU.
    pub cpu_quota: Option<f64>,
    pub memory_max: Option<Bytes>,
    pub memory_high: Option<Bytes>,
    pub tasks_max: Option<u64>,
    pub io_weight: Option<u64>,
}

impl From<Aggregate> for Caps {
    /// Without the GPUs, which the ledger counts and no slice could.
    fn from(all: Aggregate) -> Self {
        Self {
            cpu_quota: all.cpu_quota,
            memory_max: all.memory_max,
            memory_high: all.memory_high,
            tasks_max: all.tasks_max,
            io_weight: all.io_weight,
        }
    }
}

const FIELDS: [&str; 5] = ["cpu_quota", "memory_max", "memory_high", "tasks_max", "io_weight"];

impl Slice {
    /// The slice of everything.
    pub fn root() -> Self {
        Self {
            name: SliceName::root(),
            group: None,
            user: None,
            caps: Caps::default(),
            sources: Vec::new(),
        }
    }

    /// The slice that a group's people lie in. A group that the config does not know has no
    /// limits of its own.
    pub fn group(config: &Config, group: &str) -> Self {
        let known = config.group(group);
        Self {
            name: SliceName::group(group),
            group: Some(group.to_owned()),
            caps: known.map_or_else(Caps::default, |known| known.total.into()),
            sources: known.map_or_else(Vec::new, |known| {
                let sources = config.total_sources(known).into_iter();
                sources.map(|(field, source)| (field, source.to_string())).collect()
            }),
            ..Self::root()
        }
    }

    /// The slice of `user`, in the group that the config has them in.
    pub fn user(config: &Config, user: &str, now: Stamp) -> Self {
        let limits = config.resolve(user, now);
        Self {
            name: SliceName::user(&limits.group, user),
            caps: limits.aggregate.into(),
            sources: FIELDS
                .iter()
                .filter_map(|field| {
                    let source = limits.sources.get(&format!("aggregate.{field}"))?;
                    Some((*field, source.to_string()))
                })
                .collect(),
            group: Some(limits.group),
            user: Some(user.to_owned()),
        }
    }

    /// What a person reads in `systemctl status`. A name may hold what a unit file would
    /// take for more than text (a line end, `%`, a backslash at the end).
    pub fn description(&self) -> String {
        let safe = |name: &str| -> String {
            name.chars()
                .map(|c| if c.is_alphanumeric() || "._@+-".contains(c) { c } else { '?' })
                .collect()
        };
        match (&self.group, &self.user) {
            (Some(group), Some(user)) => {
                format!("ds01: containers of {} ({})", safe(user), safe(group))
            }
            (Some(group), None) => format!("ds01: containers of the group {}", safe(group)),
            _ => "ds01: containers of all users".to_owned(),
        }
    }
}

/// `user`'s slice and those it lies in, outermost first.
pub fn of_user(config: &Config, user: &str, now: Stamp) -> Vec<Slice> {
    with_parents(config, Slice::user(config, user, now))
}

/// The same with the slice in another group, which a container that was made before its
/// owner moved still names as its parent: it has the limits that its owner has now.
/// Nothing if that slice is somebody else's.
pub fn of_user_in(config: &Config, user: &str, name: &SliceName, now: Stamp) -> Option<Vec<Slice>> {
    let Place::User { group: Some(group), .. } = name.place() else { return None };
    let slice = Slice { group: Some(group.clone()), ..Slice::user(config, user, now) };
    let slice = Slice { name: SliceName::user(&group, user), ..slice };
    (slice.name == *name).then(|| with_parents(config, slice))
}

fn with_parents(config: &Config, own: Slice) -> Vec<Slice> {
    let group = own.group.as_deref().map(|group| Slice::group(config, group));
    std::iter::once(Slice::root()).chain(group).chain([own]).collect()
}

/// Every slice the config asks for by name: all groups, and all users it mentions. Each
/// comes after those it lies in.
pub fn of_all(config: &Config, now: Stamp) -> Vec<Slice> {
    let mut slices = vec![Slice::root()];
    slices.extend(config.groups().map(|group| Slice::group(config, &group.name)));
    let mut users: Vec<_> =
        config.users().into_iter().map(|user| Slice::user(config, user, now)).collect();
    users.sort_by(|a, b| a.name.cmp(&b.name));
    slices.extend(users);
    slices
}

/// What the config wants of a slice that it does not name: nothing if it is stale, that is
/// if its group is gone or its user is in another group now. A user whom the config does not
/// name is in the default group.
pub fn of_unnamed(config: &Config, name: &SliceName, now: Stamp) -> Option<Slice> {
    match name.place() {
        Place::User { user: Some(user), .. } => {
            Some(Slice::user(config, &user, now)).filter(|slice| slice.name == *name)
        }
        _ => None,
    }
}
