//! GPUs: a wish becomes a pending lease of exact devices, which the door commits with the
//! container's id or aborts.

use ds01_config::Limits;
use ds01_door::{Denial, Grant, Role, Wanted, Who, Wish};
use ds01_eventlog::{Event, Kind};
use ds01_fault::{Code, Fault};
use ds01_ledger::decide::{Denied, Request, decide};
use ds01_ledger::facts::Facts;
use ds01_ledger::types::Lease;
use ds01_ledger::{Decision, Why, view};
use ds01_site::Site;
use ds01_units::{Limit, Stamp};
use serde_json::json;

const SOURCE: &str = "admit";

/// Leases what is wished and writes it into the grant. `replaces` is the own container that
/// the new one takes the place of.
pub fn lease(
    site: &Site,
    who: &Who,
    wish: &Wish,
    replaces: Option<&str>,
    grant: &mut Grant,
) -> Result<(), Denial> {
    let facts = Facts::gather(site).map_err(denial)?;
    if let Some(lease) = left_by(site, who, wish, replaces)? {
        give(grant, &lease);
        return Ok(());
    }
    lease_on(site, &facts, who, wish, grant)?;
    // Without it the next decision asks NVML again.
    let _ = facts.remember(site);
    Ok(())
}

/// The lease of the container that the new one takes the place of, where it is what the new
/// one wishes for. Compose makes the new one first, which at a quota could never have its own;
/// so it is made for the same devices, and takes their lease at its start, when the old one
/// is gone.
fn left_by(
    site: &Site,
    who: &Who,
    wish: &Wish,
    replaces: Option<&str>,
) -> Result<Option<Lease>, Denial> {
    let Some(old) = replaces else { return Ok(None) };
    let state = ds01_ledger::look(site).map_err(denial)?;
    let Some(lease) = state.leases.get(old).filter(|lease| lease.user == who.user) else {
        return Ok(None);
    };
    let slots = &lease.slots;
    let is = |id: &String| slots.iter().any(|slot| slot.id == *id || slot.uuid == *id);
    let enough = match &wish.gpus {
        Wanted::All => true,
        Wanted::Count(count) => *count == slots.len() as u64,
        Wanted::Devices(ids) => ids.len() == slots.len() && ids.iter().all(is),
        Wanted::None => false,
    };
    let profile = |wanted: &String| slots.iter().all(|slot| slot.profile == *wanted);
    Ok((enough && wish.profile.as_ref().is_none_or(profile)).then(|| lease.clone()))
}

/// The same on a board that was read already.
pub fn lease_on(
    site: &Site,
    facts: &Facts,
    who: &Who,
    wish: &Wish,
    grant: &mut Grant,
) -> Result<(), Denial> {
    let name = wish.name.clone().unwrap_or_else(|| unnamed(site));
    let name = name.strip_prefix('/').map(str::to_owned).unwrap_or(name);
    let tries = tries(site, facts, who, wish, &name)?;
    if tries.is_empty() {
        return Ok(());
    }
    let lease = take(site, facts, who.role, &tries)?;
    give(grant, &lease);
    grant.name = wish.name.is_none().then_some(name);
    grant.lease = Some(lease.container);
    Ok(())
}

/// The devices of a lease, as the container is to have them.
fn give(grant: &mut Grant, lease: &Lease) {
    let uuids: Vec<String> = lease.slots.iter().map(|slot| slot.uuid.clone()).collect();
    grant.labels.extend([
        ("ds01.gpu.uuids".to_owned(), uuids.join(",")),
        ("ds01.gpu.slots".to_owned(), lease.gpu_id()),
        ("ds01.gpu.equivalents".to_owned(), format!("{:.4}", lease.gpueq())),
        ("ds01.gpu.priority".to_owned(), lease.priority.to_string()),
    ]);
    grant.warnings.insert(0, format!("ds01: GPU {} ({})", lease.gpu_id(), uuids.join(", ")));
    grant.gpus = uuids;
}

/// An admin's GPUs are in the ledger like everybody's, and count against no limit.
fn limits(facts: &Facts, user: &str, role: Role, now: Stamp) -> Limits {
    let mut limits = facts.limits(user, now);
    if role == Role::Admin {
        limits.max_slots = Limit::None;
        limits.max_slots_per_container = Limit::None;
        limits.max_gpu_equivalents = Limit::None;
        limits.allow_full_gpu = true;
    }
    limits
}

