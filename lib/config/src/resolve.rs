//! Precedence, field by field: a person's override over the group's over the defaults over
//! what is built in. An override keeps its user's group (pitfall 19).

use std::borrow::Cow;

use ds01_units::{Bytes, Limit, Span, Stamp};

use crate::config::Config;
use crate::draft::{Level, Settings};
use crate::file::Spot;
use crate::keys::Field;
use crate::limits::{Lifecycle, Limits, Source, Sources, TypeLifecycle};
use crate::policy::Door;
use crate::typed::{aggregate, count, flag, number, policies, size, span};
use crate::value::Value;

/// The fields of [`Limits`] that have candidates, by the name they have there.
pub(crate) const LIMITS: [(Field, &str); 16] = [
    (Field::Priority, "priority"),
    (Field::MaxSlots, "max_slots"),
    (Field::MaxGpuEquivalents, "max_gpu_equivalents"),
    (Field::MaxSlotsPerContainer, "max_slots_per_container"),
    (Field::AllowFullGpu, "allow_full_gpu"),
    (Field::MaxCpus, "max_cpus"),
    (Field::Memory, "memory"),
    (Field::MemorySwap, "memory_swap"),
    (Field::ShmSize, "shm_size"),
    (Field::IpcMode, "ipc_host"),
    (Field::PidsLimit, "pids_limit"),
    (Field::MaxContainers, "max_containers"),
    (Field::IdleTimeout, "idle_timeout"),
    (Field::MaxRuntime, "max_runtime"),
    (Field::GpuHold, "gpu_hold_after_stop"),
    (Field::ContainerHold, "container_hold_after_stop"),
];
pub(crate) const AGGREGATE: [(Field, &str); 6] = [
    (Field::CpuQuota, "aggregate.cpu_quota"),
    (Field::MemoryMax, "aggregate.memory_max"),
    (Field::MemoryHigh, "aggregate.memory_high"),
    (Field::TasksMax, "aggregate.tasks_max"),
    (Field::IoWeight, "aggregate.io_weight"),
    (Field::AggregateGpus, "aggregate.max_gpu_equivalents"),
];
pub(crate) const POLICIES: [(Field, &str); 10] = [
    (Field::GpuIdle, "policies.gpu_idle_threshold"),
    (Field::CpuIdle, "policies.cpu_idle_threshold"),
    (Field::NetworkIdle, "policies.network_idle_threshold"),
    (Field::IdleWindow, "policies.idle_detection_window"),
    (Field::HighDemand, "policies.high_demand_threshold"),
    (Field::HighDemandReduction, "policies.high_demand_idle_reduction"),
    (Field::GracePeriod, "policies.grace_period"),
    (Field::KeepAliveMax, "policies.keepalive_max"),
    (Field::SigtermGrace, "policies.sigterm_grace"),
    (Field::CreatedTimeout, "policies.created_container_timeout"),
];

/// What holds where no file says anything: the limits of a cautious lab.
pub(crate) fn built_in(field: Field) -> Option<Value> {
    Some(match field {
        Field::Priority => Value::Count(10),
        Field::MaxSlots => Value::Number(1.0),
        Field::MaxSlotsPerContainer => Value::Unlimited,
        Field::AllowFullGpu => Value::Flag(true),
        Field::MaxCpus => Value::Number(8.0),
        Field::Memory => Value::Size(Bytes(32 << 30)),
        Field::ShmSize => Value::Size(Bytes(8 << 30)),
        Field::PidsLimit => Value::Count(4096),
        Field::MaxContainers => Value::Count(3),
        Field::IdleTimeout => Value::Time(Span::hours(48)),
        Field::MaxRuntime => Value::Unlimited,
        Field::GpuHold => Value::Time(Span::hours(24)),
        Field::ContainerHold => Value::Time(Span::hours(12)),
        Field::GpuIdle => Value::Number(5.0),
        Field::CpuIdle => Value::Number(2.0),
        Field::NetworkIdle => Value::Size(Bytes(1 << 20)),
        Field::IdleWindow => Value::Count(3),
        Field::HighDemand => Value::Number(0.8),
        Field::HighDemandReduction => Value::Number(0.5),
        Field::GracePeriod | Field::CreatedTimeout => Value::Time(Span::minutes(30)),
        Field::KeepAliveMax => Value::Time(Span::hours(24)),
        Field::SigtermGrace => Value::Time(Span::minutes(1)),
        _ => return None,
    })
}

