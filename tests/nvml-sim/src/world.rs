//! The world as a file says it: which cards there are and what happens on them. README.md
//! shows every key. Nearly all have defaults, so a world may be three lines.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::code::Code;
use crate::models::Model;
use crate::placement::{Placed, Profile};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// What `nvmlInit` answers; success where it is not set.
    pub init: Option<Code>,
    #[serde(default = "driver")]
    pub driver: String,
    pub nvml: Option<String>,
    #[serde(default = "cuda")]
    pub cuda: String,
    #[serde(default)]
    pub nvlink: Fabric,
    /// Whether only root may look at GPU instances and change them, as on a real card.
    #[serde(default = "yes")]
    pub root_only: bool,
    pub gpus: Vec<Gpu>,
    #[serde(default)]
    pub events: Vec<Event>,
    /// What functions and cards answer instead of the truth, by function, `*`, `gpu:N` or
    /// `gpu:N/function`.
    #[serde(default)]
    pub errors: BTreeMap<String, Code>,
    /// How long functions take, by function or `*`.
    #[serde(default)]
    pub latency_ms: BTreeMap<String, u64>,
}

impl World {
    /// How many milliseconds a function takes.
    pub fn slowness(&self, function: &str) -> u64 {
        let slow = &self.latency_ms;
        slow.get(function).or_else(|| slow.get("*")).copied().unwrap_or(0)
    }
}

fn driver() -> String {
    "580.65.06".into()
}
fn yes() -> bool {
    true
}
fn cuda() -> String {
    "13.0".into()
}

/// How the cards are wired where a card does not say so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fabric {
    #[default]
    None,
    /// Each with each.
    Mesh,
    /// All behind NVSwitches.
    Switch,
}

/// A card, or `count` of a kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    pub model: String,
    #[serde(default = "one")]
    pub count: u32,
    pub uuid: Option<String>,
    pub serial: Option<String>,
    /// `0000:3b:00.0`.
    pub pci: Option<String>,
    #[serde(default = "node_zero")]
    pub numa: Option<u32>,
    /// Indices of its peers.
    pub nvlink: Option<Vec<u32>>,
    /// `false`: the mode is off; `true` or `[]`: on and empty; else the layout.
    #[serde(default)]
    pub mig: Mig,
    /// A change of the MIG mode waits for a reset.
    #[serde(default)]
    pub mig_needs_reset: bool,
    /// Beyond what the processes hold.
    pub memory_used_mib: Option<u64>,
    #[serde(default)]
    pub utilization: Utilization,
    #[serde(default = "degrees")]
    pub temperature: u32,
    pub memory_temperature: Option<u32>,
    pub fan: Option<u32>,
    pub power_watts: Option<f64>,
    /// Since the driver came up; counted from the power and the uptime where it is not set.
    pub energy_mj: Option<u64>,
    #[serde(default)]
    pub processes: Vec<Process>,
    #[serde(default)]
    pub ecc: Ecc,
    #[serde(default)]
    pub gpm: Gpm,
    /// Fallen off the bus: whatever is asked of it answers `GPU_IS_LOST`.
    #[serde(default)]
    pub lost: bool,
}

fn one() -> u32 {
    1
}
fn node_zero() -> Option<u32> {
    Some(0)
}
fn degrees() -> u32 {
    34
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Mig {
    Mode(bool),
    Layout(Vec<Piece>),
}

impl Default for Mig {
    fn default() -> Self {
        Self::Mode(false)
    }
}

/// An instance: `"3g.20gb@4"`, or an object where there is more to say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    Short(String),
    Long(Instance),
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    pub profile: String,
    /// The first free place where it is not said.
    pub start: Option<u32>,
    pub uuid: Option<String>,
    /// Compute slices of each compute instance; one of all slices where it is not said.
    pub compute: Option<Vec<u32>>,
    /// Beyond what the processes hold.
    pub memory_used_mib: Option<u64>,
    #[serde(default)]
    pub gpm: Gpm,
}

