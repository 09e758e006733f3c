//! What a person may use, as the rest of ds01 asks for it: plain numbers, and where each
//! of them comes from.

use std::borrow::Cow;
use std::fmt;

use ds01_units::{Bytes, Limit, Span, Stamp};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// The effective limits of one user at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limits {
    pub user: String,
    /// The group whose limits and slice the user has; an override never changes it.
    pub group: String,
    /// Whether an entry of `user_overrides` had a say.
    pub overridden: bool,
    /// Member of `groups.admin`.
    pub admin: bool,
    /// 1 to 100; higher goes first.
    pub priority: u8,
    /// GPU slots (full GPUs and MIG instances alike) held at once.
    pub max_slots: Limit<f64>,
    /// The same in GPU equivalents, where a full GPU is 1.0.
    pub max_gpu_equivalents: Limit<f64>,
    pub max_slots_per_container: Limit<f64>,
    pub allow_full_gpu: bool,
    /// CPUs, memory, shared memory and processes of each container.
    pub max_cpus: Limit<f64>,
    pub memory: Limit<Bytes>,
    /// Memory and swap together, as Docker counts it.
    pub memory_swap: Limit<Bytes>,
    /// `None` where the container shares the host's, or Docker's own default is to hold.
    pub shm_size: Option<Bytes>,
    /// Whether containers share the host's IPC name space; then there is no `shm_size`.
    pub ipc_host: bool,
    pub pids_limit: Limit<u64>,
    pub max_containers: Limit<u64>,
    pub idle_timeout: Limit<Span>,
    pub max_runtime: Limit<Span>,
    pub gpu_hold_after_stop: Limit<Span>,
    pub container_hold_after_stop: Limit<Span>,
    /// What the user's slice may consume, all containers together.
    pub aggregate: Aggregate,
    pub policies: Policies,
    /// What differs by the kind of container (`docker`, `compose`, `devcontainer`, …).
    pub container_types: Vec<TypeLifecycle>,
    /// The exemptions that hold at that moment.
    pub exemptions: Vec<Exemption>,
    /// Where each field comes from, by its name here, such as `memory`,
    /// `aggregate.memory_max` or `container_types.docker.idle_timeout`.
    pub sources: Sources,
}

impl Limits {
    /// Where `field` comes from: `groups.students (resource-limits.yaml:31)`.
    pub fn source(&self, field: &str) -> String {
        self.sources.get(field).map_or_else(|| "built-in".to_owned(), Source::to_string)
    }

    /// How long a container of `kind` may idle and run, and how it is asked to end.
    ///
    /// A kind the config does not name has the limits of `unknown`, and without such an
    /// entry the user's own: never none by accident (pitfall 25).
    pub fn lifecycle(&self, kind: &str) -> Lifecycle {
        self.type_of(kind).map_or_else(
            || Lifecycle {
                idle_timeout: self.idle_timeout,
                max_runtime: self.max_runtime,
                sigterm_grace: self.policies.sigterm_grace,
            },
            |one| one.lifecycle,
        )
    }

    /// Where `idle_timeout`, `max_runtime` or `sigterm_grace` of a container of `kind`
    /// comes from.
    pub fn lifecycle_source(&self, kind: &str, field: &str) -> String {
        match (self.type_of(kind), field) {
            (Some(one), _) => self.source(&format!("container_types.{}.{field}", one.kind)),
            (None, "sigterm_grace") => self.source("policies.sigterm_grace"),
            (None, _) => self.source(field),
        }
    }

    /// The entry that holds for `kind`. What ds01's own commands make is no unknown kind.
    fn type_of(&self, kind: &str) -> Option<&TypeLifecycle> {
        let named = |name: &str| self.container_types.iter().find(|one| one.kind == name);
        let own = ["orchestration", "atomic"].contains(&kind);
        named(kind).or_else(|| named("unknown").filter(|_| !own))
    }
}

/// How long a container lives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lifecycle {
    pub idle_timeout: Limit<Span>,
    pub max_runtime: Limit<Span>,
    /// Time between the request to end and the kill.
    pub sigterm_grace: Span,
}

/// [`Lifecycle`] of one kind of container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypeLifecycle {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
}

/// What a slice may consume; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Aggregate {
    /// In percent of one CPU: 9600 is 96 CPUs.
    pub cpu_quota: Option<f64>,
    pub memory_max: Option<Bytes>,
    pub memory_high: Option<Bytes>,
    pub tasks_max: Option<u64>,
    pub io_weight: Option<u64>,
    /// All GPUs of a user together; already part of [`Limits::max_gpu_equivalents`].
    pub max_gpu_equivalents: Option<f64>,
}

/// When a container counts as idle, and how much patience there is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Policies {
    /// Percent of a GPU below which it idles.
    pub gpu_idle_threshold: f64,
    /// Percent of one CPU.
    pub cpu_idle_threshold: f64,
    /// Bytes moved between two looks.
    pub network_idle_threshold: Bytes,
    /// Idle looks in a row before the clock is believed.
    pub idle_detection_window: u64,
    /// Share of slots in use from which demand counts as high.
    pub high_demand_threshold: f64,
    /// What idle timeouts are multiplied with then.
    pub high_demand_idle_reduction: f64,
    /// Time after a start in which nothing is judged.
    pub grace_period: Span,
    /// How long a `.keep-alive` file counts.
    pub keepalive_max: Span,
    pub sigterm_grace: Span,
    /// How long a container may stay created and never started.
    pub created_container_timeout: Span,
}

/// A person's release from a limit, for a time or for good.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exemption {
    pub user: String,
    pub idle_timeout: bool,
    pub max_runtime: bool,
    pub reason: String,
    pub approved_by: Option<String>,
    /// `None` is for good.
    pub expires_on: Option<Stamp>,
    #[serde(skip)]
    pub(crate) source: Source,
    #[serde(skip)]
    pub(crate) spot: crate::file::Spot,
}

impl Exemption {
    /// Where it is written.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The section: `defaults`, `groups.students`, `user_overrides.alice`, `built-in`.
    pub place: String,
    /// The file's name below the config directory; empty for what is built in.
    pub file: String,
    pub line: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            return f.write_str(if self.place.is_empty() { "built-in" } else { &self.place });
        }
        write!(f, "{} ({}:{})", self.place, self.file, self.line)
    }
}

/// The sources of a [`Limits`], in the order of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub(crate) Vec<(Cow<'static, str>, Source)>);

impl Sources {
    pub fn get(&self, field: &str) -> Option<&Source> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, source)| source)
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(name, source)| (&**name, source))
    }
}

impl Serialize for Sources {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(self.0.len()))?;
        for (name, source) in &self.0 {
            map.serialize_entry(name, source)?;
        }
        map.end()
    }
}
