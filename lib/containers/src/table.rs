//! A container as lists show it: whose, its GPU, and how long it and its GPU stay.

use std::collections::HashMap;
use std::thread;

use ds01_docker::{Container, Listed};
use ds01_fault::Fault;
use ds01_ledger::types::Phase;
use ds01_site::Site;
use ds01_units::Stamp;
use serde::Serialize;
use serde_json::Value;

use crate::Mine;
use crate::after::{kind, lifecycle};
use crate::glance::{Glance, GpuNow};

/// Requests to the daemon at once.
const TOGETHER: usize = 16;

/// One container. `null` is not known or does not apply, never zero.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// As its owner calls it.
    pub name: String,
    pub container: String,
    pub container_id: String,
    pub user: Option<String>,
    pub state: String,
    pub image: String,
    pub interface: String,
    pub created_at: Option<Stamp>,
    pub started_at: Option<Stamp>,
    pub stopped_at: Option<Stamp>,
    pub exit_code: Option<i64>,
    /// Display names of its slots.
    pub gpu: Option<Vec<String>>,
    pub profile: Option<Vec<String>>,
    pub gpu_uuids: Option<Vec<String>>,
    #[serde(flatten)]
    pub now: GpuNow,
    pub idle_since: Option<Stamp>,
    /// When it is stopped if it goes on doing nothing.
    pub idle_stops_at: Option<Stamp>,
    /// When it reaches its longest runtime.
    pub runs_until: Option<Stamp>,
    /// The earlier of both.
    pub deadline: Option<Stamp>,
    /// Until when a stopped one keeps its GPU; `held_for_good` where no limit ends that.
    pub gpu_hold_until: Option<Stamp>,
    pub held_for_good: bool,
    /// Until when a stopped one is kept itself.
    pub kept_until: Option<Stamp>,
}

/// Each, inspected, in the same order. One that goes meanwhile is not there.
pub fn inspected(mine: &Mine, listed: &[Listed]) -> Result<Vec<Container>, Fault> {
    let mut all = Vec::with_capacity(listed.len());
    for some in listed.chunks(TOGETHER) {
        let found: Vec<_> = thread::scope(|scope| {
            let ask = |one: &Listed| mine.docker().inspect(&one.id);
            let asked: Vec<_> = some.iter().map(|one| scope.spawn(move || ask(one))).collect();
            asked.into_iter().filter_map(|one| one.join().ok()).collect()
        });
        for one in found {
            all.extend(one?);
        }
    }
    Ok(all)
}

/// The rows of these containers. `glance` is the board, where it could be asked.
pub fn rows(mine: &Mine, containers: &[Container], glance: Option<&Glance>) -> Vec<Row> {
    let idle = Idle::read(mine.site());
    containers.iter().map(|one| row(mine, one, glance, &idle)).collect()
}

/// Whether any of them holds a slot: only then is the board worth asking.
pub fn any_gpu(mine: &Mine, containers: &[Container]) -> bool {
    containers.iter().any(|one| {
        let lease = mine.lease(one);
        one.is_running()
            && match lease {
                Some(lease) => lease.is_some(),
                None => one.label("ds01.gpu.uuids").is_some(),
            }
    })
}

