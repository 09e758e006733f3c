//! Reservations: made, cancelled, shown.

use std::collections::HashMap;

use ds01_board::Board;
use ds01_config::Config;
use ds01_eventlog::{Event, Kind, append};
use ds01_fault::Fault;
use ds01_ledger::decide::{find, slot_use};
use ds01_ledger::host::{kind_of, kinds};
use ds01_ledger::types::{Lease, Reservation, Want};
use ds01_ledger::{Decision, Host};
use ds01_queue::{
    Bar, Conflict, Day, Occupied, Recur, Reserved, Row, Timeline, choose, conflict,
    overlaps_itself, timeline,
};
use ds01_site::Site;
use ds01_text::printable;
use ds01_units::{Span, Stamp};
use serde::Serialize;
use serde_json::json;

use crate::Asker;
use crate::work::Work;

const SOURCE: &str = "gpu-reserve";
/// Longer is a slip, or a slot given away for good.
const LONGEST: Span = Span::hours(24 * 366);
const LONGEST_REASON: usize = 200;

/// What is to be reserved.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub user: String,
    /// So many slots of a kind …
    pub count: u32,
    pub want: Want,
    /// … or these, by display name or UUID.
    pub slots: Vec<String>,
    pub from: Stamp,
    pub till: Stamp,
    /// Empty: once.
    pub on: Vec<Day>,
    pub last: Option<Stamp>,
    pub reason: String,
    /// Also where somebody without a known end is on a slot: their run is not ended by it.
    pub even_if_held: bool,
}

/// A reservation with its next window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    pub reservation: Reservation,
    pub next_from: Option<Stamp>,
    pub next_till: Option<Stamp>,
}

fn shown(reservation: &Reservation, now: Stamp) -> Shown {
    let next = reservation.window_after(now);
    Shown {
        reservation: reservation.clone(),
        next_from: next.map(|window| window.from),
        next_till: next.map(|window| window.till),
    }
}

/// Makes a reservation, or says with whom it collides.
pub fn reserve(
    site: &Site,
    config: &Config,
    board: &Board,
    asker: &Asker,
    wanted: &Wanted,
    dry_run: bool,
) -> Result<Shown, Fault> {
    if !asker.admin {
        return Err(Fault::not_permitted(format!("{} may not reserve GPUs", asker.name))
            .why("a reservation takes slots from everybody else, so the admins make them")
            .todo("ask an admin, or wait in line: `gpu-queue join`"));
    }
    if dry_run {
        let state = ds01_ledger::look(site)?;
        let host = Host { config, board, state: &state, now: site.now() };
        return Ok(shown(&reservation(&host, asker, wanted)?, host.now));
    }
    let mut work = Work::open(site, config, board)?;
    let made = reservation(&work.host(), asker, wanted)?;
    work.record(Decision::Reserved(made.clone()))?;
    let slots: Vec<&str> = made.slots.iter().map(|slot| slot.id.as_str()).collect();
    let details = json!({
        "id": made.id, "slots": slots, "from": made.from, "till": made.till, "on": made.on,
        "last": made.last, "reason": made.reason, "by": asker.name,
    });
    append(site, &Event::new(Kind::ReserveAdd, made.user.as_str(), SOURCE, details).at(work.now));
    let answer = shown(&made, work.now);
    let (_, queue) = work.pass()?;
    work.publish(&queue);
    Ok(answer)
}

fn reservation(host: &Host, asker: &Asker, wanted: &Wanted) -> Result<Reservation, Fault> {
    check_times(wanted, host.now)?;
    let recur = (!wanted.on.is_empty()).then(|| Recur { on: wanted.on.clone(), last: wanted.last });
    let mut one = Reserved {
        id: host.state.next_id(),
        user: wanted.user.clone(),
        slots: Vec::new(),
        from: wanted.from,
        till: wanted.till,
        recur,
    };
    let Some((first, _)) = ds01_queue::windows(&one, one.from, Stamp::from_millis(i64::MAX)).next()
    else {
        return Err(Fault::usage("the reservation has no window at all")
            .why("its last day lies before the first window begins")
            .todo("set --until-date later"));
    };
    if overlaps_itself(&one) {
        return Err(Fault::usage("the windows of this reservation run into each other")
            .why("each lasts longer than the time until the next begins")
            .todo("make it shorter, or name fewer days"));
    }
    one.slots = slots(host, wanted, &one, first)?;
    let all = host.slots();
    let uses = all.iter().filter(|slot| one.slots.contains(&slot.uuid)).map(slot_use);
    Ok(Reservation {
        id: one.id,
        user: one.user,
        slots: uses.collect(),
        from: wanted.from,
        till: wanted.till,
        on: wanted.on.clone(),
        last: wanted.last,
        reason: wanted.reason.clone(),
        made_by: asker.name.clone(),
        made_at: host.now,
    })
}

