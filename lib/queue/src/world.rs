//! What the line is planned against: slots, who is on them until when, windows that are
//! reserved, and how much each user may hold at once.

use std::collections::HashMap;

use ds01_units::Stamp;

/// The kind of a whole GPU; any other kind is a MIG profile.
pub const FULL: &str = "full";

/// A slot of the board. The order of the slots is the order in which they are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// What claims and reservations name it by.
    pub id: String,
    /// [`FULL`] or a MIG profile.
    pub kind: String,
    /// Its weight in GPU equivalents.
    pub gpueq: f64,
    /// Whether it is in service; a drained one comes back nobody knows when.
    pub open: bool,
}

/// A slot that somebody is on.
#[derive(Clone, Debug, PartialEq)]
pub struct Busy {
    pub slot: String,
    pub user: String,
    /// What it counts against the user's quota; the slot may be gone from the board.
    pub gpueq: f64,
    /// The latest end, where one is known.
    pub until: Option<Stamp>,
}

/// A stretch of time in which a slot is kept for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub slot: String,
    pub user: String,
    pub from: Stamp,
    pub till: Stamp,
}

/// What somebody may hold at once; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quota {
    pub slots: Option<f64>,
    pub gpueq: Option<f64>,
}

/// The quotas that a user's requests count against.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    pub own: Quota,
    /// The group whose quota the user shares, if it has one.
    pub group: Option<String>,
}

/// Everything a plan depends on beside the line itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub slots: Vec<Slot>,
    pub busy: Vec<Busy>,
    pub windows: Vec<Window>,
    /// Users without an account have no limit.
    pub users: HashMap<String, Account>,
    pub groups: HashMap<String, Quota>,
}
