//! What can be leased, and what it counts for.

use std::fmt;
use std::str::FromStr;

use ds01_units::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Gpu, Instance, Mig};

/// Something that one container can be given. The UUID is its identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// For people; shifts when a layout changes.
    pub id: SlotId,
    pub uuid: String,
    /// `2g.20gb`; none for a whole GPU.
    pub profile: Option<String>,
    /// Its weight in GPU equivalents.
    pub gpueq: f64,
    /// The index of its card.
    pub gpu: u32,
    pub gpu_uuid: String,
    pub numa: Option<u32>,
    pub memory: Option<Bytes>,
}

/// `0` for a whole GPU, `0:1` for a MIG instance. Orders as people count: 2 before 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId {
    gpu: u32,
    mig: Option<u32>,
}

impl SlotId {
    pub const fn gpu(gpu: u32) -> Self {
        Self { gpu, mig: None }
    }
    pub const fn instance(gpu: u32, mig: u32) -> Self {
        Self { gpu, mig: Some(mig) }
    }
    /// The index of the card.
    pub const fn card(self) -> u32 {
        self.gpu
    }
    /// The MIG device's place on its card.
    pub const fn mig(self) -> Option<u32> {
        self.mig
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mig {
            None => write!(f, "{}", self.gpu),
            Some(mig) => write!(f, "{}:{mig}", self.gpu),
        }
    }
}

/// Why a text is no slot's display name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSlotId;

impl fmt::Display for BadSlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a slot: write 0 for a GPU, 0:1 for a MIG instance")
    }
}

impl std::error::Error for BadSlotId {}

impl FromStr for SlotId {
    type Err = BadSlotId;

    /// The earlier system also wrote `0.1`, and Docker users do; both are read.
    fn from_str(text: &str) -> Result<Self, BadSlotId> {
        let number = |text: &str| {
            // `+1` parses as a number too, but is nobody's slot.
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten().ok_or(BadSlotId)
        };
        match text.split_once([':', '.']) {
            None => Ok(Self::gpu(number(text)?)),
            Some((gpu, mig)) => Ok(Self::instance(number(gpu)?, number(mig)?)),
        }
    }
}

impl Serialize for SlotId {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotId {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How an instance is weighed against a whole card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Its share of the compute slices: 1g of 7 is 0.1429.
    #[default]
    Compute,
    /// The larger of its shares of compute and of memory: 3g of 7 is half a card, since no
    /// third one fits.
    Max,
}

impl Weight {
    pub(crate) fn of(self, gpu: &Gpu, instance: &Instance) -> f64 {
        let Mig::On { compute_slices, memory_slots } = gpu.mig else { return 1.0 };
        let share = |part: f64, whole: f64| if whole > 0.0 { (part / whole).min(1.0) } else { 1.0 };
        let compute = share(f64::from(instance.compute_slices), f64::from(compute_slices));
        if self == Self::Compute {
            return compute;
        }
        // Slots are exact. Sizes in bytes are short of what the card keeps for itself, but
        // every profile of every card covers whole eighths of the memory.
        let memory = match (instance.placement, memory_slots, gpu.memory) {
            (Some(placed), Some(slots), _) => share(f64::from(placed.size), f64::from(slots)),
            (_, _, Some(whole)) => {
                (share(instance.memory.0 as f64, whole.0 as f64) * 8.0).ceil() / 8.0
            }
            _ => 0.0,
        };
        compute.max(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn display_names_order_as_people_count() {
        let mut ids: Vec<SlotId> =
            ["10", "0:10", "2", "0:2", "1", "0"].map(|text| text.parse().unwrap()).to_vec();
        ids.sort_unstable();
        let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["0", "0:2", "0:10", "1", "2", "10"]);
    }

    #[test]
    fn what_is_no_display_name_is_refused() {
        for bad in ["", ":", "0:", ":1", "-1", "+1", "0:1:2", "0: 1", "a", "99999999999", "٣"] {
            assert_eq!(bad.parse::<SlotId>(), Err(BadSlotId), "{bad}");
        }
        assert_eq!("0.1".parse(), Ok(SlotId::instance(0, 1)));
    }

    proptest! {
        #[test]
        fn every_display_name_survives_being_written(gpu: u32, mig: Option<u32>) {
            let id = SlotId { gpu, mig };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
