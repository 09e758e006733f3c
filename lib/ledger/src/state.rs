//! What all decisions add up to. Pure: a decision is checked against the state and then
//! applied, and the same decisions always make the same state.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ds01_units::{Span, Stamp};
use serde::{Deserialize, Serialize};

use crate::record::{Decision, Record, Why};
use crate::types::{Drain, Lease, Phase, QueueEntry, Reservation, SlotUse};
use crate::usage::{self, Usage};

/// The whole ledger in memory, and the content of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The last decision that is in here.
    pub seq: u64,
    /// When it was made.
    pub at: Option<Stamp>,
    /// The last id given to a queue entry or a reservation; none is given twice.
    pub last_id: u64,
    /// By container.
    pub leases: BTreeMap<String, Lease>,
    /// By UUID.
    pub drains: BTreeMap<String, Drain>,
    pub reservations: BTreeMap<u64, Reservation>,
    /// In the order of arrival.
    pub queue: BTreeMap<u64, QueueEntry>,
    /// By user.
    pub usage: BTreeMap<String, Usage>,
    #[serde(skip)]
    pub(crate) index: Index,
}

/// The containers of each slot, only while a journal is replayed; no part of what the state
/// says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index(Option<HashMap<String, Vec<String>>>);

impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Why a decision does not fit the state: a fault of the program that made it, or a journal
/// that is not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("decision {got} follows decision {had}")]
    Order { had: u64, got: u64 },
    #[error("container `{0}` has a lease already")]
    HasLease(String),
    #[error("container `{0}` has no lease")]
    NoLease(String),
    #[error("the lease of `{container}` is {phase}")]
    Phase { container: String, phase: &'static str },
    #[error("slot {uuid} is leased to `{holder}`")]
    SlotTaken { uuid: String, holder: String },
    #[error("the lease of `{0}` has no slots, or one twice")]
    Slots(String),
    #[error("slot {0} is not drained")]
    NotDrained(String),
    #[error("id {0} is unknown")]
    NoId(u64),
    #[error("id {0} was given before")]
    UsedId(u64),
    #[error("a name is empty, too long, or holds a control character")]
    Name,
    #[error("a window ends before it begins")]
    Window,
}

impl State {
    /// Checks and applies one record; a refused one changes nothing.
    pub fn apply(&mut self, record: Record) -> Result<(), Conflict> {
        if record.seq != self.seq + 1 {
            return Err(Conflict::Order { had: self.seq, got: record.seq });
        }
        self.check(&record.decision)?;
        self.seq = record.seq;
        self.at = Some(record.at);
        self.perform(record.decision, record.at);
        Ok(())
    }

