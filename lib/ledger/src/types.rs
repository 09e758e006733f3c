//! The words of the ledger: what is leased, held, drained, reserved and waited for. Plain
//! data, so that whoever only reads (queue, views, door) needs nothing else of this crate.

use std::fmt;
use std::str::FromStr;

use ds01_queue::{Day, Recur, Reserved};
use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

/// A slot as a lease or a reservation names it. The UUID is the identity; the rest is what
/// the slot was when it was given, so that a lease can be read without the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotUse {
    /// For people: `0` is a whole GPU, `0:1` a MIG instance. Shifts when a layout changes.
    pub id: String,
    pub uuid: String,
    /// `2g.20gb`, or `full`.
    pub profile: String,
    /// Its weight in GPU equivalents; a whole GPU is 1.0.
    pub gpueq: f64,
}

/// How far a lease has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Granted for a container that is being created; it ends by itself at the deadline.
    Pending { deadline: Stamp },
    /// A container has it.
    Held,
    /// Its container has stopped; kept for it until `hold_until`, for ever where that is none.
    Stopped { stopped_at: Stamp, hold_until: Option<Stamp> },
}

impl Phase {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Held => "held",
            Self::Stopped { .. } => "stopped",
        }
    }
}

/// The right of one container to its slots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The container's name, or the token of a creation that has no name yet. Unique.
    pub container: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<String>,
    pub user: String,
    pub priority: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    pub slots: Vec<SlotUse>,
    pub allocated_at: Stamp,
    /// When its longest allowed run ends, where there is such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_until: Option<Stamp>,
    pub phase: Phase,
}

impl Lease {
    pub fn gpueq(&self) -> f64 {
        self.slots.iter().map(|slot| slot.gpueq).sum()
    }

    /// Whether the lease has ended by itself at `now`: nobody committed it, or its hold is
    /// over. It stays recorded until a decision takes its slots or clears it away.
    pub fn lapsed(&self, now: Stamp) -> bool {
        match self.phase {
            Phase::Pending { deadline } => deadline <= now,
            Phase::Held => false,
            Phase::Stopped { hold_until, .. } => hold_until.is_some_and(|until| until <= now),
        }
    }

    /// When the slots come free at the latest, as far as anybody can know.
    pub fn known_end(&self) -> Option<Stamp> {
        match self.phase {
            Phase::Pending { .. } | Phase::Held => self.runs_until,
            Phase::Stopped { hold_until, .. } => hold_until,
        }
    }

    /// `0:1`, or a comma list when there are several.
    pub fn gpu_id(&self) -> String {
        self.slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// What kind of slot is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// Whatever the policy prefers.
    #[default]
    Any,
    /// A whole GPU.
    Full,
    /// Any MIG instance.
    Mig,
    /// A MIG instance of this profile.
    Profile(String),
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Full => "full",
            Self::Mig => "mig",
            Self::Profile(profile) => profile,
        })
    }
}

impl FromStr for Want {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
        match text {
            "any" => Ok(Self::Any),
            "full" => Ok(Self::Full),
            "mig" => Ok(Self::Mig),
            _ if text.contains("g.") && text.len() <= 32 && text.chars().all(known) => {
                Ok(Self::Profile(text.to_owned()))
            }
            _ => {
                Err("not a profile: write full, mig, any, or a MIG profile such as 2g.20gb".into())
            }
        }
    }
}

impl Serialize for Want {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Want {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A slot taken out of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    pub uuid: String,
    pub reason: String,
    pub since: Stamp,
}

/// Slots kept for a user in a window of time, or in one that comes again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    pub id: u64,
    pub user: String,
    pub slots: Vec<SlotUse>,
    pub from: Stamp,
    pub till: Stamp,
    /// The days on which the window comes again, at the same time of day; none: it comes once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Day>,
    /// No window starts at or after this moment; only meaningful with `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Stamp>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    pub made_by: String,
    pub made_at: Stamp,
}

/// From (included) to till (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub from: Stamp,
    pub till: Stamp,
}

impl Reservation {
    /// The first window that ends after `moment`: the one it lies in, or the next.
    pub fn window_after(&self, moment: Stamp) -> Option<Window> {
        let next =
            ds01_queue::windows(&self.reserved(), moment, Stamp::from_millis(i64::MAX)).next();
        next.map(|(from, till)| Window { from, till })
    }

    /// The reservation as the calendar's rules know it.
    pub fn reserved(&self) -> Reserved {
        let recur = (!self.on.is_empty()).then(|| Recur { on: self.on.clone(), last: self.last });
        Reserved {
            id: self.id,
            user: self.user.clone(),
            slots: self.slots.iter().map(|slot| slot.uuid.clone()).collect(),
            from: self.from,
            till: self.till,
            recur,
        }
    }

    /// Whether any window meets the stretch from `from` to `till` (none: for ever).
    pub fn meets(&self, from: Stamp, till: Option<Stamp>) -> Option<Window> {
        self.window_after(from).filter(|window| till.is_none_or(|till| window.from < till))
    }
}

/// Somebody in the waiting line. The id is the order of arrival: a clock that goes backwards
/// moves nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEntry {
    pub id: u64,
    pub user: String,
    pub count: u32,
    pub want: Want,
    pub priority: u8,
    /// How long the run may take at most, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Span>,
    /// The container it is for, where the user has named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    pub joined_at: Stamp,
    /// Weighted GPU seconds the user had had or asked for at the join.
    #[serde(default)]
    pub share: u64,
    /// Claims the user has let pass, and when the last one ended.
    #[serde(default)]
    pub missed: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
}

/// Slots kept for the head of the line for a short time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// UUIDs.
    pub slots: Vec<String>,
    pub since: Stamp,
    pub until: Stamp,
}
