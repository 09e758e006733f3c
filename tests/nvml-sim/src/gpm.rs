//! GPU performance monitoring: what a metric was between two samples is the mean of what the
//! world said at each.

use std::collections::BTreeMap;
use std::ffi::CStr;

use crate::board::Card;
use crate::code::{Answer, Code};
use crate::state::Gi;
use crate::world::Gpm;

/// Number, name in a world, and name for C.
const METRICS: &[(u32, &str, &CStr)] = &[
    (1, "graphics_util", c"graphics_util"),
    (2, "sm_util", c"sm_util"),
    (3, "sm_occupancy", c"sm_occupancy"),
    (4, "integer_util", c"integer_util"),
    (5, "any_tensor_util", c"any_tensor_util"),
    (6, "dfma_tensor_util", c"dfma_tensor_util"),
    (7, "hmma_tensor_util", c"hmma_tensor_util"),
    (8, "dmma_tensor_util", c"dmma_tensor_util"),
    (9, "imma_tensor_util", c"imma_tensor_util"),
    (10, "dram_bw_util", c"dram_bw_util"),
    (11, "fp64_util", c"fp64_util"),
    (12, "fp32_util", c"fp32_util"),
    (13, "fp16_util", c"fp16_util"),
    (20, "pcie_tx_per_sec", c"pcie_tx_per_sec"),
    (21, "pcie_rx_per_sec", c"pcie_rx_per_sec"),
    (60, "nvlink_rx_per_sec", c"nvlink_rx_per_sec"),
    (61, "nvlink_tx_per_sec", c"nvlink_tx_per_sec"),
];

#[derive(Debug, Default)]
pub struct Samples {
    made: u32,
    /// None until it is taken.
    samples: BTreeMap<u32, Option<Gpm>>,
}

impl Samples {
    pub fn alloc(&mut self) -> u32 {
        self.made += 1;
        self.samples.insert(self.made, None);
        self.made
    }

    pub fn free(&mut self, number: u32) -> Answer {
        self.samples.remove(&number).map(drop).ok_or(Code::INVALID_ARGUMENT)
    }

    pub fn take(&mut self, number: u32, now: Gpm) -> Answer {
        *self.samples.get_mut(&number).ok_or(Code::INVALID_ARGUMENT)? = Some(now);
        Ok(())
    }

    /// A metric between two samples, with its name and unit.
    pub fn between(
        &self,
        samples: (u32, u32),
        metric: u32,
    ) -> Answer<(f64, &'static CStr, &'static CStr)> {
        let of = |number| match self.samples.get(&number) {
            Some(Some(sample)) => Ok(sample),
            _ => Err(Code::INVALID_ARGUMENT),
        };
        let (first, second) = (of(samples.0)?, of(samples.1)?);
        let row = METRICS.iter().find(|row| row.0 == metric);
        let (name, words) = row.map_or(("", c"metric"), |row| (row.1, row.2));
        let number = metric.to_string();
        let value = |sample: &Gpm| sample.get(name).or_else(|| sample.get(&number)).copied();
        match (value(first), value(second)) {
            (Some(a), Some(b)) => {
                let unit = if (20..30).contains(&metric) || metric >= 60 { c"MiB/s" } else { c"%" };
                Ok(((a + b) / 2.0, words, unit))
            }
            _ => Err(Code::NOT_SUPPORTED),
        }
    }
}

/// What a sample of a card, or of one of its instances, holds now.
pub fn now(card: &Card, gi: Option<&Gi>) -> Gpm {
    let busy = match gi {
        None => f64::from(card.spec.utilization.gpu),
        Some(_) => 0.0,
    };
    let mut all: Gpm = METRICS.iter().map(|row| (row.1.to_owned(), 0.0)).collect();
    for name in ["graphics_util", "sm_util"] {
        all.insert(name.to_owned(), busy);
    }
    let said = match gi {
        None => Some(&card.spec.gpm),
        Some(gi) => card.said_of(gi).map(|said| &said.gpm),
    };
    all.extend(said.into_iter().flatten().map(|(name, value)| (name.clone(), *value)));
    all
}