    /// Replays records in turn, with an index of the slots: without one, each lease is
    /// checked against every other. On a refusal says which record it was.
    pub fn replay(
        &mut self,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<(), (u64, Conflict)> {
        self.index = Index(Some(HashMap::new()));
        let leases = std::mem::take(&mut self.leases);
        leases.into_values().for_each(|lease| self.put(lease));
        for record in records {
            let seq = record.seq;
            self.apply(record).map_err(|conflict| (seq, conflict))?;
        }
        self.index = Index(None);
        Ok(())
    }

    /// Whether a decision fits: above all, that no slot is leased twice.
    pub fn check(&self, decision: &Decision) -> Result<(), Conflict> {
        match decision {
            Decision::Leased { lease, ended, entry } => self.check_lease(lease, ended, *entry),
            Decision::Committed { container, name, container_id } => {
                if let Some(name) = name.as_ref().filter(|name| *name != container) {
                    self.check_free_name(name)?;
                }
                check_names([container.as_str()].into_iter().chain(container_id.as_deref()))?;
                match self.lease(container)?.phase {
                    Phase::Pending { .. } => Ok(()),
                    phase => Err(wrong_phase(container, phase)),
                }
            }
            Decision::Adopted { lease } => {
                check_names([lease.container.as_str(), &lease.user])?;
                check_slots(lease)
            }
            Decision::Imported { leases } => leases.iter().try_for_each(|lease| {
                check_names([lease.container.as_str(), &lease.user])?;
                check_slots(lease)
            }),
            Decision::Stopped { container, .. } => match self.lease(container)?.phase {
                Phase::Stopped { .. } => Err(wrong_phase(container, self.lease(container)?.phase)),
                Phase::Pending { .. } | Phase::Held => Ok(()),
            },
            Decision::Resumed { container } => match self.lease(container)?.phase {
                Phase::Stopped { .. } => Ok(()),
                phase => Err(wrong_phase(container, phase)),
            },
            Decision::Renamed { container, to } => {
                self.lease(container)?;
                self.check_free_name(to)
            }
            Decision::Released { containers, .. } => {
                containers.iter().try_for_each(|name| self.lease(name).map(drop))
            }
            Decision::Drained(drain) => check_names([drain.uuid.as_str()]),
            Decision::Restored { uuid } => match self.drains.contains_key(uuid) {
                true => Ok(()),
                false => Err(Conflict::NotDrained(uuid.clone())),
            },
            Decision::Reserved(reservation) => {
                check_names([reservation.user.as_str()])?;
                if reservation.from >= reservation.till {
                    return Err(Conflict::Window);
                }
                self.check_new_id(reservation.id)
            }
            Decision::ReservationCancelled { id } => known(self.reservations.contains_key(id), *id),
            Decision::Joined(entry) => {
                check_names([entry.user.as_str()])?;
                self.check_new_id(entry.id)
            }
            Decision::Left { id }
            | Decision::Claimed { id, .. }
            | Decision::Unclaimed { id }
            | Decision::Missed { id } => known(self.queue.contains_key(id), *id),
        }
    }

    fn check_lease(
        &self,
        lease: &Lease,
        ended: &[String],
        entry: Option<u64>,
    ) -> Result<(), Conflict> {
        check_names([lease.container.as_str(), &lease.user])?;
        check_slots(lease)?;
        for name in ended {
            if self.lease(name)?.phase == Phase::Held {
                return Err(wrong_phase(name, Phase::Held));
            }
        }
        let kept = |name: &String| !ended.contains(name);
        if self.leases.contains_key(&lease.container) && kept(&lease.container) {
            return Err(Conflict::HasLease(lease.container.clone()));
        }
        for slot in &lease.slots {
            if let Some(holder) = self.holder_names(&slot.uuid).into_iter().find(|name| kept(name))
            {
                let (uuid, holder) = (slot.uuid.clone(), holder.clone());
                return Err(Conflict::SlotTaken { uuid, holder });
            }
        }
        entry.map_or(Ok(()), |id| known(self.queue.contains_key(&id), id))
    }

    fn check_free_name(&self, name: &str) -> Result<(), Conflict> {
        check_names([name])?;
        match self.leases.contains_key(name) {
            true => Err(Conflict::HasLease(name.to_owned())),
            false => Ok(()),
        }
    }

    fn check_new_id(&self, id: u64) -> Result<(), Conflict> {
        if id > self.last_id { Ok(()) } else { Err(Conflict::UsedId(id)) }
    }

    fn perform(&mut self, decision: Decision, at: Stamp) {
        match decision {
            Decision::Leased { lease, ended, entry } => {
                ended.iter().for_each(|name| self.end(name, at));
                entry.map(|id| self.queue.remove(&id));
                self.put(lease);
            }
            Decision::Committed { container, name, container_id } => {
                self.change(&container, |lease| {
                    lease.phase = Phase::Held;
                    lease.container_id = container_id;
                });
                if let Some(name) = name {
                    self.rename(&container, name);
                }
            }
            Decision::Adopted { lease } => {
                self.end(&lease.container, at);
                self.put(lease);
            }
            Decision::Imported { leases } => {
                leases.into_iter().for_each(|lease| self.put(lease));
            }
            Decision::Stopped { container, hold_until } => self.change(&container, |lease| {
                lease.phase = Phase::Stopped { stopped_at: at, hold_until };
            }),
            Decision::Resumed { container } => {
                self.change(&container, |lease| lease.phase = Phase::Held);
            }
            Decision::Renamed { container, to } => self.rename(&container, to),
            Decision::Released { containers, why } => {
                for name in containers {
                    match why {
                        // What never ran was not used.
                        Why::Aborted => drop(self.take(&name)),
                        _ => self.end(&name, at),
                    }
                }
            }
            Decision::Drained(drain) => drop(self.drains.insert(drain.uuid.clone(), drain)),
            Decision::Restored { uuid } => drop(self.drains.remove(&uuid)),
            Decision::Reserved(reservation) => {
                self.last_id = reservation.id;
                self.reservations.insert(reservation.id, reservation);
            }
            Decision::ReservationCancelled { id } => drop(self.reservations.remove(&id)),
            Decision::Joined(entry) => {
                self.last_id = entry.id;
                self.queue.insert(entry.id, entry);
            }
            Decision::Left { id } => drop(self.queue.remove(&id)),
            Decision::Claimed { id, claim } => {
                self.queue.entry(id).and_modify(|entry| entry.claim = Some(claim));
            }
            Decision::Unclaimed { id } => {
                self.queue.entry(id).and_modify(|entry| entry.claim = None);
            }
            Decision::Missed { id } => {
                self.queue.entry(id).and_modify(|entry| {
                    let ended = entry.claim.take().map_or(at, |claim| claim.until.min(at));
                    entry.missed = entry.missed.saturating_add(1);
                    entry.missed_at = Some(ended);
                });
            }
        }
    }

    fn change(&mut self, container: &str, change: impl FnOnce(&mut Lease)) {
        if let Some(lease) = self.leases.get_mut(container) {
            change(lease);
        }
    }

    fn rename(&mut self, container: &str, to: String) {
        if let Some(lease) = self.take(container) {
            self.put(Lease { container: to, ..lease });
        }
    }

    fn put(&mut self, lease: Lease) {
        if let Index(Some(index)) = &mut self.index {
            for slot in &lease.slots {
                index.entry(slot.uuid.clone()).or_default().push(lease.container.clone());
            }
        }
        self.leases.insert(lease.container.clone(), lease);
    }

    fn take(&mut self, container: &str) -> Option<Lease> {
        let lease = self.leases.remove(container)?;
        if let Index(Some(index)) = &mut self.index {
            for slot in &lease.slots {
                if let Some(names) = index.get_mut(&slot.uuid) {
                    names.retain(|name| name != container);
                }
            }
        }
        Some(lease)
    }

    /// The containers that have this slot.
    fn holder_names<'a>(&'a self, uuid: &'a str) -> Vec<&'a String> {
        match &self.index {
            Index(Some(index)) => index.get(uuid).into_iter().flatten().collect(),
            Index(None) => self.holders(uuid).map(|lease| &lease.container).collect(),
        }
    }

    /// Takes a lease out, and charges its user for the time until then.
    fn end(&mut self, container: &str, at: Stamp) {
        let Some(lease) = self.take(container) else { return };
        let end = match lease.phase {
            Phase::Pending { .. } => return,
            Phase::Stopped { hold_until: Some(until), .. } => until.min(at),
            Phase::Stopped { .. } | Phase::Held => at,
        };
        self.usage.entry(lease.user.clone()).or_default().add(&lease, end);
    }

    /// The lease of a container that must have one.
    fn lease(&self, container: &str) -> Result<&Lease, Conflict> {
        self.leases.get(container).ok_or_else(|| Conflict::NoLease(container.to_owned()))
    }

    /// Whoever has this slot, lapsed or not. More than one only where Docker gave it to
    /// several behind the ledger's back.
    pub fn holders<'a>(&'a self, uuid: &'a str) -> impl Iterator<Item = &'a Lease> {
        self.leases.values().filter(move |lease| lease.slots.iter().any(|slot| slot.uuid == uuid))
    }

    /// The leases that count at `now`.
    pub fn live(&self, now: Stamp) -> impl Iterator<Item = &Lease> {
        self.leases.values().filter(move |lease| !lease.lapsed(now))
    }

    /// Those that have ended by themselves and wait to be cleared away.
    pub fn lapsed(&self, now: Stamp) -> impl Iterator<Item = &Lease> {
        self.leases.values().filter(move |lease| lease.lapsed(now))
    }

    /// The lease of a container named in full, or by its id or a part of it of at least
    /// twelve characters, as Docker's events do.
    pub fn find(&self, name_or_id: &str) -> Option<&Lease> {
        self.leases.get(name_or_id).or_else(|| {
            let is_id = |id: &String| name_or_id.len() >= 12 && id.starts_with(name_or_id);
            self.leases.values().find(|lease| lease.container_id.as_ref().is_some_and(is_id))
        })
    }

    /// The next id for a queue entry or a reservation.
    pub fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    /// Weighted GPU seconds of every user at `now`, past and running, each decayed by age.
    pub fn usage_of_all(&self, now: Stamp, half_life: Span) -> BTreeMap<String, f64> {
        let past = self.usage.iter().map(|(user, past)| (user, past.decayed(now, half_life)));
        let running = self
            .live(now)
            .filter(|lease| !matches!(lease.phase, Phase::Pending { .. }))
            .map(|lease| (&lease.user, usage::running(lease, now, half_life)));
        let mut sums = BTreeMap::new();
        for (user, amount) in past.chain(running) {
            *sums.entry(user.clone()).or_insert(0.0) += amount;
        }
        sums
    }
}

fn known(there: bool, id: u64) -> Result<(), Conflict> {
    if there { Ok(()) } else { Err(Conflict::NoId(id)) }
}

fn wrong_phase(container: &str, phase: Phase) -> Conflict {
    Conflict::Phase { container: container.to_owned(), phase: phase.word() }
}

fn check_slots(lease: &Lease) -> Result<(), Conflict> {
    let uuids: BTreeSet<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
    let weighs = |slot: &SlotUse| slot.gpueq.is_finite() && slot.gpueq >= 0.0;
    let whole = !uuids.is_empty()
        && !uuids.contains("")
        && uuids.len() == lease.slots.len()
        && lease.slots.iter().all(weighs);
    if whole { Ok(()) } else { Err(Conflict::Slots(lease.container.clone())) }
}

/// Names reach logs, terminals and other tools: whatever else they may be, they are text.
fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Conflict> {
    let is_text =
        |name: &str| !name.is_empty() && name.len() <= 255 && !name.chars().any(|c| c.is_control());
    if names.into_iter().all(is_text) { Ok(()) } else { Err(Conflict::Name) }
}
