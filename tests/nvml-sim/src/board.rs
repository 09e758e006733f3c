//! The cards as they are now: the world, with what programs have changed laid over it.

use crate::models::Model;
use crate::placement::{Placed, Profile};
use crate::state::{CardState, Ci, Gi, State};
use crate::world::{self, Fabric, Gpu, Instance, Mig, Process, World};

#[derive(Debug)]
pub struct Card {
    pub index: u32,
    pub model: &'static Model,
    pub spec: Gpu,
    pub uuid: String,
    pub serial: String,
    pub pci: Pci,
    pub peers: Vec<u32>,
    pub mig: bool,
    pub mig_pending: bool,
    /// By id, which is the order in which the driver enumerates.
    pub gis: Vec<Gi>,
    /// The world's own layout, to know more of an instance at the same place.
    said: Vec<(Placed, Instance)>,
    /// The layout as the world words it; see `CardState::over`.
    pub over: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pci {
    pub domain: u32,
    pub bus: u32,
    pub device: u32,
}

impl Pci {
    pub fn long(self) -> String {
        format!("{:08X}:{:02X}:{:02X}.0", self.domain, self.bus, self.device)
    }
    pub fn short(self) -> String {
        format!("{:04X}:{:02X}:{:02X}.0", self.domain, self.bus, self.device)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str| u32::from_str_radix(part, 16).ok();
        let parts: Vec<&str> = text.split(':').collect();
        let (domain, bus, last) = match parts[..] {
            [domain, bus, last] => (hex(domain)?, bus, last),
            [bus, last] => (0, bus, last),
            _ => return None,
        };
        let device = last.split('.').next()?;
        Some(Self { domain, bus: hex(bus)?, device: hex(device)? })
    }
}

/// All cards of a world, or why there can be no such world.
pub fn build(world: &World, state: &State) -> Result<Vec<Card>, String> {
    let specs: Vec<&Gpu> =
        world.gpus.iter().flat_map(|gpu| std::iter::repeat_n(gpu, gpu.count as usize)).collect();
    if specs.len() > 200 {
        return Err("more than 200 GPUs".into());
    }
    let mut cards: Vec<Card> = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let card = card(world, index as u32, specs.len() as u32, spec, state)
            .map_err(|why| format!("GPU {index}: {why}"))?;
        if cards.iter().any(|other| other.uuid == card.uuid || other.pci == card.pci) {
            return Err(format!("GPU {index}: its UUID or PCI address is another's"));
        }
        cards.push(card);
    }
    Ok(cards)
}

fn card(world: &World, index: u32, count: u32, spec: &Gpu, state: &State) -> Result<Card, String> {
    let model = Model::named(&spec.model).ok_or_else(|| format!("no model {}", spec.model))?;
    let uuid = match &spec.uuid {
        Some(uuid) if spec.count > 1 => return Err(format!("{uuid} cannot be {}", spec.count)),
        Some(uuid) => uuid.clone(),
        None => format!("GPU-{}", uuid_from(&format!("{} {index}", model.key))),
    };
    let pci = match &spec.pci {
        Some(text) => Pci::parse(text).ok_or_else(|| format!("{text}: no PCI address"))?,
        // As far apart as on a real board, and rising with the index.
        None => Pci { domain: 0, bus: 0x07 + index, device: 0 },
    };
    let others = (0..count).filter(|other| *other != index);
    let peers = match (&spec.nvlink, world.nvlink) {
        (Some(peers), _) => peers.clone(),
        (None, Fabric::None) => Vec::new(),
        (None, _) => others.collect(),
    };
    let (mig, pieces) = match &spec.mig {
        Mig::Mode(on) => (*on, &[][..]),
        Mig::Layout(pieces) => (true, &pieces[..]),
    };
    let said = world::layout(model, pieces)?;
    let over = format!("{:?}", spec.mig);
    let mut card = Card {
        index,
        model,
        spec: spec.clone(),
        serial: spec.serial.clone().unwrap_or_else(|| format!("13206230{index:05}")),
        uuid,
        pci,
        peers,
        mig,
        mig_pending: mig,
        gis: Vec::new(),
        said,
        over,
    };
    match state.cards.get(&card.uuid).filter(|changed| changed.over == card.over) {
        Some(changed) => {
            card.mig = changed.mig;
            card.mig_pending = changed.pending;
            card.gis.clone_from(&changed.instances);
        }
        None => card.gis = card.own_instances()?,
    }
    card.gis.sort_by_key(|gi| gi.id);
    Ok(card)
}

impl Card {
    fn own_instances(&self) -> Result<Vec<Gi>, String> {
        let mut gis: Vec<Gi> = Vec::new();
        for (placed, instance) in &self.said {
            let taken: Vec<u32> = gis.iter().map(|gi| gi.id).collect();
            let id = self.model.family.instance_id(*placed, &taken);
            let parts = instance.compute.clone().unwrap_or_else(|| vec![placed.profile.compute]);
            if parts.iter().sum::<u32>() > placed.profile.compute || parts.contains(&0) {
                return Err(format!("{}: compute instances do not fit", instance.profile));
            }
            let mut start = 0;
            let mut computes = Vec::new();
            for (number, size) in parts.iter().enumerate() {
                let uuid = match &instance.uuid {
                    Some(uuid) if number == 0 => uuid.clone(),
                    _ => format!("MIG-{}", uuid_from(&format!("{} {id} {number}", self.uuid))),
                };
                computes.push(Ci { id: number as u32, start, size: *size, serial: 0, uuid });
                start += size;
            }
            gis.push(Gi {
                id,
                kind: placed.profile.kind,
                start: placed.start,
                serial: 0,
                computes,
            });
        }
        Ok(gis)
    }

