//! The board: which GPUs and MIG instances this host has, and which of them can be leased.
//!
//! Plain data in this file, in `slot.rs` and in `now.rs`; only `nvml.rs` and `raw.rs` ask
//! NVIDIA's library. Nothing here knows who holds what: that is the ledger's.

mod now;
mod nvml;
mod raw;
mod slot;

use ds01_units::Bytes;
use serde::{Deserialize, Serialize};

pub use now::{Kind, Process, Reading};
pub use nvml::{Depth, Nvml};
pub use slot::{BadSlotId, Slot, SlotId, Weight};

/// All GPUs of the host, in NVML's order, which is that of the PCI addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    pub driver: Driver,
    pub gpus: Vec<Gpu>,
    /// Cards that NVML counts and that do not answer; they offer nothing.
    #[serde(default)]
    pub lost: Vec<Lost>,
}

/// A card that does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub index: u32,
    pub why: String,
}

/// The versions of what answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// Such as `550.54.15`. None where it was not asked.
    pub version: Option<String>,
    pub nvml: Option<String>,
    /// The newest CUDA the driver runs, such as `12.4`.
    pub cuda: Option<String>,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    pub index: u32,
    pub uuid: String,
    /// None where it was not asked, as all that is optional here.
    pub name: Option<String>,
    /// `00000000:3B:00.0`.
    pub pci: Option<String>,
    pub memory: Option<Bytes>,
    /// The NUMA node of the CPUs and memory nearest to it.
    pub numa: Option<u32>,
    /// Indices of the cards with a direct NVLink to this one, or behind the same NVSwitch.
    pub nvlink: Vec<u32>,
    pub mig: Mig,
    /// In enumeration order; empty with MIG off.
    pub instances: Vec<Instance>,
}

/// Whether a card is cut into instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "mode")]
pub enum Mig {
    /// The card cannot do it, or does not do it now.
    #[default]
    Off,
    On {
        /// Compute slices of the whole card: 7, or 4.
        compute_slices: u32,
        /// Memory slots of the whole card: 8, 4 or 12. None where it was not asked, or only
        /// root may ask.
        memory_slots: Option<u32>,
    },
}

/// A MIG device: one compute instance in its GPU instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its place in the enumeration now; shifts when the layout changes.
    pub index: u32,
    /// The identity. A new one after each creation.
    pub uuid: String,
    /// The driver's ids; they follow the placement and identify nothing.
    pub gi: u32,
    pub ci: u32,
    /// `2g.20gb`, in the driver's own words.
    pub profile: String,
    pub compute_slices: u32,
    pub memory: Bytes,
    /// None where it was not asked, or only root may ask.
    pub placement: Option<Placement>,
}

/// Where an instance lies along the memory slots of its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Placement {
    pub start: u32,
    pub size: u32,
}

impl Board {
    /// What can be leased, in natural order: a whole GPU where MIG is off, each instance
    /// where it is on. A MIG card without instances offers nothing.
    pub fn slots(&self, weight: Weight) -> Vec<Slot> {
        let mut slots: Vec<_> = self.gpus.iter().flat_map(|gpu| gpu.slots(weight)).collect();
        slots.sort_by_key(|slot| slot.id);
        slots
    }

    pub fn gpu(&self, index: u32) -> Option<&Gpu> {
        self.gpus.iter().find(|gpu| gpu.index == index)
    }
}

impl Gpu {
    pub fn mig_enabled(&self) -> bool {
        matches!(self.mig, Mig::On { .. })
    }

