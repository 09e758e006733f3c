//! The table of keys. Whatever the config may say stands here once: reading, checking,
//! suggesting the nearest right key, explaining and the JSON Schema all go by it.

use crate::value::Kind;

/// A place where keys stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Section {
    Top = 1,
    Defaults = 1 << 1,
    Group = 1 << 2,
    Override = 1 << 3,
    Aggregate = 1 << 4,
    Policies = 1 << 5,
    /// The policies of a group or of one person.
    OwnPolicies = 1 << 6,
    Type = 1 << 7,
    Gpu = 1 << 8,
    Access = 1 << 9,
    Exemptions = 1 << 10,
    Exemption = 1 << 11,
}

pub(crate) const SECTIONS: [Section; 12] = [
    Section::Top,
    Section::Defaults,
    Section::Group,
    Section::Override,
    Section::Aggregate,
    Section::Policies,
    Section::OwnPolicies,
    Section::Type,
    Section::Gpu,
    Section::Access,
    Section::Exemptions,
    Section::Exemption,
];

impl Section {
    /// How messages call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Top => "the top level",
            Self::Defaults => "defaults",
            Self::Group => "groups.<group>",
            Self::Override => "user_overrides.<user>",
            Self::Aggregate => "aggregate",
            Self::Policies => "policies",
            Self::OwnPolicies => "the policies of a group or a user",
            Self::Type => "container_types.<type>",
            Self::Gpu => "gpu_allocation",
            Self::Access => "access_control",
            Self::Exemptions => "lifecycle-exemptions.yaml",
            Self::Exemption => "an exemption",
        }
    }
}

/// What a key sets. The names are those of the fields of `Limits` and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Defaults,
    DefaultGroup,
    Groups,
    UserOverrides,
    TopPolicies,
    ContainerTypes,
    GpuAllocation,
    AccessControl,

    MaxSlots,
    MaxGpuEquivalents,
    MaxSlotsPerContainer,
    AllowFullGpu,
    MaxCpus,
    Memory,
    MemorySwap,
    ShmSize,
    IpcMode,
    PidsLimit,
    MaxContainers,
    IdleTimeout,
    MaxRuntime,
    GpuHold,
    ContainerHold,
    Priority,
    Members,
    Aggregate,
    OwnPolicies,
    Note,

    CpuQuota,
    MemoryMax,
    MemoryHigh,
    TasksMax,
    IoWeight,
    AggregateGpus,

    GpuIdle,
    CpuIdle,
    NetworkIdle,
    IdleWindow,
    HighDemand,
    HighDemandReduction,
    GracePeriod,
    KeepAliveMax,
    SigtermGrace,
    CreatedTimeout,

    EnableMig,
    MigProfile,
    Strategy,
    ReclaimHeld,
    Weight,
    HalfLife,
    Claim,
    PendingDeadline,

    Unowned,
    AdminGroup,

    ExemptionList,
    Username,
    Category,
    ExemptFrom,
    Reason,
    ApprovedBy,
    ApprovedOn,
    ExpiresOn,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    pub field: Field,
    /// The name to write, then older and other spellings.
    pub names: &'static [&'static str],
    /// The sections it may stand in, as bits.
    pub sections: u16,
    pub kind: Kind,
    /// Whether `null` is a value: no limit.
    pub nullable: bool,
    pub about: &'static str,
}

impl Key {
    pub fn name(&self) -> &'static str {
        self.names[0]
    }
    pub fn stands_in(&self, section: Section) -> bool {
        self.sections & section as u16 != 0
    }
}

const TOP: u16 = Section::Top as u16;
const LIMITS: u16 = Section::Defaults as u16 | Section::Group as u16 | Section::Override as u16;
const TYPES: u16 = Section::Type as u16;
const AGGREGATE: u16 = Section::Aggregate as u16;
const POLICIES: u16 = Section::Policies as u16;
const ANY_POLICIES: u16 = POLICIES | Section::OwnPolicies as u16;
const GPU: u16 = Section::Gpu as u16;
const ACCESS: u16 = Section::Access as u16;
const EXEMPTION: u16 = Section::Exemption as u16;
const NOTES: u16 = Section::Group as u16 | Section::Override as u16;

const fn key(
    field: Field,
    names: &'static [&'static str],
    sections: u16,
    kind: Kind,
    about: &'static str,
) -> Key {
    Key { field, names, sections, kind, nullable: false, about }
}

