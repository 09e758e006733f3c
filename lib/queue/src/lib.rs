//! The waiting line and the calendar of reserved slots, as pure functions over plain data:
//! who is before whom ([`order()`]), when each may expect to start ([`plan()`]), who gets a
//! claim now ([`pass()`]), which reservations collide ([`conflict`]), and how the calendar
//! looks ([`timeline()`]).
//!
//! Nothing here reads a file, a clock, the config or the board: callers bring what they know
//! and the moment, and the same input gives the same answer. The laws that hold are written
//! in `docs/queue.md`, and each is a property test in `tests/laws/`.

mod account;
mod bounds;
mod entry;
mod gaps;
mod hash;
mod lanes;
mod order;
mod pass;
mod people;
mod plan;
mod reserve;
mod share;
mod timeline;
mod world;

pub use entry::{Claim, Entry, Kinds};
pub use order::order;
pub use pass::{MISSES, Miss, Pass, Policy, expire, pass};
pub use plan::{Plan, Planned, Start, Wait, plan};
pub use reserve::{
    Conflict, Day, Occupied, Recur, Reserved, choose, conflict, overlap, overlaps_itself, windows,
};
pub use share::{cost, share};
pub use timeline::{Bar, Row, Timeline, timeline};
pub use world::{Account, Busy, FULL, Quota, Slot, Window, World};