/// Fields of which a level that sets one decides both: a quota is given in slots or in GPU
/// equivalents, shared memory as a size or as the host's. So `max_gpu_equivalents: 2` of a
/// group is not cut down by the `max_mig_instances: 1` of the defaults.
fn sibling(field: Field) -> Option<(Field, &'static str)> {
    Some(match field {
        Field::MaxSlots => (Field::MaxGpuEquivalents, "the quota is given in GPU equivalents here"),
        Field::MaxGpuEquivalents => (Field::MaxSlots, "the quota is given in slots here"),
        Field::ShmSize => (Field::IpcMode, "ipc_mode decides here"),
        Field::IpcMode => (Field::ShmSize, "shm_size decides here"),
        _ => return None,
    })
}

/// One value a field could have.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub place: &'a str,
    pub value: Value,
    /// `None` for what is built in.
    pub spot: Option<Spot>,
    /// Why it has this value without saying so.
    pub note: &'static str,
}

impl Candidate<'_> {
    pub fn source(&self, config: &Config) -> Source {
        match self.spot {
            None => Source { place: self.place.to_owned(), ..Source::default() },
            Some(spot) => config.source_at(self.place, spot),
        }
    }
}

const BUILT_IN: &str = "built-in";

/// The levels that have a say about one person, the strongest first.
pub(crate) struct Person<'a> {
    config: &'a Config,
    now: Stamp,
    user: &'a str,
    over: Option<&'a Level>,
    group: &'a Level,
}

impl<'a> Person<'a> {
    pub fn new(config: &'a Config, user: &'a str, now: Stamp) -> Self {
        let group = &config.group_of(user).level;
        Self { config, now, user, over: config.over(user), group }
    }

