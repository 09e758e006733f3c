//! What the event log promises, with real processes, kills, full disks and garbage.

mod full;
mod garbage;
mod parts;
mod rotation;
mod writers;
