//! What the event log promises, with real processes, kills, full disks and garbage.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic anywhere")]

mod full;
mod garbage;
mod parts;
mod rotation;
mod writers;