    fn levels(&self) -> impl Iterator<Item = &'a Level> {
        self.over.into_iter().chain([self.group, &self.config.defaults])
    }

    /// What the Docker door lets this person do, key by key from the strongest level.
    pub fn door(&self) -> Door {
        let scalar = |field| self.levels().find_map(|level| level.door.settings.get(field));
        let yes = |field| scalar(field).map(|(value, _)| flag(value));
        let list = |field| {
            let said = |level: &'a Level| {
                level
                    .door
                    .lists
                    .iter()
                    .find(|(known, _)| *known == field)
                    .map(|(_, all)| all.clone())
            };
            self.levels().find_map(said)
        };
        Door {
            host_network: yes(Field::HostNetwork),
            seccomp_unconfined: yes(Field::SeccompUnconfined),
            sudo: yes(Field::Sudo),
            unknown_fields: scalar(Field::UnknownFields).map(|(value, _)| value.to_string()),
            bind_roots: list(Field::BindRoots),
            capabilities: list(Field::Capabilities),
            image_names: list(Field::ImageNames),
            private_volumes: list(Field::PrivateVolumes),
        }
    }

    /// All candidates of `field`, the one that holds first.
    pub fn candidates(&self, field: Field) -> Vec<Candidate<'a>> {
        match field {
            _ if AGGREGATE.iter().any(|(known, _)| *known == field) => {
                self.simple(field, self.levels().map(|level| (&*level.place, &level.aggregate)))
            }
            _ if POLICIES.iter().any(|(known, _)| *known == field) => {
                let own = self.over.into_iter().chain([self.group]);
                let own = own.map(|level| (&*level.place, &level.policies));
                self.simple(field, own.chain([("policies", &self.config.policies)]))
            }
            Field::MaxContainers => {
                let levels = self.levels().map(|level| (&*level.place, &level.limits));
                self.simple(field, levels.chain([("policies", &self.config.policies)]))
            }
            Field::MemorySwap => self.swap(),
            Field::MaxGpuEquivalents => self.gpu_equivalents(),
            Field::IdleTimeout | Field::MaxRuntime => self.lifetime(field),
            _ => self.limit(field),
        }
    }

    /// Each level that says something, then what is built in.
    fn simple(
        &self,
        field: Field,
        levels: impl Iterator<Item = (&'a str, &'a Settings)>,
    ) -> Vec<Candidate<'a>> {
        levels
            .filter_map(|(place, settings)| {
                let (value, spot) = settings.get(field)?;
                Some(Candidate { place, value: value.clone(), spot: Some(spot), note: "" })
            })
            .chain(built_in(field).map(|value| Candidate {
                place: BUILT_IN,
                value,
                spot: None,
                note: "",
            }))
            .collect()
    }

    /// The same where a level may decide by setting the sibling.
    fn limit(&self, field: Field) -> Vec<Candidate<'a>> {
        let Some((sibling, note)) = sibling(field) else {
            let levels = self.levels().map(|level| (&*level.place, &level.limits));
            return self.simple(field, levels);
        };
        let implied = |spot| (Value::Unlimited, spot, note);
        let mut all: Vec<_> = self
            .levels()
            .filter_map(|level| {
                let said = level.limits.get(field).map(|(value, spot)| (value.clone(), spot, ""));
                let (value, spot, note) =
                    said.or_else(|| Some(implied(level.limits.get(sibling)?.1)))?;
                Some(Candidate { place: &level.place, value, spot: Some(spot), note })
            })
            .collect();
        let value = built_in(field).unwrap_or(Value::Unlimited);
        all.push(Candidate { place: BUILT_IN, value, spot: None, note: "" });
        all
    }

    /// Swap set below the level that sets memory was meant for another memory: it follows.
    fn swap(&self) -> Vec<Candidate<'a>> {
        let mut all = Vec::new();
        let note = "as much as memory";
        for level in self.levels() {
            let own = level.limits.get(Field::MemorySwap).map(|(value, spot)| (value, spot, ""));
            let memory = level.limits.get(Field::Memory).map(|(value, spot)| (value, spot, note));
            if let Some((value, spot, note)) = own.or(memory) {
                let (place, value) = (&*level.place, value.clone());
                all.push(Candidate { place, value, spot: Some(spot), note });
            }
        }
        let value = built_in(Field::Memory).unwrap_or(Value::Unlimited);
        all.push(Candidate { place: BUILT_IN, value, spot: None, note });
        all
    }

    /// A limit on the slice's GPUs is a limit on the user's: the lower of the two holds.
    fn gpu_equivalents(&self) -> Vec<Candidate<'a>> {
        let mut all = self.limit(Field::MaxGpuEquivalents);
        let Some(mut slice) = self.candidates(Field::AggregateGpus).into_iter().next() else {
            return all;
        };
        slice.note = "of the slice, all containers together";
        let own = all.first().map(|first| number(&first.value));
        let lower = match (own, number(&slice.value)) {
            (Some(Limit::Max(own)), Limit::Max(slice)) => slice < own,
            (_, Limit::Max(_)) => true,
            (_, Limit::None) => false,
        };
        all.insert(if lower { 0 } else { 1 }, slice);
        all
    }

    /// Exemptions that hold go before all levels.
    fn lifetime(&self, field: Field) -> Vec<Candidate<'a>> {
        let exempt = self.config.exemptions_of(self.user, self.now).find(|one| match field {
            Field::IdleTimeout => one.idle_timeout,
            _ => one.max_runtime,
        });
        let mut all = self.limit(field);
        if let Some(one) = exempt {
            let note = match one.expires_on {
                None => "permanent exemption",
                Some(_) => "temporary exemption",
            };
            let place = "exemptions";
            let spot = Some(one.spot);
            all.insert(0, Candidate { place, value: Value::Unlimited, spot, note });
        }
        all
    }

    fn first(&self, field: Field) -> Candidate<'a> {
        self.candidates(field).into_iter().next().unwrap_or(Candidate {
            place: BUILT_IN,
            value: Value::Unlimited,
            spot: None,
            note: "",
        })
    }

    pub fn limits(&self) -> Limits {
        let mut sources = Vec::with_capacity(LIMITS.len() + AGGREGATE.len() + POLICIES.len());
        let mut take = |field: Field| {
            let first = self.first(field);
            let name = name_of(field);
            // An aggregate that nothing limits has no source.
            if first.spot.is_some() || !name.starts_with("aggregate.") {
                sources.push((Cow::Borrowed(name), first.source(self.config)));
            }
            first.value
        };
        let priority = take(Field::Priority);
        let max_slots = number(&take(Field::MaxSlots));
        let max_gpu_equivalents = number(&take(Field::MaxGpuEquivalents));
        let max_slots_per_container = number(&take(Field::MaxSlotsPerContainer));
        let allow_full_gpu = flag(&take(Field::AllowFullGpu));
        let max_cpus = number(&take(Field::MaxCpus));
        let memory = size(&take(Field::Memory));
        let memory_swap = size(&take(Field::MemorySwap));
        let shm_size = size(&take(Field::ShmSize));
        let ipc_host = take(Field::IpcMode) == Value::Word("host".into());
        let pids_limit = count(&take(Field::PidsLimit));
        let max_containers = count(&take(Field::MaxContainers));
        let idle_timeout = span(&take(Field::IdleTimeout));
        let max_runtime = span(&take(Field::MaxRuntime));
        let gpu_hold_after_stop = span(&take(Field::GpuHold));
        let container_hold_after_stop = span(&take(Field::ContainerHold));
        let aggregate = aggregate(&mut take);
        let policies = policies(&mut take);
        let container_types = self.types(&mut sources);
        let group = self.config.group_of(self.user);
        Limits {
            user: self.user.to_owned(),
            group: group.name.clone(),
            overridden: self.over.is_some(),
            admin: self.config.is_admin(self.user),
            priority: match priority {
                Value::Count(count) => u8::try_from(count).unwrap_or(u8::MAX),
                _ => 1,
            },
            max_slots,
            max_gpu_equivalents,
            max_slots_per_container,
            allow_full_gpu,
            max_cpus,
            memory,
            memory_swap,
            shm_size: if ipc_host { None } else { shm_size.max().copied() },
            ipc_host,
            pids_limit,
            max_containers,
            idle_timeout,
            max_runtime,
            gpu_hold_after_stop,
            container_hold_after_stop,
            aggregate,
            policies,
            container_types,
            exemptions: self.config.exemptions_of(self.user, self.now).cloned().collect(),
            sources: Sources(sources),
        }
    }

    /// A kind of container says how long it lives; a person's own override or exemption
    /// goes before it, and where it is silent the person's limits hold.
    fn types(&self, sources: &mut Vec<(Cow<'static, str>, Source)>) -> Vec<TypeLifecycle> {
        let mut take = |kind: &str, settings: &Settings, field: Field, name: &str| {
            let first = self.first(field);
            let personal = first.place == "exemptions"
                || self.over.is_some_and(|over| {
                    over.limits.get(field).or_else(|| over.policies.get(field)).is_some()
                });
            let (value, source) = match settings.get(field) {
                Some((value, spot)) if !personal => {
                    let place = format!("container_types.{kind}");
                    (value.clone(), self.config.source_at(&place, spot))
                }
                _ => (first.value.clone(), first.source(self.config)),
            };
            sources.push((format!("container_types.{kind}.{name}").into(), source));
            span(&value)
        };
        let types = self.config.types.iter();
        types
            .map(|(kind, settings)| TypeLifecycle {
                kind: kind.clone(),
                lifecycle: Lifecycle {
                    idle_timeout: take(kind, settings, Field::IdleTimeout, "idle_timeout"),
                    max_runtime: take(kind, settings, Field::MaxRuntime, "max_runtime"),
                    sigterm_grace: take(kind, settings, Field::SigtermGrace, "sigterm_grace")
                        .max()
                        .copied()
                        .unwrap_or_default(),
                },
            })
            .collect()
    }
}

pub(crate) fn name_of(field: Field) -> &'static str {
    let mut all = LIMITS.iter().chain(&AGGREGATE).chain(&POLICIES);
    all.find(|(known, _)| *known == field).map_or("", |(_, name)| name)
}