impl Piece {
    pub fn full(&self) -> Result<Instance, String> {
        match self {
            Self::Long(instance) => Ok(instance.clone()),
            Self::Short(text) => {
                let (profile, start) = match text.split_once('@') {
                    Some((profile, start)) => {
                        let number = start.parse().map_err(|_| format!("{text}: no start"))?;
                        (profile, Some(number))
                    }
                    None => (text.as_str(), None),
                };
                Ok(Instance { profile: profile.into(), start, ..Instance::default() })
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Utilization {
    pub gpu: u32,
    pub memory: u32,
    pub encoder: u32,
    pub decoder: u32,
}

/// A process on a card.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    pub pid: u32,
    /// `null` is what the driver says when it does not know.
    #[serde(default = "some_memory")]
    pub memory_mib: Option<u64>,
    /// The GPU instance it runs on, by the driver's id.
    pub gi: Option<u32>,
    #[serde(default)]
    pub ci: u32,
    #[serde(default)]
    pub graphics: bool,
    #[serde(default)]
    pub sm: u32,
    /// Gone from the card as soon as there is no such process.
    #[serde(default)]
    pub real: bool,
}

fn some_memory() -> Option<u64> {
    Some(512)
}

impl Process {
    pub fn is_there(&self) -> bool {
        !self.real || std::path::Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ecc {
    pub enabled: bool,
    /// Since the driver came up.
    pub corrected: u64,
    pub uncorrected: u64,
    /// Over the card's life; never less than the volatile ones.
    pub aggregate_corrected: u64,
    pub aggregate_uncorrected: u64,
    pub remapped_corrected: u32,
    pub remapped_uncorrected: u32,
    pub remap_pending: bool,
    pub remap_failed: bool,
}

impl Default for Ecc {
    fn default() -> Self {
        Self {
            enabled: true,
            corrected: 0,
            uncorrected: 0,
            aggregate_corrected: 0,
            aggregate_uncorrected: 0,
            remapped_corrected: 0,
            remapped_uncorrected: 0,
            remap_pending: false,
            remap_failed: false,
        }
    }
}

/// Performance monitoring: metrics in percent or MiB/s, by their number or their name.
pub type Gpm = BTreeMap<String, f64>;

/// Something the driver tells those that wait for it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub gpu: usize,
    #[serde(default)]
    pub kind: EventKind,
    /// The XID, for one.
    #[serde(default)]
    pub data: u64,
    pub gi: Option<u32>,
    pub ci: Option<u32>,
    /// Counted from when somebody asked to be told.
    #[serde(default)]
    pub after_ms: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    #[default]
    Xid,
    SingleBitEcc,
    DoubleBitEcc,
    SingleBitEccStorm,
    DramRetirement,
    DramRetirementFailure,
    Clock,
    PowerSource,
    Unavailable,
    RecoveryAction,
}

impl EventKind {
    /// `nvmlEventType*`.
    pub fn bit(self) -> u64 {
        match self {
            Self::SingleBitEcc => 0x1,
            Self::DoubleBitEcc => 0x2,
            Self::Xid => 0x8,
            Self::Clock => 0x10,
            Self::PowerSource => 0x80,
            Self::SingleBitEccStorm => 0x200,
            Self::DramRetirement => 0x400,
            Self::DramRetirementFailure => 0x800,
            Self::Unavailable => 0x4000,
            Self::RecoveryAction => 0x8000,
        }
    }
}

/// A world's layout with every place found and every rule kept.
pub fn layout(model: &Model, pieces: &[Piece]) -> Result<Vec<(Placed, Instance)>, String> {
    let mut placed: Vec<(Placed, Instance)> = Vec::new();
    for piece in pieces {
        let instance = piece.full()?;
        let profile = model
            .profile_by_name(&instance.profile)
            .ok_or_else(|| format!("{}: no profile of {}", instance.profile, model.key))?;
        let now: Vec<Placed> = placed.iter().map(|one| one.0).collect();
        let start = match instance.start {
            Some(start) => start,
            None => first_free(model, &now, profile)
                .ok_or_else(|| format!("{}: no room left", instance.profile))?,
        };
        let new = Placed { profile, start };
        if !model.family.fits(&now, new) {
            return Err(format!("{} cannot stand at {start}", instance.profile));
        }
        placed.push((new, instance));
    }
    Ok(placed)
}

fn first_free(model: &Model, placed: &[Placed], profile: Profile) -> Option<u32> {
    let fits = |start: &u32| model.family.fits(placed, Placed { profile, start: *start });
    profile.starts.iter().copied().find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_may_be_one_line() {
        let world: World = serde_json::from_str(r#"{"gpus": [{"model": "A30"}]}"#).unwrap();
        assert_eq!((world.gpus[0].count, world.gpus[0].numa), (1, Some(0)));
        assert_eq!(world.gpus[0].mig, Mig::Mode(false));
    }

    #[test]
    fn a_slip_in_a_key_is_refused() {
        let bad = serde_json::from_str::<World>(r#"{"gpus": [{"modle": "A30"}]}"#).unwrap_err();
        assert!(bad.to_string().contains("modle"), "{bad}");
    }

    #[test]
    fn a_layout_finds_its_places_and_refuses_what_cannot_stand() {
        let model = Model::named("A100-40").unwrap();
        let pieces = |texts: &[&str]| -> Vec<Piece> {
            texts.iter().map(|text| Piece::Short((*text).into())).collect()
        };
        let placed = layout(model, &pieces(&["3g.20gb@4", "2g.10gb", "1g.5gb"])).unwrap();
        assert_eq!(placed.iter().map(|one| one.0.start).collect::<Vec<_>>(), [4, 0, 2]);
        for (bad, why) in [
            (&["3g.20gb@2"][..], "3g.20gb cannot stand at 2"),
            (&["4g.20gb", "4g.20gb"], "4g.20gb: no room left"),
            (&["9g.1gb"], "9g.1gb: no profile of A100-40"),
            (&["1g.5gb@x"], "1g.5gb@x: no start"),
        ] {
            assert_eq!(layout(model, &pieces(bad)).unwrap_err(), why);
        }
    }
}
