//! Keys: what they are, and finding the one that was written or was meant.

pub(crate) use crate::table::{KEYS, RETIRED};
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
    Total = 1 << 12,
    /// What the Docker door lets a group or one person do.
    Door = 1 << 13,
}

pub(crate) const SECTIONS: [Section; 14] = [
    Section::Top,
    Section::Defaults,
    Section::Group,
    Section::Override,
    Section::Aggregate,
    Section::Total,
    Section::Door,
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
            Self::Total => "total",
            Self::Door => "door",
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
    Total,
    OwnPolicies,
    Door,
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
    QueuePatience,
    Claim,
    PendingDeadline,

    HostNetwork,
    SeccompUnconfined,
    Sudo,
    UnknownFields,
    BindRoots,
    Capabilities,
    ImageNames,
    PrivateVolumes,

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
