//! Reserved windows: when they come, and with whom they collide.

use std::str::FromStr;

use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

const DAY: i64 = 86_400_000;
/// Repetitions are weekly patterns: whatever collides does so within two of them.
const PATTERN: i64 = 14 * DAY;

/// A day of the week, in UTC as all times are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    pub fn of(moment: Stamp) -> Self {
        // The first day of 1970 was a Thursday.
        let days = moment.millis().div_euclid(DAY) + 3;
        Self::ALL[days.rem_euclid(7) as usize]
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let text = text.trim().to_ascii_lowercase();
        let found = names.iter().position(|name| text.len() >= 3 && name.starts_with(&text));
        found.map(|at| Self::ALL[at]).ok_or_else(|| {
            "not a day of the week: write mon, tue, wed, thu, fri, sat or sun".to_owned()
        })
    }
}

/// How windows come again: at the same time of day, on the days named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recur {
    /// Not empty.
    pub on: Vec<Day>,
    /// No window begins at or after this moment.
    pub last: Option<Stamp>,
}

/// Slots kept for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    pub id: u64,
    pub user: String,
    /// Slot ids.
    pub slots: Vec<String>,
    pub from: Stamp,
    pub till: Stamp,
    pub recur: Option<Recur>,
}

impl Reserved {
    fn lasts(&self) -> i64 {
        self.till.millis().saturating_sub(self.from.millis())
    }
}

/// The windows of a reservation that meet the stretch from `begin` to `end`, in order.
pub fn windows(one: &Reserved, begin: Stamp, end: Stamp) -> impl Iterator<Item = (Stamp, Stamp)> {
    let (from, lasts) = (one.from.millis(), one.lasts());
    let (begin, end) = (begin.millis(), end.millis());
    // Without a day nothing ever comes, and the search for one would never end.
    let recur = one.recur.as_ref().filter(|recur| !recur.on.is_empty());
    let days = recur.map(|recur| {
        // The first day whose window can still reach into the stretch.
        let skipped = (begin.saturating_sub(lasts).saturating_sub(from) / DAY).max(0);
        let last = recur.last.map_or(end, |last| last.millis().min(end));
        (0..)
            .map(move |day| from.saturating_add((skipped + day).saturating_mul(DAY)))
            .take_while(move |&start| start < last)
            .filter(|&start| recur.on.contains(&Day::of(Stamp::from_millis(start))))
    });
    let once = one.recur.is_none().then_some(from);
    once.into_iter().chain(days.into_iter().flatten()).filter_map(move |start| {
        let till = start.saturating_add(lasts);
        (lasts > 0 && start < end && till > begin)
            .then(|| (Stamp::from_millis(start), Stamp::from_millis(till)))
    })
}

/// The first two windows, one of each, that overlap; the slots are not looked at.
pub fn overlap(a: &Reserved, b: &Reserved) -> Option<(Stamp, Stamp)> {
    let first = a.from.max(b.from).minus(Span::from_millis(a.lasts().max(b.lasts()).max(0) as u64));
    let end = first.plus(Span::from_millis((PATTERN + 2 * a.lasts().max(b.lasts())) as u64));
    // One that comes once lies anywhere in the other's pattern.
    let (begin, end) = match (&a.recur, &b.recur) {
        (None, _) => (a.from, a.till),
        (_, None) => (b.from, b.till),
        _ => (first, end),
    };
    let mut others = windows(b, begin, end).peekable();
    for (from, till) in windows(a, begin, end) {
        while others.next_if(|other| other.1 <= from).is_some() {}
        if let Some(other) = others.peek().filter(|other| other.0 < till) {
            return Some((from.max(other.0), till.min(other.1)));
        }
    }
    None
}

/// Whether a reservation's own windows run into each other.
pub fn overlaps_itself(one: &Reserved) -> bool {
    let mut before: Option<Stamp> = None;
    let end = one.from.plus(Span::from_millis((PATTERN + one.lasts().max(0)) as u64));
    windows(one, one.from, end).any(|(from, till)| before.replace(till).is_some_and(|b| b > from))
}

/// Somebody on a slot, by a lease or a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupied {
    pub slot: String,
    pub user: String,
    /// The latest end, where one is known.
    pub until: Option<Stamp>,
}

/// What is in the way of a reservation, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another reservation, and where the two first meet.
    Reserved { id: u64, user: String, slot: String, from: Stamp, till: Stamp },
    /// Somebody who may still be on the slot when the first window begins.
    Occupied(Occupied),
}

impl Conflict {
    pub fn slot(&self) -> &str {
        match self {
            Self::Reserved { slot, .. } | Self::Occupied(Occupied { slot, .. }) => slot,
        }
    }
    pub fn user(&self) -> &str {
        match self {
            Self::Reserved { user, .. } | Self::Occupied(Occupied { user, .. }) => user,
        }
    }
}

/// What keeps `slot` from being reserved as `wanted` says.
pub fn conflict(
    wanted: &Reserved,
    slot: &str,
    others: &[Reserved],
    occupied: &[Occupied],
) -> Option<Conflict> {
    let reserved =
        others.iter().filter(|other| other.slots.iter().any(|id| id == slot)).find_map(|other| {
            let (from, till) = overlap(wanted, other)?;
            let (id, user) = (other.id, other.user.clone());
            Some(Conflict::Reserved { id, user, slot: slot.to_owned(), from, till })
        });
    let first = windows(wanted, wanted.from, Stamp::from_millis(i64::MAX)).next()?.0;
    reserved.or_else(|| {
        occupied
            .iter()
            .filter(|one| one.slot == slot && one.user != wanted.user)
            .find(|one| one.until.is_none_or(|until| until > first))
            .map(|one| Conflict::Occupied(one.clone()))
    })
}

/// The slots among `candidates` that `count` of can be reserved, or everything in the way.
///
/// From the end of the board, while runs are given from its beginning: so the two rarely meet.
pub fn choose(
    wanted: &Reserved,
    count: usize,
    candidates: &[String],
    others: &[Reserved],
    occupied: &[Occupied],
) -> Result<Vec<String>, Vec<Conflict>> {
    let mut chosen = Vec::new();
    let mut conflicts = Vec::new();
    for slot in candidates.iter().rev() {
        if chosen.len() == count {
            break;
        }
        match conflict(wanted, slot, others, occupied) {
            None => chosen.push(slot.clone()),
            Some(conflict) => conflicts.push(conflict),
        }
    }
    if chosen.len() < count {
        return Err(conflicts);
    }
    chosen.reverse();
    Ok(chosen)
}