/// What is tried for a wish, the best first.
fn tries(
    site: &Site,
    facts: &Facts,
    who: &Who,
    wish: &Wish,
    name: &str,
) -> Result<Vec<Request>, Denial> {
    let want = match &wish.profile {
        None => Ok(Default::default()),
        Some(text) => text.parse(),
    };
    let want = want.map_err(|why: String| {
        Denial::malformed("gpu.request", "ds01.request.profile is no profile").why(why)
    })?;
    let request = Request {
        container: name.to_owned(),
        user: wish.owner.as_ref().unwrap_or(&who.user).clone(),
        want,
        pending: Some(facts.config.gpu().pending_deadline),
        interface: Some(wish.interface.clone()),
        ..Request::default()
    };
    Ok(match &wish.gpus {
        Wanted::None => Vec::new(),
        Wanted::Count(count) => {
            vec![Request { count: u32::try_from(*count).unwrap_or(u32::MAX), ..request }]
        }
        Wanted::Devices(ids) => {
            let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            vec![Request { count, only: ids.clone(), ..request }]
        }
        // As many as this person may have, and fewer where fewer are free.
        Wanted::All => {
            let most = most(facts, who, site);
            (1..=most).rev().map(|count| Request { count, ..request.clone() }).collect()
        }
    })
}

/// Adds to a refusal what stands in the way of its GPUs as well, so that all of it is told at
/// once; nothing is leased. What cannot be asked adds nothing.
pub fn also(site: &Site, who: &Who, wish: &Wish, denial: &mut Denial) {
    let Ok(facts) = Facts::gather(site) else { return };
    let Ok(state) = ds01_ledger::look(site) else { return };
    let name = wish.name.clone().unwrap_or_else(|| unnamed(site));
    let Ok(tries) = tries(site, &facts, who, wish, name.trim_start_matches('/')) else { return };
    let Some(request) = tries.last() else { return };
    let now = site.now();
    let limits = limits(&facts, &request.user, who.role, now);
    let ahead = facts.ahead(request, &state, now);
    let decided = decide(request, &facts.grounds(&limits, &state, &ahead, now));
    if let Err(Denied::Refused(refusal)) = decided {
        let fault = refusal.fault();
        let lines = &mut denial.lines;
        lines.what = format!("{}; {}", lines.what, fault.what);
        lines.why = format!("{}; {}", lines.why, fault.why);
        let Some(explain) = lines.explain.as_mut() else { return };
        let (Some(serde_json::Value::Array(all)), Some(more)) =
            (explain.get_mut("limits"), fault.details.get("limits").and_then(|l| l.as_array()))
        else {
            return;
        };
        all.extend(more.iter().cloned());
        // One change must be enough for both, or it would not pass.
        let helps = |way: &str| {
            let name = way.rsplit(' ').next().unwrap_or_default();
            refusal.would_pass.iter().any(|other| *other == format!("docker rm -f {name}"))
        };
        if let Some(serde_json::Value::Array(ways)) = explain.get_mut("would_pass") {
            ways.retain(|way| way.as_str().is_some_and(helps));
            lines.todo = match ways.is_empty() {
                true => "each of these limits has to be seen to".into(),
                false => {
                    ways.iter().filter_map(|way| way.as_str()).collect::<Vec<_>>().join(", or ")
                }
            };
        }
    }
}

/// A name for a container that the client leaves unnamed: the ledger and people name what
/// has a GPU. The clock tells two of them apart, and the daemon refuses a second of a name.
fn unnamed(site: &Site) -> String {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("gpu-{:x}-{:x}", site.now().secs(), nanos & 0xff_ffff)
}

/// How many `--gpus all` tries to get.
fn most(facts: &Facts, who: &Who, site: &Site) -> u32 {
    let limits = limits(facts, &who.user, who.role, site.now());
    let board = facts.board.slots(ds01_ledger::decide::weight(facts.config.gpu())).len();
    let whole =
        |limit: Limit<f64>| limit.max().map_or(u32::MAX, |max| max.clamp(1.0, 1024.0) as u32);
    whole(limits.max_slots_per_container)
        .min(whole(limits.max_slots))
        .min(u32::try_from(board).unwrap_or(u32::MAX))
        .max(1)
}

/// Decides under the lock and records. The last try's refusal is the one to tell.
fn take(site: &Site, facts: &Facts, role: Role, tries: &[Request]) -> Result<Lease, Denial> {
    ds01_ledger::may_write(site).map_err(denial)?;
    let mut ledger = ds01_ledger::open(site).map_err(denial)?;
    let now = site.now();
    let mut refused = None;
    for request in tries {
        let limits = limits(facts, &request.user, role, now);
        let ahead = facts.ahead(request, ledger.state(), now);
        match decide(request, &facts.grounds(&limits, ledger.state(), &ahead, now)) {
            Ok(granted) => {
                let lease = granted.lease().clone();
                let decision = granted.decision();
                let new = decision.is_some();
                if let Some(decision) = decision {
                    ledger.record(decision, now).map_err(denial)?;
                }
                let _ = view::write(site, ledger.state(), ledger.born());
                drop(ledger);
                // A start that finds its container's lease in place gives nothing away.
                if new {
                    tell(site, Kind::GpuAllocate, &lease);
                }
                return Ok(lease);
            }
            Err(why) => refused = Some((request, why)),
        }
    }
    drop(ledger);
    let Some((request, why)) = refused else {
        return Err(Denial::new(500, "gpu.request", "no GPU was asked for"));
    };
    let bad = matches!(why, Denied::Bad(_));
    let fault = Fault::from(why);
    if !bad {
        let details = json!({"container": request.container, "message": fault.what,
            "limits": fault.details.get("limits")});
        ds01_eventlog::append(
            site,
            &Event::new(Kind::GpuReject, request.user.as_str(), SOURCE, details),
        );
    }
    Err(denial(fault))
}