/// A key whose `null` means that there is no limit.
const fn limit(
    field: Field,
    names: &'static [&'static str],
    sections: u16,
    kind: Kind,
    about: &'static str,
) -> Key {
    Key { field, names, sections, kind, nullable: true, about }
}

const COUNT: Kind = Kind::Count { least: 0, most: i64::MAX as u64 };

pub(crate) const KEYS: &[Key] = &[
    key(
        Field::Defaults,
        &["defaults"],
        TOP,
        Kind::Section(Section::Defaults),
        "limits of everybody, field by field below those of groups and overrides",
    ),
    key(
        Field::DefaultGroup,
        &["default_group"],
        TOP,
        Kind::Word,
        "the group of whoever is in none",
    ),
    key(
        Field::Groups,
        &["groups"],
        TOP,
        Kind::MapOf(Section::Group),
        "groups of people, with limits of their own",
    ),
    key(
        Field::UserOverrides,
        &["user_overrides"],
        TOP,
        Kind::MapOf(Section::Override),
        "limits of single people, above those of their group",
    ),
    key(
        Field::TopPolicies,
        &["policies"],
        TOP,
        Kind::Section(Section::Policies),
        "when a container is idle, and how patient the machine is",
    ),
    key(
        Field::ContainerTypes,
        &["container_types"],
        TOP,
        Kind::MapOf(Section::Type),
        "lifetimes by kind of container",
    ),
    key(
        Field::GpuAllocation,
        &["gpu_allocation"],
        TOP,
        Kind::Section(Section::Gpu),
        "how GPU slots are given out",
    ),
    key(
        Field::AccessControl,
        &["access_control"],
        TOP,
        Kind::Section(Section::Access),
        "who sees what is nobody's, and who is an admin",
    ),
    limit(
        Field::MaxSlots,
        &["max_mig_instances", "max_gpus_per_user", "max_gpu_slots", "gpus"],
        LIMITS,
        Kind::Amount,
        "GPU slots, full or MIG, held at once",
    ),
    limit(
        Field::MaxGpuEquivalents,
        &["max_gpu_equivalents"],
        LIMITS,
        Kind::Amount,
        "the same in GPU equivalents: a full GPU is 1.0, a MIG instance its share",
    ),
    limit(
        Field::MaxSlotsPerContainer,
        &["max_gpus_per_container", "max_gpu_slots_per_container", "max_mig_per_container"],
        LIMITS,
        Kind::Amount,
        "GPU slots of one container",
    ),
    key(
        Field::AllowFullGpu,
        &["allow_full_gpu"],
        LIMITS,
        Kind::Flag,
        "whether a full GPU may be taken where there are MIG instances",
    ),
    limit(Field::MaxCpus, &["max_cpus", "cpus"], LIMITS, Kind::Amount, "CPUs of each container"),
    limit(
        Field::Memory,
        &["memory"],
        LIMITS,
        Kind::Size { least: 6 << 20 },
        "memory of each container",
    ),
    limit(
        Field::MemorySwap,
        &["memory_swap"],
        LIMITS,
        Kind::Size { least: 6 << 20 },
        "memory and swap together; as much as memory unless said",
    ),
    limit(
        Field::ShmSize,
        &["shm_size"],
        LIMITS,
        Kind::Size { least: 64 << 10 },
        "shared memory of each container; null leaves it to Docker",
    ),
    key(
        Field::IpcMode,
        &["ipc_mode"],
        LIMITS,
        Kind::Choice(&["private", "host"]),
        "host shares the machine's IPC name space, instead of a shm_size",
    ),
    limit(
        Field::PidsLimit,
        &["pids_limit"],
        LIMITS,
        Kind::Count { least: 1, most: 4_194_304 },
        "processes and threads of each container",
    ),
    limit(
        Field::MaxContainers,
        &["max_containers_per_user", "max_containers"],
        LIMITS | POLICIES,
        COUNT,
        "containers a person may have",
    ),
    limit(
        Field::IdleTimeout,
        &["idle_timeout"],
        LIMITS | TYPES,
        Kind::Time,
        "an idle container is stopped after this; null is never",
    ),
    limit(
        Field::MaxRuntime,
        &["max_runtime"],
        LIMITS | TYPES,
        Kind::Time,
        "a container is stopped after this, idle or not; null is never",
    ),
    limit(
        Field::GpuHold,
        &["gpu_hold_after_stop"],
        LIMITS,
        Kind::Time,
        "a stopped container keeps its GPU so long; null is for ever",
    ),
    limit(
        Field::ContainerHold,
        &["container_hold_after_stop"],
        LIMITS,
        Kind::Time,
        "a stopped container is kept so long; null is for ever",
    ),
    key(
        Field::Priority,
        &["priority"],
        LIMITS,
        Kind::Count { least: 1, most: 100 },
        "who goes first: 100 before 1",
    ),
    key(
        Field::Members,
        &["members"],
        Section::Group as u16,
        Kind::Names,
        "who belongs to the group, besides those in groups/<group>.members",
    ),
    key(
        Field::Aggregate,
        &["aggregate"],
        LIMITS,
        Kind::Section(Section::Aggregate),
        "what the slice of each of these people may consume, all containers together",
    ),
    key(
        Field::OwnPolicies,
        &["policies"],
        NOTES,
        Kind::Section(Section::OwnPolicies),
        "policies of these people, key by key above the general ones",
    ),
    key(
        Field::Note,
        &["reason", "description", "approved_by", "approved_on"],
        NOTES,
        Kind::Note,
        "a note for the next admin",
    ),
    limit(Field::CpuQuota, &["cpu_quota"], AGGREGATE, Kind::Quota, "CPU time: 100% is one CPU"),
    limit(
        Field::MemoryMax,
        &["memory_max"],
        AGGREGATE,
        Kind::Size { least: 6 << 20 },
        "memory that is never exceeded",
    ),
    limit(
        Field::MemoryHigh,
        &["memory_high"],
        AGGREGATE,
        Kind::Size { least: 6 << 20 },
        "memory from which the slice is slowed down",
    ),
    limit(
        Field::TasksMax,
        &["tasks_max"],
        AGGREGATE,
        Kind::Count { least: 1, most: 4_194_304 },
        "processes and threads",
    ),
    limit(
        Field::IoWeight,
        &["io_weight"],
        AGGREGATE,
        Kind::Count { least: 1, most: 10_000 },
        "share of the disk; 100 is usual",
    ),
    limit(
        Field::AggregateGpus,
        &["max_gpu_equivalents", "gpu_limit"],
        AGGREGATE,
        Kind::Amount,
        "GPU equivalents, all containers together",
    ),
    key(
        Field::GpuIdle,
        &["gpu_idle_threshold"],
        ANY_POLICIES,
        Kind::Percent,
        "percent of a GPU below which it is idle",
    ),
    key(
        Field::CpuIdle,
        &["cpu_idle_threshold"],
        ANY_POLICIES,
        Kind::Percent,
        "percent of one CPU below which it is idle",
    ),
    key(
        Field::NetworkIdle,
        &["network_idle_threshold"],
        ANY_POLICIES,
        Kind::Size { least: 0 },
        "bytes moved between two looks below which the network is idle",
    ),
    key(
        Field::IdleWindow,
        &["idle_detection_window"],
        ANY_POLICIES,
        Kind::Count { least: 1, most: 1000 },
        "idle looks in a row before the clock is believed",
    ),
    key(
        Field::HighDemand,
        &["high_demand_threshold"],
        POLICIES,
        Kind::Fraction,
        "share of slots in use from which demand is high",
    ),
    key(
        Field::HighDemandReduction,
        &["high_demand_idle_reduction"],
        POLICIES,
        Kind::Fraction,
        "idle timeouts are multiplied with this at high demand",
    ),
    key(
        Field::GracePeriod,
        &["grace_period"],
        ANY_POLICIES,
        Kind::Time,
        "time after a start in which nothing is judged",
    ),
    key(
        Field::KeepAliveMax,
        &["keepalive_max", "keepalive_max_duration"],
        ANY_POLICIES,
        Kind::Time,
        "how long a .keep-alive file counts",
    ),
    key(
        Field::SigtermGrace,
        &["sigterm_grace"],
        ANY_POLICIES | TYPES,
        Kind::Time,
        "time between the request to end and the kill",
    ),
    key(
        Field::CreatedTimeout,
        &["created_container_timeout"],
        POLICIES,
        Kind::Time,
        "how long a container may stay created and never started",
    ),
    key(Field::EnableMig, &["enable_mig"], GPU, Kind::Flag, "whether GPUs are to be split"),
    key(
        Field::MigProfile,
        &["mig_profile"],
        GPU,
        Kind::Word,
        "the MIG profile to plan with, such as 2g.20gb",
    ),
    key(
        Field::Strategy,
        &["strategy"],
        GPU,
        Kind::Choice(&["least_allocated", "pack"]),
        "which free slot is given",
    ),
    key(
        Field::ReclaimHeld,
        &["reclaim_held"],
        GPU,
        Kind::Flag,
        "whether a stopped container's slot goes to a higher priority",
    ),
    key(
        Field::Weight,
        &["weight"],
        GPU,
        Kind::Choice(&["compute", "max"]),
        "what a MIG instance weighs: its compute share, or the larger of compute and memory",
    ),
    key(
        Field::HalfLife,
        &["fair_share_half_life"],
        GPU,
        Kind::Time,
        "after this time a use counts half in the waiting line",
    ),
    key(Field::Claim, &["claim"], GPU, Kind::Time, "how long the first in line may take to claim"),
    key(
        Field::PendingDeadline,
        &["pending_deadline"],
        GPU,
        Kind::Time,
        "how long a lease waits for its container",
    ),
    key(
        Field::Unowned,
        &["unowned"],
        ACCESS,
        Kind::Choice(&["open", "visible", "admin"]),
        "who may do what with containers without an owner",
    ),
    key(
        Field::AdminGroup,
        &["admin_group"],
        ACCESS,
        Kind::Word,
        "the Linux group whose members are admins",
    ),
    key(
        Field::ExemptionList,
        &["exemptions"],
        Section::Exemptions as u16,
        Kind::ListOf(Section::Exemption),
        "who is released from which limit",
    ),
    key(Field::Username, &["username", "user"], EXEMPTION, Kind::Word, "who"),
    key(Field::Category, &["category"], EXEMPTION, Kind::Note, "such as research_grant or waiver"),
    key(
        Field::ExemptFrom,
        &["exempt_from"],
        EXEMPTION,
        Kind::Choices(&["idle_timeout", "max_runtime", "idle_timeout_h", "max_runtime_h"]),
        "which limits do not hold",
    ),
    key(Field::Reason, &["reason"], EXEMPTION, Kind::Note, "why"),
    key(Field::ApprovedBy, &["approved_by"], EXEMPTION, Kind::Note, "who allowed it"),
    key(Field::ApprovedOn, &["approved_on"], EXEMPTION, Kind::Note, "when"),
    limit(
        Field::ExpiresOn,
        &["expires_on", "expires"],
        EXEMPTION,
        Kind::Date,
        "until when; a day counts whole, null is for good",
    ),
];

