//! What happens on the board at this moment. What NVML does not tell is none, never zero.

use ds01_units::Bytes;
use serde::Serialize;

use crate::SlotId;

/// A process that has a context on a GPU or an instance. The PID is the host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    pub pid: u32,
    pub kind: Kind,
    pub memory: Option<Bytes>,
    /// The slot it runs on, and that slot's UUID.
    pub slot: SlotId,
    pub uuid: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Compute,
    Graphics,
}

/// How busy a slot is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    pub slot: SlotId,
    pub uuid: String,
    /// Percent. On a MIG instance only from performance monitoring, which Ampere lacks.
    pub busy: Option<f64>,
    pub memory_used: Option<Bytes>,
    pub memory: Option<Bytes>,
    /// The card's, as what follows: its instances share it.
    pub temperature: Option<u32>,
    pub power_watts: Option<f64>,
    /// Since the driver was loaded.
    pub energy_joules: Option<f64>,
}