fn check_times(wanted: &Wanted, now: Stamp) -> Result<(), Fault> {
    let Wanted { from, till, .. } = wanted;
    if from >= till {
        return Err(Fault::usage("the window ends before it begins, or has no length")
            .why(format!("it would be from {from} until {till}"))
            .todo("set --until later than --from, or say how long with --for"));
    }
    if *till <= now {
        return Err(Fault::usage("the window is past already")
            .why(format!("it would end at {till}, and it is {now}"))
            .todo("times without a zone are UTC; `date -u` shows what that is now"));
    }
    if till.since(*from) > LONGEST {
        return Err(Fault::usage("the window is longer than a year").todo("make it shorter"));
    }
    if wanted.last.is_some() && wanted.on.is_empty() {
        return Err(Fault::usage("--until-date is for windows that come again")
            .todo("add --every day or --every week, or leave it out"));
    }
    let reason = &wanted.reason;
    if reason.len() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Fault::usage(
            "the reason is longer than 200 bytes or holds a control character",
        ));
    }
    if wanted.slots.is_empty() && (wanted.count == 0 || wanted.count > 1024) {
        return Err(Fault::usage(format!("{} is no number of GPU slots", wanted.count))
            .todo("reserve 1 to 1024, or name them with --slot"));
    }
    Ok(())
}

/// The UUIDs to reserve.
fn slots(host: &Host, wanted: &Wanted, one: &Reserved, first: Stamp) -> Result<Vec<String>, Fault> {
    let others: Vec<Reserved> =
        host.state.reservations.values().map(|other| other.reserved()).collect();
    let occupied: Vec<Occupied> = occupied(host)
        .into_iter()
        .filter(|there| there.until.is_some() || !wanted.even_if_held)
        .collect();
    let names: HashMap<String, String> =
        host.slots().into_iter().map(|slot| (slot.uuid, slot.id.to_string())).collect();
    if !wanted.slots.is_empty() {
        let mut chosen = Vec::new();
        let mut conflicts = Vec::new();
        for id in &wanted.slots {
            let slot = find(host.board, id)?;
            // The same slot may be named twice, or by both of its names.
            if !chosen.contains(&slot.uuid) {
                conflicts.extend(conflict(one, &slot.uuid, &others, &occupied));
                chosen.push(slot.uuid);
            }
        }
        return if conflicts.is_empty() {
            Ok(chosen)
        } else {
            Err(in_the_way(&conflicts, &names, wanted, first))
        };
    }
    let fitting = kinds(&wanted.want, true);
    let drained = |slot: &ds01_board::Slot| {
        host.state.drains.contains_key(&slot.uuid) || host.state.drains.contains_key(&slot.gpu_uuid)
    };
    let candidates: Vec<String> = host
        .slots()
        .into_iter()
        .filter(|slot| fitting.take(kind_of(slot)))
        .filter(|slot| !drained(slot))
        .map(|slot| slot.uuid)
        .collect();
    if candidates.len() < wanted.count as usize {
        return Err(Fault::limit(format!(
            "this host has {} slots of the kind `{}` in service, not {}",
            candidates.len(),
            wanted.want,
            wanted.count
        ))
        .todo("`gpu-list` shows what there is"));
    }
    choose(one, wanted.count as usize, &candidates, &others, &occupied)
        .map_err(|conflicts| in_the_way(&conflicts, &names, wanted, first))
}

/// Everybody who is on a slot, or is about to be.
fn occupied(host: &Host) -> Vec<Occupied> {
    let leases = host.state.live(host.now).flat_map(|lease: &Lease| {
        let until = host.ends(lease);
        let user = lease.user.clone();
        lease.slots.iter().map(move |slot| Occupied {
            slot: slot.uuid.clone(),
            user: user.clone(),
            until,
        })
    });
    let claims = host.entries().into_iter().filter(|entry| entry.has_claim(host.now));
    let claims = claims.flat_map(|entry| {
        let (user, runtime) = (entry.user, entry.runtime);
        entry.claim.into_iter().flat_map(move |claim| {
            let (user, until) = (user.clone(), runtime.map(|run| claim.until.plus(run)));
            claim.slots.into_iter().map(move |slot| Occupied { slot, user: user.clone(), until })
        })
    });
    leases.chain(claims).collect()
}

/// The refusal, with everybody in the way named.
fn in_the_way(
    conflicts: &[Conflict],
    names: &HashMap<String, String>,
    wanted: &Wanted,
    first: Stamp,
) -> Fault {
    let words = |conflict: &Conflict| {
        let slot = names.get(conflict.slot()).map_or(conflict.slot(), String::as_str);
        let user = printable(conflict.user());
        match conflict {
            Conflict::Reserved { id, from, till, .. } => {
                format!("{slot} is reserved for {user} from {from} till {till} (reservation {id})")
            }
            Conflict::Occupied(Occupied { until: Some(until), .. }) => {
                format!("{slot} is {user}'s until {until} at the latest")
            }
            Conflict::Occupied(_) => format!("{slot} is {user}'s without a known end"),
        }
    };
    let held = conflicts.iter().any(|c| matches!(c, Conflict::Occupied(o) if o.until.is_none()));
    let details: Vec<_> = conflicts
        .iter()
        .map(|conflict| {
            let (from, till) = match conflict {
                Conflict::Reserved { from, till, .. } => (Some(*from), Some(*till)),
                Conflict::Occupied(there) => (None, there.until),
            };
            json!({
                "slot": names.get(conflict.slot()), "uuid": conflict.slot(),
                "user": conflict.user(), "from": from, "till": till,
            })
        })
        .collect();
    let what = match wanted.slots.is_empty() {
        true => format!("{} slots are not free from {first} on", wanted.count),
        false => "a slot named is not free for that window".to_owned(),
    };
    let todo = match held {
        true => {
            "take another time or slot; --even-if-held reserves all the same, and ends nobody's run"
        }
        false => "take another time or slot, or `gpu-reserve cancel` the other one",
    };
    Fault::limit(what)
        .why(conflicts.iter().map(words).collect::<Vec<_>>().join("; "))
        .todo(todo)
        .detail("conflicts", details)
}