fn row(mine: &Mine, container: &Container, glance: Option<&Glance>, idle: &Idle) -> Row {
    let lease = mine.lease(container);
    let label = |name: &str| {
        container.label(name).map(|all| all.split(',').map(|one| one.trim().to_owned()).collect())
    };
    let (gpu, profile, uuids): (_, _, Option<Vec<String>>) = match lease {
        Some(Some(lease)) => {
            let all = |of: fn(&ds01_ledger::types::SlotUse) -> &String| {
                Some(lease.slots.iter().map(|slot| of(slot).clone()).collect())
            };
            (all(|slot| &slot.id), all(|slot| &slot.profile), all(|slot| &slot.uuid))
        }
        Some(None) => (Some(vec![]), Some(vec![]), Some(vec![])),
        None => (label("ds01.gpu.slots"), None, label("ds01.gpu.uuids")),
    };
    let running = container.is_running();
    let after = mine.after(container);
    let limits = mine.limits_of(container);
    let idle_since = idle.since(container).filter(|_| running);
    let idle_stops_at = idle_since.and_then(|since| {
        let (timeout, _) = lifecycle(limits.as_ref()?, container);
        Some(since.plus(*timeout.max()?))
    });
    let hold = match lease.flatten().map(|lease| lease.phase) {
        // No longer than the container itself.
        Some(Phase::Stopped { hold_until, .. }) => Some(match (hold_until, after.kept_until) {
            (Some(gpu), Some(container)) => Some(gpu.min(container)),
            (gpu, container) => gpu.or(container),
        }),
        // Docker says it stopped, and the ledger has not heard of it yet.
        Some(Phase::Held) if !running => Some(after.gpu_kept_until).filter(|_| limits.is_some()),
        _ => None,
    };
    let seen = uuids.as_deref().filter(|_| running).zip(glance);
    Row {
        name: mine.short(&container.name).to_owned(),
        container: container.name.clone(),
        container_id: container.id.clone(),
        user: mine.owner_of_container(container),
        state: container.state.to_string(),
        image: container.image.clone(),
        interface: kind(container).to_owned(),
        created_at: container.created,
        started_at: container.started.filter(|_| running),
        stopped_at: container.finished.filter(|_| !running),
        exit_code: container.finished.filter(|_| !running).map(|_| container.exit_code),
        gpu,
        profile,
        now: seen.map(|(uuids, glance)| glance.of(&container.id, uuids)).unwrap_or_default(),
        gpu_uuids: uuids,
        idle_since,
        idle_stops_at,
        runs_until: after.stops_at,
        deadline: [idle_stops_at, after.stops_at].into_iter().flatten().min(),
        gpu_hold_until: hold.flatten(),
        held_for_good: hold == Some(None),
        kept_until: after.kept_until.filter(|_| !running),
    }
}

/// Since when containers do nothing, as `idle-check` notes it. What it has not noted is not
/// known.
#[derive(Debug, Default)]
struct Idle(HashMap<String, Stamp>);

impl Idle {
    fn read(site: &Site) -> Self {
        let text = std::fs::read_to_string(site.state().join("activity.json")).unwrap_or_default();
        let noted: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(all) = noted["containers"].as_object() else { return Self::default() };
        let since = |one: &Value| one["idle_since"].as_str()?.parse().ok();
        Self(all.iter().filter_map(|(key, one)| Some((key.clone(), since(one)?))).collect())
    }

    /// By id, whole or its first twelve digits, or by name.
    fn since(&self, container: &Container) -> Option<Stamp> {
        let short = container.id.get(..12).unwrap_or(&container.id);
        [container.id.as_str(), short, &container.name]
            .iter()
            .find_map(|key| self.0.get(*key))
            .copied()
    }
}

/// `2 h`, or `due` once it is past.
pub fn left(until: Stamp, now: Stamp) -> String {
    if until <= now { "due".into() } else { until.since(now).words() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_nobody_has_noted_is_not_known() {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::at(dir.path());
        let container =
            Container::read(&json!({"Id": "ab".repeat(32), "Name": "/a._.alice"})).unwrap();
        assert_eq!(Idle::read(&site).since(&container), None);
        std::fs::create_dir_all(site.state()).unwrap();
        let note = |text: &str| {
            std::fs::write(site.state().join("activity.json"), text).unwrap();
            Idle::read(&site).since(&container)
        };
        assert_eq!(note("{"), None);
        assert_eq!(note("{\"containers\": []}"), None);
        assert_eq!(note("{\"containers\": {\"a._.alice\": {\"idle_since\": null}}}"), None);
        let seen = note(
            "{\"containers\": {\"abababababab\": {\"idle_since\": \"1970-01-01T00:00:09Z\"}}}",
        );
        assert_eq!(seen, Some(Stamp::from_secs(9)));
    }

    #[test]
    fn what_is_past_is_due() {
        assert_eq!(left(Stamp::from_secs(3600), Stamp::from_secs(0)), "1 h");
        assert_eq!(left(Stamp::from_secs(0), Stamp::from_secs(0)), "due");
    }
}
