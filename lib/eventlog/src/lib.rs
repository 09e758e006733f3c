//! The event log: what happened, one JSON line an event, in `/var/log/ds01/events.jsonl`.
//!
//! Here live the table of event types ([`Kind`]), writing ([`append`], which never fails its
//! caller) and reading, which takes the earlier system's lines too and survives any other.

mod event;
mod filter;
mod follow;
mod kind;
mod lines;
mod read;
mod record;
mod summary;
mod write;

pub use event::{Event, LONGEST};
pub use filter::Filter;
pub use follow::Follow;
pub use kind::{ALL, Kind};
pub use read::{Each, Files, Tally, read};
pub use record::Record;
pub use summary::Summary;
pub use write::{append, try_append};
