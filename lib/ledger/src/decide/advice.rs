//! What would let a refused request pass: found by trying it, so it is true.

use std::collections::BTreeSet;

use ds01_units::Stamp;

use super::{Grounds, Hit, Request, Standing, attempt, standings, weight};
use crate::ahead::Ahead;
use crate::state::State;
use crate::types::{Lease, Phase, Want};

/// Nobody reads more, and each costs an attempt.
const MOST_TIMES: usize = 256;
const MOST_KINDS: usize = 2;
const MOST_OWN: usize = 3;

/// The smallest changes, the one in the user's own hands first, and when waiting is enough.
pub(super) fn would_pass(
    request: &Request,
    on: &Grounds,
    hits: &[Hit],
) -> (Vec<String>, Option<Stamp>) {
    let mut advice = Vec::new();
    advice.extend(fewer(request, on));
    advice.extend(other_kinds(request, on));
    advice.extend(own_leases(request, on));
    advice.extend(shorter(request, on));
    // The line helps where slots are short; it raises nobody's limit.
    let is_short = hits.iter().all(|hit| hit.field == "free_slots") && !hits.is_empty();
    let earliest = match on.ahead.turn {
        None => earliest(request, on),
        // The plan knows when it is this request's turn, but no slots by name and no limit of
        // a container.
        Some(turn) if is_short && request.only.is_empty() => turn.start,
        Some(turn) => earliest(request, on).and_then(|at| turn.start.map(|start| start.max(at))),
    };
    if is_short && waiting_can_help(request, on) {
        let position = on.ahead.turn.map_or(1, |turn| turn.position);
        let when = earliest.map_or_else(|| "start unknown".to_owned(), |at| format!("by {at}"));
        advice.push(format!("gpu-queue join: position {position}, {when}"));
    } else if let Some(at) = earliest.filter(|_| !is_short) {
        advice.push(format!("wait until {at} at the latest"));
    }
    (advice, earliest)
}

/// Whether it would pass if nobody had anything; what is out of service stays so.
fn waiting_can_help(request: &Request, on: &Grounds) -> bool {
    let state = State { drains: on.state.drains.clone(), ..State::default() };
    passes(request, &Grounds { state: &state, ahead: &Ahead::default(), ..*on })
}

fn passes(request: &Request, on: &Grounds) -> bool {
    attempt(request, on).is_ok()
}

fn fewer(request: &Request, on: &Grounds) -> Option<String> {
    if !request.only.is_empty() {
        return None;
    }
    // From the most on: the smallest change is the one that gives up least.
    (1..request.count.min(64)).rev().find_map(|count| {
        let words = if count == 1 { "1 GPU".to_owned() } else { format!("{count} GPUs") };
        passes(&Request { count, ..request.clone() }, on).then(|| format!("ask for {words}"))
    })
}

fn other_kinds(request: &Request, on: &Grounds) -> Vec<String> {
    let slots = on.board.slots(weight(on.policy));
    let kinds: BTreeSet<Option<String>> = slots.into_iter().map(|slot| slot.profile).collect();
    kinds
        .into_iter()
        .map(|kind| kind.map_or(Want::Full, Want::Profile))
        .filter(|want| *want != request.want)
        .filter(|want| {
            let other = Request { want: want.clone(), only: Vec::new(), ..request.clone() };
            passes(&other, on)
        })
        .map(|want| format!("ask for --profile {want}"))
        .take(MOST_KINDS)
        .collect()
}

/// Own containers whose end would make room: each that is enough alone, else as many
/// together as it takes, the stopped and the most idle first.
fn own_leases(request: &Request, on: &Grounds) -> Vec<String> {
    let mut own: Vec<&Lease> = on
        .state
        .live(on.now)
        .filter(|lease| lease.user == request.user && lease.container != request.container)
        .collect();
    own.sort_by_key(|lease| {
        let idle = on.idle.get(&lease.container).copied().unwrap_or_default();
        (lease.phase == Phase::Held, std::cmp::Reverse(idle), lease.allocated_at)
    });
    let enough = |gone: &[&Lease]| {
        let mut state = on.state.clone();
        gone.iter().for_each(|lease| drop(state.leases.remove(&lease.container)));
        passes(request, &Grounds { state: &state, ..*on })
    };
    let alone: Vec<String> = own
        .iter()
        .filter(|lease| enough(&[lease]))
        .map(|lease| format!("docker rm -f {}", lease.container))
        .take(MOST_OWN)
        .collect();
    if !alone.is_empty() {
        return alone;
    }
    let together = (2..=own.len()).find(|count| enough(&own[..*count]));
    together
        .map(|count| {
            let names: Vec<&str> =
                own[..count].iter().map(|lease| lease.container.as_str()).collect();
            format!("docker rm -f {}", names.join(" "))
        })
        .into_iter()
        .collect()
}

/// A run that ends before the reservation that is in its way.
fn shorter(request: &Request, on: &Grounds) -> Option<String> {
    let slots = on.board.slots(weight(on.policy));
    let mut gaps: Vec<_> = standings(request, on, &slots)
        .into_iter()
        .filter_map(|standing| match standing {
            Standing::Reserved(_, window) if window.from > on.now => {
                Some(window.from.since(on.now))
            }
            _ => None,
        })
        .collect();
    gaps.sort_unstable();
    gaps.dedup();
    gaps.into_iter().rev().take(MOST_TIMES).find_map(|gap| {
        let short = Request { runtime: Some(gap), ..request.clone() };
        passes(&short, on)
            .then(|| format!("ask for a run of at most {} (--runtime {gap})", gap.words()))
    })
}

/// The first moment at which it passes by itself, when everybody stays as long as they may.
fn earliest(request: &Request, on: &Grounds) -> Option<Stamp> {
    let ends = on.state.leases.values().filter_map(|lease| match lease.phase {
        Phase::Pending { deadline } => Some(deadline),
        _ => lease.known_end(),
    });
    let windows = on
        .state
        .reservations
        .values()
        .filter_map(|reservation| reservation.window_after(on.now))
        .map(|window| window.till);
    let claims = on.state.queue.values().filter_map(|entry| Some(entry.claim.as_ref()?.until));
    let times: BTreeSet<Stamp> =
        ends.chain(windows).chain(claims).filter(|time| *time > on.now).collect();
    let nobody = Ahead::default();
    times.into_iter().take(MOST_TIMES).find(|time| {
        let state = State { leases: still_there(on.state, *time), ..on.state.clone() };
        // Where they will stand then is another plan; the request's own turn says when that is.
        passes(request, &Grounds { state: &state, now: *time, ahead: &nobody, ..*on })
    })
}

fn still_there(state: &State, time: Stamp) -> std::collections::BTreeMap<String, Lease> {
    let stays = |lease: &Lease| match lease.phase {
        // A creation that succeeds keeps its slot: nobody knows that it will not.
        Phase::Pending { .. } => lease.runs_until.is_none_or(|end| end > time),
        _ => lease.known_end().is_none_or(|end| end > time),
    };
    let leases = state.leases.iter().filter(|(_, lease)| stays(lease));
    leases.map(|(name, lease)| (name.clone(), lease.clone())).collect()
}