    fn slots(&self, weight: Weight) -> Vec<Slot> {
        let slot = |id, uuid: &str, profile, gpueq, memory| Slot {
            id,
            uuid: uuid.to_owned(),
            profile,
            gpueq,
            gpu: self.index,
            gpu_uuid: self.uuid.clone(),
            numa: self.numa,
            memory,
        };
        if !self.mig_enabled() {
            return vec![slot(SlotId::gpu(self.index), &self.uuid, None, 1.0, self.memory)];
        }
        self.instances
            .iter()
            .map(|instance| {
                slot(
                    SlotId::instance(self.index, instance.index),
                    &instance.uuid,
                    Some(instance.profile.clone()),
                    weight.of(self, instance),
                    Some(instance.memory),
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(index: u32) -> Gpu {
        Gpu {
            index,
            uuid: format!("GPU-{index}"),
            name: None,
            pci: None,
            memory: Some(Bytes(40 << 30)),
            numa: Some(0),
            nvlink: vec![],
            mig: Mig::Off,
            instances: vec![],
        }
    }

    fn piece(index: u32, compute_slices: u32, start: u32, size: u32) -> Instance {
        Instance {
            index,
            uuid: format!("MIG-{index}"),
            gi: 0,
            ci: 0,
            profile: format!("{compute_slices}g.{}gb", size * 5),
            compute_slices,
            memory: Bytes((u64::from(size) * 5) << 30),
            placement: Some(Placement { start, size }),
        }
    }

    fn cut(index: u32, instances: Vec<Instance>) -> Gpu {
        let mig = Mig::On { compute_slices: 7, memory_slots: Some(8) };
        Gpu { mig, instances, ..card(index) }
    }

    #[test]
    fn a_whole_gpu_weighs_one_and_an_instance_its_share_of_the_compute_slices() {
        let gpus =
            vec![card(0), cut(1, vec![piece(0, 2, 0, 2), piece(1, 3, 4, 4)]), cut(2, vec![])];
        let board = Board { gpus, ..Board::default() };
        let slots = board.slots(Weight::Compute);
        let seen: Vec<_> =
            slots.iter().map(|s| (s.id.to_string(), (s.gpueq * 1e4).round() / 1e4)).collect();
        assert_eq!(seen, [("0".into(), 1.0), ("1:0".into(), 0.2857), ("1:1".into(), 0.4286)]);
        assert_eq!(slots[1].profile.as_deref(), Some("2g.10gb"));
        assert_eq!(slots[1].gpu_uuid, "GPU-1");
    }

    #[test]
    fn by_the_larger_share_memory_counts_too() {
        let gpu = cut(0, vec![piece(0, 1, 0, 1), piece(1, 1, 2, 2), piece(2, 3, 4, 4)]);
        let board = Board { gpus: vec![gpu], ..Board::default() };
        let weights: Vec<_> = board.slots(Weight::Max).iter().map(|s| s.gpueq).collect();
        assert_eq!(weights, [1.0 / 7.0, 0.25, 0.5]);
    }

    #[test]
    fn the_memory_share_is_the_same_when_only_sizes_are_known() {
        // What A100-40 says of 1g.5gb, 1g.10gb and 3g.20gb.
        let sizes = [(1, 4864), (1, 9856), (3, 19968)].map(|(compute_slices, mib)| Instance {
            memory: Bytes(mib << 20),
            placement: None,
            ..piece(0, compute_slices, 0, 1)
        });
        let gpu = Gpu { memory: Some(Bytes(40960 << 20)), ..cut(0, sizes.to_vec()) };
        let board = Board { gpus: vec![gpu], ..Board::default() };
        let weights: Vec<_> = board.slots(Weight::Max).iter().map(|s| s.gpueq).collect();
        assert_eq!(weights, [1.0 / 7.0, 0.25, 0.5]);
    }

    #[test]
    fn slots_come_in_natural_order() {
        let many = (0..12).map(|index| piece(index, 1, 0, 1)).rev().collect();
        let board = Board { gpus: vec![card(10), card(2), cut(0, many)], ..Board::default() };
        let ids: Vec<_> = board.slots(Weight::Compute).iter().map(|s| s.id.to_string()).collect();
        assert_eq!(ids[1..4], ["0:1", "0:2", "0:3"]);
        assert_eq!(ids[10..], ["0:10", "0:11", "2", "10"]);
    }
}
