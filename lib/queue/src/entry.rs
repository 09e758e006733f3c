//! Somebody in the waiting line.

use ds01_units::{Span, Stamp};

use crate::FULL;

/// Which kinds of slot will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// Any; whole GPUs only where the user may have them.
    Any { full: bool },
    /// A whole GPU.
    Full,
    /// Any MIG instance.
    Mig,
    /// A MIG instance of this profile.
    Profile(String),
}

impl Kinds {
    pub fn take(&self, kind: &str) -> bool {
        match self {
            Self::Any { full } => *full || kind != FULL,
            Self::Full => kind == FULL,
            Self::Mig => kind != FULL,
            Self::Profile(profile) => kind == profile,
        }
    }
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The order of arrival: a clock that goes backwards moves nobody.
    pub id: u64,
    pub user: String,
    /// Slots wanted, all of one kind and all at once.
    pub count: u32,
    pub kinds: Kinds,
    /// Longest run, where there is a limit.
    pub runtime: Option<Span>,
    /// 1 to 100; higher goes first.
    pub priority: u8,
    /// What the user had used and asked for at the join, see [`crate::share`].
    pub share: u64,
    pub joined: Stamp,
    /// Claims the user has let pass, and when the last one ended.
    pub missed: u8,
    pub missed_at: Option<Stamp>,
    pub claim: Option<Claim>,
}

impl Entry {
    /// Since when it waits where it stands: since the join, or since the claim it missed.
    pub fn since(&self) -> Stamp {
        self.missed_at.map_or(self.joined, |missed| missed.max(self.joined))
    }

    /// Whether it holds a claim at `now`.
    pub fn has_claim(&self, now: Stamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.until > now)
    }
}

/// Slots kept for an entry for a short time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Slot ids.
    pub slots: Vec<String>,
    pub given: Stamp,
    pub until: Stamp,
}
