//! What there is before a ledger is begun: the earlier system's `gpu-state.json`, and the
//! containers that run. A ledger that was deleted must not make their GPUs look free.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ds01_config::Config;
use ds01_docker::{Container, Docker};
use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use ds01_units::Stamp;
use serde::Deserialize;

use crate::facts;
use crate::reconcile::{Difference, Sides, differences};
use crate::record::Decision;
use crate::state::State;
use crate::types::{Lease, Phase, SlotUse};

/// How long one answer of Docker's may take while everybody waits for the lock.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    allocations: BTreeMap<String, Allocation>,
}

#[derive(Deserialize)]
struct Allocation {
    user: String,
    gpu_id: GpuId,
    allocated_at: Option<Stamp>,
    priority: Option<f64>,
    stopped_at: Option<Stamp>,
}

/// `"0:1"`, and in the oldest files a bare number.
#[derive(Deserialize)]
#[serde(untagged)]
enum GpuId {
    Text(String),
    Number(u32),
}

/// Where that file was, and where the view is now reached.
pub fn path(site: &Site) -> PathBuf {
    site.state().join("gpu-state.json")
}

/// Where the file is kept once it is read.
pub fn kept(site: &Site) -> PathBuf {
    site.state().join("gpu-state.json.earlier")
}

/// The leases that a new ledger begins with. What runs says better than a file what it has.
pub fn leases(site: &Site) -> Result<Vec<Lease>, Fault> {
    let mut leases = running(site)?;
    for old in in_file(site)? {
        if leases.iter().all(|lease| lease.container != old.container) {
            leases.push(old);
        }
    }
    Ok(leases)
}

/// The leases of the containers that run. A try-out asks only the daemon it names.
fn running(site: &Site) -> Result<Vec<Lease>, Fault> {
    if !site.is_real() && std::env::var_os("DOCKER_HOST").is_none_or(|host| host.is_empty()) {
        return Ok(Vec::new());
    }
    // Where no daemon answers, none can tell; `reconcile --apply` may later.
    let listed = Docker::from_env().and_then(|docker| docker.patience(PATIENCE).containers());
    let Ok(containers) = listed else { return Ok(Vec::new()) };
    let uses_a_gpu = |one: &Container| one.is_running() && !one.gpu_use().is_none();
    if !containers.iter().any(uses_a_gpu) {
        return Ok(Vec::new());
    }
    let config = Config::load(site)?;
    let board = facts::read_board().ok();
    let sides = Sides {
        state: &State::default(),
        containers: &containers,
        board: board.as_ref(),
        config: &config,
        now: site.now(),
    };
    let adopted = |one: Difference| match one.decision {
        Some(Decision::Adopted { lease }) => Some(lease),
        _ => None,
    };
    Ok(differences(&sides).into_iter().filter_map(adopted).collect())
}

/// The leases in the earlier file. None where there is none, or ours is there already: a link.
pub fn in_file(site: &Site) -> Result<Vec<Lease>, Fault> {
    let path = path(site);
    let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        return Ok(Vec::new());
    }
    let cannot = || format!("cannot take over the earlier GPU state {}", path.display());
    let text = std::fs::read_to_string(&path).or_fault(Code::Unreadable, cannot)?;
    read(&text, &path)
}

fn read(text: &str, path: &Path) -> Result<Vec<Lease>, Fault> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        Fault::unreadable(format!("cannot take over the earlier GPU state {}", path.display()))
            .why(error.to_string())
            .todo(format!(
                "mend it, or move it away: mv {0} {0}.old; then `gpu-alloc reconcile --apply`",
                path.display()
            ))
    })?;
    Ok(file.allocations.into_iter().map(|(container, old)| old.lease(container)).collect())
}

impl Allocation {
    fn lease(self, container: String) -> Lease {
        let ids = match self.gpu_id {
            GpuId::Text(text) => text,
            GpuId::Number(number) => number.to_string(),
        };
        let slots = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).map(slot).collect();
        let allocated_at = self.allocated_at.or(self.stopped_at).unwrap_or(Stamp::from_secs(0));
        let phase = match self.stopped_at {
            // That file does not say how long; `reconcile` knows the limits and sets it.
            Some(stopped_at) => Phase::Stopped { stopped_at, hold_until: None },
            None => Phase::Held,
        };
        Lease {
            container,
            container_id: None,
            user: self.user,
            priority: self.priority.unwrap_or(10.0).clamp(1.0, 100.0) as u8,
            interface: None,
            slots,
            allocated_at,
            runs_until: None,
            phase,
        }
    }
}

/// The earlier system knew only display names. A slot of that name counts as taken until
/// `reconcile` finds out which one it is: what cannot be mapped never looks free (pitfall 22).
fn slot(id: &str) -> SlotUse {
    let is_mig = id.contains([':', '.']);
    SlotUse {
        id: id.replace('.', ":"),
        uuid: if id.starts_with("GPU-") || id.starts_with("MIG-") {
            id.to_owned()
        } else {
            format!("unknown-{id}")
        },
        profile: if is_mig { "unknown" } else { "full" }.to_owned(),
        gpueq: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_file_keeps_its_meaning() {
        let text = r#"{"allocations": {
            "a._.alice": {"user": "alice", "gpu_id": "0:1,0:2", "allocated_at": "2026-11-21T10:30:00",
                          "priority": 50, "stopped_at": null},
            "b._.bob": {"user": "bob", "gpu_id": 2, "allocated_at": "2026-11-21T10:30:00.123456",
                        "priority": 10, "stopped_at": "2026-11-22T10:30:00"}},
            "last_updated": "2026-11-22T10:30:00"}"#;
        let leases = read(text, Path::new("x")).unwrap();
        assert_eq!(leases[0].gpu_id(), "0:1,0:2");
        assert_eq!(leases[0].allocated_at.to_string(), "2026-11-21T10:30:00Z");
        assert_eq!((leases[0].priority, leases[0].phase), (50, Phase::Held));
        assert_eq!(leases[1].slots[0].profile, "full");
        assert!(matches!(leases[1].phase, Phase::Stopped { hold_until: None, .. }));
    }

    #[test]
    fn a_file_that_cannot_be_read_begins_no_empty_ledger() {
        let fault = read("{\"allocations\": {\"a\": {}}}", Path::new("x")).unwrap_err();
        assert_eq!(fault.code, Code::Unreadable);
    }
}