/// Cancels reservations by id. Whose they are may cancel them, and the admins.
pub fn cancel(
    site: &Site,
    config: &Config,
    board: &Board,
    asker: &Asker,
    ids: &[u64],
    dry_run: bool,
) -> Result<Vec<Reservation>, Fault> {
    let found = |state: &ds01_ledger::State| -> Result<Vec<Reservation>, Fault> {
        ids.iter()
            .map(|id| {
                let one = state.reservations.get(id).ok_or_else(|| {
                    Fault::not_found(format!("no reservation {id}"))
                        .todo("`gpu-reserve list` shows them")
                })?;
                if one.user != asker.name && !asker.admin {
                    return Err(Fault::not_permitted(format!(
                        "reservation {id} is {}'s",
                        one.user
                    ))
                    .why("whose it is may cancel it, and the admins"));
                }
                Ok(one.clone())
            })
            .collect()
    };
    if dry_run {
        return found(&ds01_ledger::look(site)?);
    }
    let mut work = Work::open(site, config, board)?;
    let mut cancelled = found(work.ledger.state())?;
    cancelled.dedup_by_key(|one| one.id);
    for one in &cancelled {
        // Named twice, it is gone by the second time.
        if !work.ledger.state().reservations.contains_key(&one.id) {
            continue;
        }
        work.record(Decision::ReservationCancelled { id: one.id })?;
        let details = json!({"id": one.id, "by": asker.name});
        let event = Event::new(Kind::ReserveCancel, one.user.as_str(), SOURCE, details);
        append(site, &event.at(work.now));
    }
    let (_, queue) = work.pass()?;
    work.publish(&queue);
    Ok(cancelled)
}

/// The reservations that still have a window to come, and the calendar with the runs that
/// are there now. For whoever has only the view, the runs and reservations of it.
pub fn calendar(
    view: &ds01_ledger::view::View,
    slots: &[ds01_board::Slot],
    from: Stamp,
    till: Stamp,
    now: Stamp,
) -> (Vec<Shown>, Timeline) {
    let coming: Vec<Shown> = view
        .reservations
        .iter()
        .map(|one| shown(one, now))
        .filter(|one| one.next_from.is_some())
        .collect();
    let rows = slots
        .iter()
        .map(|slot| Row {
            slot: slot.id.to_string(),
            uuid: slot.uuid.clone(),
            profile: kind_of(slot).to_owned(),
            bars: bars(view, slot, from, till),
        })
        .collect();
    (coming, timeline(rows, from, till))
}

fn bars(
    view: &ds01_ledger::view::View,
    slot: &ds01_board::Slot,
    from: Stamp,
    till: Stamp,
) -> Vec<Bar> {
    let is_this = |used: &ds01_ledger::types::SlotUse| used.uuid == slot.uuid;
    let reserved = view.reservations.iter().filter(|one| one.slots.iter().any(is_this));
    let reserved = reserved.flat_map(|one| {
        let windows: Vec<_> = ds01_queue::windows(&one.reserved(), from, till).collect();
        windows.into_iter().map(|(from, till)| Bar {
            what: "reserved",
            id: Some(one.id),
            user: one.user.clone(),
            from,
            till: Some(till),
        })
    });
    let leased = view.allocations.values().filter(|one| one.slots.iter().any(is_this));
    let leased = leased.map(|one| Bar {
        what: "leased",
        id: None,
        user: one.user.clone(),
        from: one.allocated_at,
        till: if one.stopped_at.is_some() { one.hold_until } else { one.runs_until },
    });
    let pending = view.pending.iter().filter(|one| one.slots.iter().any(is_this));
    let pending = pending.map(|one| Bar {
        what: "leased",
        id: None,
        user: one.user.clone(),
        from: one.allocated_at,
        till: Some(one.deadline),
    });
    let drains = view.drained.iter();
    let drained = drains.filter(|one| one.uuid == slot.uuid || one.uuid == slot.gpu_uuid);
    let drained = drained.map(|one| Bar {
        what: "drained",
        id: None,
        user: String::new(),
        from: one.since,
        till: None,
    });
    reserved.chain(leased).chain(pending).chain(drained).collect()
}
