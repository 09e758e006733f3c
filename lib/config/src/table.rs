//! The table of keys. Whatever the config may say stands here once: reading, checking,
//! suggesting the nearest right key, explaining and the JSON Schema all go by it.

use crate::keys::{Field, Key, Section};
use crate::value::Kind;

const TOP: u16 = Section::Top as u16;
const LIMITS: u16 = Section::Defaults as u16 | Section::Group as u16 | Section::Override as u16;
const TYPES: u16 = Section::Type as u16;
const AGGREGATE: u16 = Section::Aggregate as u16;
/// What any slice may have, one person's or a group's.
const SLICE: u16 = AGGREGATE | Section::Total as u16;
const POLICIES: u16 = Section::Policies as u16;
const ANY_POLICIES: u16 = POLICIES | Section::OwnPolicies as u16;
const GPU: u16 = Section::Gpu as u16;
const ACCESS: u16 = Section::Access as u16;
const DOOR: u16 = Section::Door as u16;
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

#[rustfmt::skip]
pub(crate) const KEYS: &[Key] = &[
    key(Field::Defaults, &["defaults"], TOP, Kind::Section(Section::Defaults), "limits of everybody, field by field below those of groups and overrides"),
    key(Field::DefaultGroup, &["default_group"], TOP, Kind::Word, "the group of whoever is in none"),
    key(Field::Groups, &["groups"], TOP, Kind::MapOf(Section::Group), "groups of people, with limits of their own"),
    key(Field::UserOverrides, &["user_overrides"], TOP, Kind::MapOf(Section::Override), "limits of single people, above those of their group"),
    key(Field::TopPolicies, &["policies"], TOP, Kind::Section(Section::Policies), "when a container is idle, and how patient the machine is"),
    key(Field::ContainerTypes, &["container_types"], TOP, Kind::MapOf(Section::Type), "lifetimes by kind of container"),
    key(Field::GpuAllocation, &["gpu_allocation"], TOP, Kind::Section(Section::Gpu), "how GPU slots are given out"),
    key(Field::AccessControl, &["access_control"], TOP, Kind::Section(Section::Access), "who sees what is nobody's, and who is an admin"),

    limit(Field::MaxSlots, &["max_mig_instances", "max_gpus_per_user", "max_gpu_slots", "gpus"], LIMITS, Kind::Amount, "GPU slots, full or MIG, held at once"),
    limit(Field::MaxGpuEquivalents, &["max_gpu_equivalents"], LIMITS, Kind::Amount, "the same in GPU equivalents: a full GPU is 1.0, a MIG instance its share"),
    limit(Field::MaxSlotsPerContainer, &["max_gpus_per_container", "max_gpu_slots_per_container", "max_mig_per_container"], LIMITS, Kind::Amount, "GPU slots of one container"),
    key(Field::AllowFullGpu, &["allow_full_gpu"], LIMITS, Kind::Flag, "whether a full GPU may be taken where there are MIG instances"),
    limit(Field::MaxCpus, &["max_cpus", "cpus"], LIMITS, Kind::Amount, "CPUs of each container"),
    limit(Field::Memory, &["memory"], LIMITS, Kind::Size { least: 6 << 20 }, "memory of each container"),
    limit(Field::MemorySwap, &["memory_swap"], LIMITS, Kind::Size { least: 6 << 20 }, "memory and swap together; as much as memory unless said"),
    limit(Field::ShmSize, &["shm_size"], LIMITS, Kind::Size { least: 64 << 10 }, "shared memory of each container; null leaves it to Docker"),
    key(Field::IpcMode, &["ipc_mode"], LIMITS, Kind::Choice(&["private", "host"]), "host shares the machine's IPC name space, instead of a shm_size"),
    limit(Field::PidsLimit, &["pids_limit"], LIMITS, Kind::Count { least: 1, most: 4_194_304 }, "processes and threads of each container"),
    limit(Field::MaxContainers, &["max_containers_per_user", "max_containers"], LIMITS | POLICIES, COUNT, "containers a person may have"),
    limit(Field::IdleTimeout, &["idle_timeout"], LIMITS | TYPES, Kind::Time, "an idle container is stopped after this; null is never"),
    limit(Field::MaxRuntime, &["max_runtime"], LIMITS | TYPES, Kind::Time, "a container is stopped after this, idle or not; null is never"),
    limit(Field::GpuHold, &["gpu_hold_after_stop"], LIMITS, Kind::Time, "a stopped container keeps its GPU so long; null is for ever"),
    limit(Field::ContainerHold, &["container_hold_after_stop"], LIMITS, Kind::Time, "a stopped container is kept so long; null is for ever"),
    key(Field::Priority, &["priority"], LIMITS, Kind::Count { least: 1, most: 100 }, "who goes first: 100 before 1"),
    key(Field::Members, &["members"], Section::Group as u16, Kind::Names, "who belongs to the group, besides those in groups/<group>.members"),
    key(Field::Aggregate, &["aggregate"], LIMITS, Kind::Section(Section::Aggregate), "what the slice of each of these people may consume, all containers together"),
    key(Field::Total, &["total"], Section::Group as u16, Kind::Section(Section::Total), "what the group's slice may consume, all its people together"),
    key(Field::OwnPolicies, &["policies"], NOTES, Kind::Section(Section::OwnPolicies), "policies of these people, key by key above the general ones"),
    key(Field::Door, &["door"], LIMITS, Kind::Section(Section::Door), "what the Docker door lets these people do"),
    key(Field::Note, &["reason", "description", "approved_by", "approved_on"], NOTES, Kind::Note, "a note for the next admin"),

    limit(Field::CpuQuota, &["cpu_quota"], SLICE, Kind::Quota, "CPU time: 100% is one CPU"),
    limit(Field::MemoryMax, &["memory_max"], SLICE, Kind::Size { least: 6 << 20 }, "memory that is never exceeded"),
    limit(Field::MemoryHigh, &["memory_high"], SLICE, Kind::Size { least: 6 << 20 }, "memory from which the slice is slowed down"),
    limit(Field::TasksMax, &["tasks_max"], SLICE, Kind::Count { least: 1, most: 4_194_304 }, "processes and threads"),
    limit(Field::IoWeight, &["io_weight"], SLICE, Kind::Count { least: 1, most: 10_000 }, "share of the disk; 100 is usual"),
    limit(Field::AggregateGpus, &["max_gpu_equivalents", "gpu_limit"], AGGREGATE, Kind::Amount, "GPU equivalents, all containers together"),

    key(Field::GpuIdle, &["gpu_idle_threshold"], ANY_POLICIES, Kind::Percent, "percent of a GPU below which it is idle"),
    key(Field::CpuIdle, &["cpu_idle_threshold"], ANY_POLICIES, Kind::Percent, "percent of one CPU below which it is idle"),
    key(Field::NetworkIdle, &["network_idle_threshold"], ANY_POLICIES, Kind::Size { least: 0 }, "bytes moved between two looks below which the network is idle"),
    key(Field::IdleWindow, &["idle_detection_window"], ANY_POLICIES, Kind::Count { least: 1, most: 1000 }, "idle looks in a row before the clock is believed"),
    key(Field::HighDemand, &["high_demand_threshold"], POLICIES, Kind::Fraction, "share of slots in use from which demand is high"),
    key(Field::HighDemandReduction, &["high_demand_idle_reduction"], POLICIES, Kind::Fraction, "idle timeouts are multiplied with this at high demand"),
    key(Field::GracePeriod, &["grace_period"], ANY_POLICIES, Kind::Time, "time after a start in which nothing is judged"),
    key(Field::KeepAliveMax, &["keepalive_max", "keepalive_max_duration"], ANY_POLICIES, Kind::Time, "how long a .keep-alive file counts"),
    key(Field::SigtermGrace, &["sigterm_grace"], ANY_POLICIES | TYPES, Kind::Time, "time between the request to end and the kill"),
    key(Field::CreatedTimeout, &["created_container_timeout"], POLICIES, Kind::Time, "how long a container may stay created and never started"),

    key(Field::EnableMig, &["enable_mig"], GPU, Kind::Flag, "whether GPUs are to be split"),
    key(Field::MigProfile, &["mig_profile"], GPU, Kind::Word, "the MIG profile to plan with, such as 2g.20gb"),
    key(Field::Strategy, &["strategy"], GPU, Kind::Choice(&["least_allocated", "pack"]), "which free slot is given"),
    key(Field::ReclaimHeld, &["reclaim_held"], GPU, Kind::Flag, "whether a stopped container's slot goes to a higher priority"),
    key(Field::Weight, &["weight"], GPU, Kind::Choice(&["compute", "max"]), "what a MIG instance weighs: its compute share, or the larger of compute and memory"),
    key(Field::HalfLife, &["fair_share_half_life"], GPU, Kind::Time, "after this time a use counts half in the waiting line"),
    key(Field::QueuePatience, &["queue_patience"], GPU, Kind::Time, "who has waited so long in the line is overtaken by nobody who joins"),
    key(Field::Claim, &["claim"], GPU, Kind::Time, "how long the first in line may take to claim"),
    key(Field::PendingDeadline, &["pending_deadline"], GPU, Kind::Time, "how long a lease waits for its container"),

    key(Field::HostNetwork, &["host_network"], DOOR, Kind::Flag, "whether containers may share the machine's network"),
    key(Field::SeccompUnconfined, &["seccomp_unconfined"], DOOR, Kind::Flag, "whether debuggers may run without the filter of system calls"),
    key(Field::UnknownFields, &["unknown_fields"], DOOR, Kind::Choice(&["deny", "strip", "pass"]), "what becomes of a field of a request that nobody here knows"),
    key(Field::BindRoots, &["bind_roots"], DOOR, Kind::Texts, "directories that may be mounted; {user} and {uid} are the person's, :ro behind one is read-only"),
    key(Field::Sudo, &["sudo"], DOOR, Kind::Flag, "whether sudo makes people root in the containers that container-create makes, where the image has it"),
    key(Field::Capabilities, &["capabilities"], DOOR, Kind::Texts, "capabilities that may be added, without CAP_"),
    key(Field::ImageNames, &["image_names"], DOOR, Kind::Texts, "name spaces of images beside the person's own, such as lab/"),
    key(Field::PrivateVolumes, &["private_volumes"], DOOR, Kind::Texts, "volume names that are each person's own behind the scenes"),

    key(Field::Unowned, &["unowned"], ACCESS, Kind::Choice(&["open", "visible", "admin"]), "who may do what with containers without an owner"),
    key(Field::AdminGroup, &["admin_group"], ACCESS, Kind::Word, "the Linux group whose members are admins"),

    key(Field::ExemptionList, &["exemptions"], Section::Exemptions as u16, Kind::ListOf(Section::Exemption), "who is released from which limit"),
    key(Field::Username, &["username", "user"], EXEMPTION, Kind::Word, "who"),
    key(Field::Category, &["category"], EXEMPTION, Kind::Note, "such as research_grant or waiver"),
    key(Field::ExemptFrom, &["exempt_from"], EXEMPTION, Kind::Choices(&["idle_timeout", "max_runtime", "idle_timeout_h", "max_runtime_h"]), "which limits do not hold"),
    key(Field::Reason, &["reason"], EXEMPTION, Kind::Note, "why"),
    key(Field::ApprovedBy, &["approved_by"], EXEMPTION, Kind::Note, "who allowed it"),
    key(Field::ApprovedOn, &["approved_on"], EXEMPTION, Kind::Note, "when"),
    limit(Field::ExpiresOn, &["expires_on", "expires"], EXEMPTION, Kind::Date, "until when; a day counts whole, null is for good"),
];
/// Keys of the earlier system that have no effect here, and what to do about each.
#[rustfmt::skip]
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
    (TOP, "wizard", "the commands bring their own texts"),
    (GPU, "slots_per_gpu", "the GPU itself says how it is split"),
    (GPU, "mig_instances_per_gpu", "the GPU itself says how it is split"),
    (GPU, "allocation_method", "write strategy"),
    (GPU, "mig_strategy", "the GPU itself says how it is split"),
    (GPU, "mig_gpus", "the GPU itself says how it is split"),
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