/// Keys of the earlier system that have no effect here, and what to do about each.
pub(crate) const RETIRED: &[(u16, &str, &str)] = &[
    (LIMITS, "max_tasks", "it never had an effect: write aggregate.tasks_max"),
    (LIMITS, "storage_workspace", "disk space is the file system's to limit"),
    (LIMITS, "storage_data", "disk space is the file system's to limit"),
    (LIMITS, "storage_tmp", "disk space is the file system's to limit"),
    (LIMITS, "gpu_memory", "it never had an effect: a MIG profile limits GPU memory"),
    (LIMITS, "io_read_bps", "it never had an effect: write aggregate.io_weight"),
    (LIMITS, "io_write_bps", "it never had an effect: write aggregate.io_weight"),
    (LIMITS, "ulimit_nofile", "it never had an effect"),
    (LIMITS, "reservation_start", "reserve with gpu-reserve"),
    (LIMITS, "reservation_end", "reserve with gpu-reserve"),
    (LIMITS, "reserved_gpus", "reserve with gpu-reserve"),
    (TOP, "enforcement", "limits always hold here"),
    (TOP, "monitoring", "label such containers ds01.monitoring as an admin"),
    (TOP, "bare_metal_access", "not part of ds01"),
    (TOP, "wizard", "texts live in share/guide"),
    (GPU, "slots_per_gpu", "the GPU itself says how it is split"),
    (GPU, "mig_instances_per_gpu", "the GPU itself says how it is split"),
    (GPU, "allocation_method", "write strategy"),
    (GPU, "mig_strategy", "layouts are mig-plan's"),
    (GPU, "mig_gpus", "layouts are mig-plan's"),
    (GPU, "respect_reservations", "reservations always hold here"),
    (ACCESS, "admin_users", "list them in groups.admin.members"),
    (ACCESS, "wrapper", "the Docker door holds for every client"),
    (ANY_POLICIES, "gpu_hold_after_manual_stop", "write gpu_hold_after_stop in defaults"),
    (ANY_POLICIES, "gpu_hold_after_manual_stop_m", "write gpu_hold_after_stop in defaults"),
    (ANY_POLICIES, "auto_stop_idle", "idle_timeout decides"),
    (ANY_POLICIES, "checkpoint_warning", "warnings always come"),
    (ANY_POLICIES, "require_workspace_mount", "it never had an effect"),
    (ANY_POLICIES, "enforce_storage_quotas", "disk space is the file system's to limit"),
    (ANY_POLICIES, "soft_limit_threshold", "it never had an effect"),
    (ANY_POLICIES, "graceful_errors", "every refusal explains itself"),
    (ANY_POLICIES, "suggest_alternatives", "every refusal explains itself"),
];