fn tell(site: &Site, kind: Kind, lease: &Lease) {
    let uuids: Vec<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
    let details = json!({"container": lease.container, "gpu_id": lease.gpu_id(), "uuids": uuids,
        "gpueq": lease.gpueq(), "priority": lease.priority});
    ds01_eventlog::append(site, &Event::new(kind, lease.user.as_str(), SOURCE, details));
}

/// The container exists.
pub fn commit(site: &Site, token: &str, id: &str) -> Result<(), Fault> {
    record(site, token, |lease| {
        lease.container_id.is_none().then(|| Decision::Committed {
            container: lease.container.clone(),
            name: None,
            container_id: Some(id.to_owned()),
        })
    })
}

/// The container is gone: its devices are free before anybody hears of it, so that what takes
/// its place finds them.
pub fn gone(site: &Site, id: &str) -> Result<(), Fault> {
    let state = ds01_ledger::look(site)?;
    let Some(name) = state.find(id).map(|lease| lease.container.clone()) else { return Ok(()) };
    record(site, &name, |lease| {
        (lease.container_id.as_deref() == Some(id)).then(|| ds01_ledger::life::released(lease))
    })
}

/// The container will never exist.
pub fn abort(site: &Site, token: &str) -> Result<(), Fault> {
    record(site, token, |lease| {
        // Only what nobody committed: the name may be another container's by now.
        matches!(lease.phase, ds01_ledger::types::Phase::Pending { .. }).then(|| {
            Decision::Released { containers: vec![lease.container.clone()], why: Why::Aborted }
        })
    })
}

fn record(
    site: &Site,
    token: &str,
    decide: impl FnOnce(&Lease) -> Option<Decision>,
) -> Result<(), Fault> {
    let mut ledger = ds01_ledger::open(site)?;
    let Some(lease) = ledger.state().leases.get(token).cloned() else { return Ok(()) };
    let Some(decision) = decide(&lease) else { return Ok(()) };
    let released = matches!(decision, Decision::Released { .. });
    ledger.record(decision, site.now())?;
    let _ = view::write(site, ledger.state(), ledger.born());
    drop(ledger);
    if released {
        tell(site, Kind::GpuRelease, &lease);
    }
    Ok(())
}

/// Before a start: the container takes up its own devices again, or it is said who has them.
pub fn again(site: &Site, who: &Who, name: &str, id: &str, uuids: &[String]) -> Result<(), Denial> {
    let facts = Facts::gather(site).map_err(denial)?;
    again_on(site, &facts, who, name, id, uuids)
}

/// The same on a board that was read already.
pub fn again_on(
    site: &Site,
    facts: &Facts,
    who: &Who,
    name: &str,
    id: &str,
    uuids: &[String],
) -> Result<(), Denial> {
    let request = Request {
        container: name.to_owned(),
        user: who.user.clone(),
        count: u32::try_from(uuids.len()).unwrap_or(u32::MAX),
        only: uuids.to_vec(),
        container_id: Some(id.to_owned()),
        ..Request::default()
    };
    let lease = take(site, facts, who.role, &[request])?;
    let mut have: Vec<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
    let mut want: Vec<&str> = uuids.iter().map(String::as_str).collect();
    have.sort_unstable();
    want.sort_unstable();
    if have == want {
        return Ok(());
    }
    Err(Denial::forbidden(
        "gpu.moved",
        format!("{name} was created with other GPUs than it has now"),
    )
    .why(format!("the ledger gives it {}", lease.gpu_id()))
    .todo("create the container again"))
}

/// A fault of the ledger as a refusal at the door.
fn denial(fault: Fault) -> Denial {
    let (status, code) = match fault.code {
        Code::Limit => (403, "limit.gpus"),
        Code::NotPermitted => (403, "gpu.not_permitted"),
        Code::Usage | Code::NotFound => (400, "gpu.request"),
        _ => (503, "gpu.ledger"),
    };
    let explain = fault.json();
    let mut why = fault.why.clone();
    if !fault.shown.is_empty() {
        why = format!("{why}\n{}", fault.shown.trim_end());
    }
    let mut denial = Denial::new(status, code, fault.what).why(why).todo(fault.todo);
    denial.lines.explain = Some(explain);
    denial
}
