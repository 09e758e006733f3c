//! The event log: what happened, one JSON line an event, in `/var/log/ds01/events.jsonl`.
//!
//! Here live the table of event types ([`Kind`]), writing ([`append`], which never fails its
//! caller) and reading, which takes the earlier system's lines too and survives any other.

mod kind;
mod write;

pub use kind::{ALL, Kind};
pub use write::{Event, LONGEST, append, try_append};