/// Units that a duration's key may carry at its end, and their seconds.
pub(crate) const SUFFIXES: [(&str, f64); 4] =
    [("_h", 3600.0), ("_m", 60.0), ("_s", 1.0), ("_d", 86_400.0)];

/// A key as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub key: &'static Key,
    /// Seconds a plain number stands for, from `_h` and the like.
    pub unit: Option<(&'static str, f64)>,
}

/// The key that `name` is in `section`.
pub(crate) fn find(section: Section, name: &str) -> Option<Written> {
    let named =
        |name: &str| KEYS.iter().find(|key| key.stands_in(section) && key.names.contains(&name));
    if let Some(key) = named(name) {
        return Some(Written { key, unit: None });
    }
    SUFFIXES.iter().find_map(|unit| {
        let key = named(name.strip_suffix(unit.0)?)?;
        matches!(key.kind, Kind::Time).then_some(Written { key, unit: Some(*unit) })
    })
}

/// Why `name` has no effect, where the earlier system knew it.
pub(crate) fn retired(section: Section, name: &str) -> Option<&'static str> {
    RETIRED
        .iter()
        .find(|(sections, retired, _)| sections & section as u16 != 0 && *retired == name)
        .map(|(_, _, why)| *why)
}

/// The name nearest to `wrong`, when it is near enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase().replace('-', "_");
    // Half a short word is a different word.
    let reach = (folded.chars().count() / 3).clamp(1, 4);
    names
        .map(|name| (strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What to write instead of an unknown key.
pub(crate) fn advice(section: Section, wrong: &str) -> String {
    let here = KEYS.iter().filter(|key| key.stands_in(section));
    if let Some(near) = nearest(wrong, here.clone().flat_map(|key| key.names.iter().copied())) {
        return format!("did you mean `{near}`?");
    }
    let elsewhere: Vec<_> = SECTIONS
        .into_iter()
        .filter(|other| find(*other, wrong).is_some())
        .map(Section::words)
        .collect();
    if !elsewhere.is_empty() {
        return format!("`{wrong}` belongs in {}", elsewhere.join(" or "));
    }
    let known: Vec<_> = here.map(Key::name).collect();
    format!("{} knows: {}", section.words(), known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_things_in_one_section() {
        for section in SECTIONS {
            let mut seen = Vec::new();
            for key in KEYS.iter().filter(|key| key.stands_in(section)) {
                for name in key.names {
                    assert!(!seen.contains(name), "{name} twice in {section:?}");
                    assert!(retired(section, name).is_none(), "{name} is retired in {section:?}");
                    seen.push(name);
                }
            }
        }
    }

    #[test]
    fn a_slip_finds_the_key_that_was_meant() {
        assert_eq!(advice(Section::Defaults, "memroy"), "did you mean `memory`?");
        assert_eq!(advice(Section::Defaults, "max-cpus"), "did you mean `max_cpus`?");
        assert_eq!(
            advice(Section::Top, "memory"),
            "`memory` belongs in defaults or groups.<group> or user_overrides.<user>"
        );
        assert!(advice(Section::Access, "quux").contains("unowned, admin_group"));
    }

    #[test]
    fn a_unit_may_stand_at_the_end_of_a_durations_key_only() {
        let written = find(Section::Defaults, "idle_timeout_h").unwrap();
        assert_eq!((written.key.field, written.unit.unwrap().1), (Field::IdleTimeout, 3600.0));
        assert!(find(Section::Defaults, "memory_h").is_none());
        assert_eq!(
            find(Section::Policies, "keepalive_max_duration_h").unwrap().key.field,
            Field::KeepAliveMax
        );
    }
}
