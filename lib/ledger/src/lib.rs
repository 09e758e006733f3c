//! The GPU ledger: who may use which GPU slot, kept so that no acknowledged decision is lost
//! and none is made twice. Journal, snapshot, the state they add up to, the decision who
//! gets what, and the view others read. No clap, no printing, no NVML, no Docker.

pub mod types;