    /// What is to be written down of the card once a program has changed it.
    pub fn state(&self) -> CardState {
        CardState {
            over: self.over.clone(),
            mig: self.mig,
            pending: self.mig_pending,
            instances: self.gis.clone(),
        }
    }

    pub fn profile_of(&self, gi: &Gi) -> Option<Profile> {
        self.model.family.by_kind(gi.kind)
    }

    /// What the driver calls a compute instance of so many slices: `3g.20gb` when it has
    /// all of its GPU instance, `1c.3g.20gb` when not.
    pub fn name_of(&self, profile: Profile, slices: u32) -> String {
        let whole = self.model.profile_name(profile);
        if slices == profile.compute { whole } else { format!("{slices}c.{whole}") }
    }

    pub fn placed(&self) -> Vec<Placed> {
        self.gis
            .iter()
            .filter_map(|gi| Some(Placed { profile: self.profile_of(gi)?, start: gi.start }))
            .collect()
    }

    /// What the world says of the instance at this place, whoever made it.
    pub fn said_of(&self, gi: &Gi) -> Option<&Instance> {
        self.said
            .iter()
            .find(|(placed, _)| placed.profile.kind == gi.kind && placed.start == gi.start)
            .map(|(_, instance)| instance)
    }

    /// MIG devices in the driver's order: each compute instance of each GPU instance.
    pub fn mig_devices(&self) -> impl Iterator<Item = (&Gi, &Ci)> {
        self.gis.iter().flat_map(|gi| gi.computes.iter().map(move |ci| (gi, ci)))
    }

    /// The processes on the card, or on one instance of it.
    pub fn processes(&self, on: Option<(u32, u32)>) -> impl Iterator<Item = &Process> {
        self.spec.processes.iter().filter(move |process| {
            process.is_there()
                && on.is_none_or(|(gi, ci)| process.gi == Some(gi) && process.ci == ci)
        })
    }

    /// Total and used memory of the card, in MiB.
    pub fn memory(&self) -> (u64, u64) {
        let held: u64 = self.processes(None).filter_map(|process| process.memory_mib).sum();
        let base = self.spec.memory_used_mib.unwrap_or(4);
        (self.model.memory_mib, (base + held).min(self.model.memory_mib))
    }

    /// Total and used memory of an instance, in MiB.
    pub fn instance_memory(&self, gi: &Gi) -> (u64, u64) {
        let total = self.profile_of(gi).map_or(0, |profile| self.model.instance_mib(profile));
        let on_it = self.processes(None).filter(|process| process.gi == Some(gi.id));
        let held: u64 = on_it.filter_map(|process| process.memory_mib).sum();
        let base = self.said_of(gi).and_then(|said| said.memory_used_mib).unwrap_or(12);
        (total, (base + held).min(total))
    }

    pub fn power_mw(&self) -> u32 {
        match self.spec.power_watts {
            Some(watts) => (watts * 1000.0) as u32,
            // An idle card draws about an eighth; a busy one close to its limit.
            None => {
                let limit = self.model.power_watts * 1000;
                limit / 8 + limit * 3 / 4 / 100 * self.spec.utilization.gpu.min(100)
            }
        }
    }
}

/// A UUID that follows from a text.
pub fn uuid_from(text: &str) -> String {
    let hash = |seed: u64| {
        // FNV-1a, then a finisher: short texts that differ little give ids that differ much.
        let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let sum = (sum ^ sum >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        sum ^ sum >> 33
    };
    let (high, low) = (hash(0), hash(0x9e37_79b9_7f4a_7c15));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(world: &str) -> Result<Vec<Card>, String> {
        build(&serde_json::from_str(world).unwrap(), &State::default())
    }

    #[test]
    fn count_makes_distinct_cards() {
        let cards = cards(r#"{"gpus": [{"model": "A100-40", "count": 3}], "nvlink": "mesh"}"#);
        let cards = cards.unwrap();
        assert_ne!(cards[0].uuid, cards[1].uuid);
        assert_eq!(cards[1].peers, [0, 2]);
        assert_eq!(cards[2].pci.long(), "00000000:09:00.0");
    }

    #[test]
    fn the_world_in_the_readme_can_be() {
        let text = include_str!("../README.md");
        let example = text.split("```json").nth(1).and_then(|rest| rest.split("```").next());
        let cards = cards(example.unwrap()).unwrap();
        assert_eq!((cards.len(), cards[4].gis.len()), (5, 3));
        for model in crate::models::MODELS {
            assert!(text.contains(model.key), "{} is not in the README", model.key);
        }
    }

    #[test]
    fn a_world_that_cannot_be_is_refused_with_the_reason() {
        for (world, why) in [
            (r#"{"gpus": [{"model": "GTX 970"}]}"#, "GPU 0: no model GTX 970"),
            (r#"{"gpus": [{"model": "A30", "pci": "x"}]}"#, "GPU 0: x: no PCI address"),
            (
                r#"{"gpus": [{"model": "A30", "uuid": "GPU-a"}, {"model": "A30", "uuid": "GPU-a"}]}"#,
                "GPU 1: its UUID or PCI address is another's",
            ),
            (
                r#"{"gpus": [{"model": "A30", "mig": [{"profile": "2g.12gb", "compute": [2, 1]}]}]}"#,
                "GPU 0: 2g.12gb: compute instances do not fit",
            ),
        ] {
            assert_eq!(cards(world).unwrap_err(), why);
        }
    }
}
