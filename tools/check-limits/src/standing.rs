//! What somebody may use, uses and has left, gathered from wherever it is known.

use std::path::Path;
use std::time::Duration;

use ds01_cgroup::{Tree, Usage};
use ds01_config::{Exemption, Limits, TypeLifecycle};
use ds01_docker::Docker;
use ds01_fault::Fault;
use ds01_ledger::State;
use ds01_ledger::types::{Phase, Want};
use ds01_line::Waiting;
use ds01_names::SliceName;
use ds01_site::Site;
use ds01_units::{Bytes, Limit, Span, Stamp};
use serde::Serialize;

/// Of one request. Docker answers within milliseconds, or is not worth a person's wait.
const PATIENCE: Duration = Duration::from_millis(500);

/// The whole answer. A limit that is `null` is none; a use that is `null` is not known.
#[derive(Debug, Serialize)]
pub struct Standing {
    pub user: String,
    pub group: String,
    pub priority: u8,
    pub slice: String,
    /// GPU slots, of all leases: also of stopped and pending containers.
    pub gpus: Share<f64>,
    pub gpu_equivalents: Share<f64>,
    pub containers: Share<u64>,
    /// Of the slice, all containers together.
    pub memory: Share<Bytes>,
    pub tasks: Share<u64>,
    pub cpus: Cpus,
    pub per_container: PerContainer,
    pub lifetime: Lifetime,
    pub leases: Option<Vec<Held>>,
    pub queue: Option<Vec<Queued>>,
}

/// A limit, and how far it is used up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share<T> {
    pub limit: Limit<T>,
    pub used: Option<T>,
    /// `null` without a limit too: then as much as there is.
    pub left: Option<T>,
}

/// CPU time is spent, not held: how much of it is used right now takes time to see, which
/// `slice-usage --interval` takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cpus {
    /// CPUs at once, all containers together.
    pub limit: Limit<f64>,
    /// CPU time since the slice was made.
    pub seconds: Option<f64>,
}

/// What each container may use.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PerContainer {
    pub gpus: Limit<f64>,
    pub cpus: Limit<f64>,
    pub memory: Limit<Bytes>,
    pub tasks: Limit<u64>,
}

/// How long containers live and keep what they have.
#[derive(Clone, Debug, Serialize)]
pub struct Lifetime {
    pub idle_timeout: Limit<Span>,
    pub max_runtime: Limit<Span>,
    pub gpu_hold_after_stop: Limit<Span>,
    pub container_hold_after_stop: Limit<Span>,
    /// Kinds of container to which other times apply.
    pub container_types: Vec<TypeLifecycle>,
    pub exemptions: Vec<Exemption>,
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    pub container: String,
    pub gpu_id: String,
    pub gpu_equivalents: f64,
    /// `held`, `stopped` or `pending`.
    pub state: &'static str,
    /// Until when a stopped one keeps its slots, or a pending one may be created.
    pub until: Option<Stamp>,
}

/// A place in the line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Queued {
    pub id: u64,
    pub gpus: u32,
    pub profile: Want,
    pub container: Option<String>,
    pub joined_at: Stamp,
    /// What the plan says; `null` where it cannot be read.
    pub position: Option<usize>,
    pub start: Option<String>,
    pub expected_start: Option<Stamp>,
    pub claim_until: Option<Stamp>,
}

pub trait Amount: Copy {
    /// What is left of `self`, never less than nothing.
    fn less(self, used: Self) -> Self;
}

impl Amount for f64 {
    fn less(self, used: Self) -> Self {
        round((self - used).max(0.0))
    }
}
impl Amount for u64 {
    fn less(self, used: Self) -> Self {
        self.saturating_sub(used)
    }
}
impl Amount for Bytes {
    fn less(self, used: Self) -> Self {
        Self(self.0.saturating_sub(used.0))
    }
}

impl<T: Amount> Share<T> {
    fn of(limit: Limit<T>, used: Option<T>) -> Self {
        let left = limit.max().zip(used).map(|(limit, used)| limit.less(used));
        Self { limit, used, left }
    }
}

impl Standing {
    /// As far as it is known, and a note for whatever is not.
    pub fn of(site: &Site, limits: Limits, cgroups: &Path) -> (Self, Vec<String>) {
        let mut notes = Vec::new();
        let user = limits.user.as_str();
        let slice = SliceName::user(&limits.group, user);
        let state = known(ds01_ledger::view::state(site), "GPUs in use", &mut notes);
        let leases = state.as_ref().map(|state| leases(state, user, site.now()));
        let queue = state.as_ref().map(|state| queue(site, state, user, &mut notes));
        let containers = known(containers(user), "containers", &mut notes);
        let usage = known(usage(cgroups, &slice), "memory, CPU time and tasks", &mut notes);
        let usage = usage.unwrap_or_default();
        let (slots, gpueq) = state.as_ref().map(|state| used(state, user, site.now())).unzip();
        let standing = Self {
            priority: limits.priority,
            slice: slice.to_string(),
            gpus: Share::of(limits.max_slots, slots),
            gpu_equivalents: Share::of(limits.max_gpu_equivalents, gpueq),
            containers: Share::of(limits.max_containers, containers),
            memory: Share::of(limits.aggregate.memory_max.into(), usage.memory),
            tasks: Share::of(limits.aggregate.tasks_max.into(), usage.tasks),
            cpus: Cpus {
                limit: limits.aggregate.cpu_quota.map(|percent| percent / 100.0).into(),
                seconds: usage.cpu_usec.map(|usec| usec as f64 / 1e6),
            },
            per_container: PerContainer {
                gpus: limits.max_slots_per_container,
                cpus: limits.max_cpus,
                memory: limits.memory,
                tasks: limits.pids_limit,
            },
            lifetime: Lifetime {
                idle_timeout: limits.idle_timeout,
                max_runtime: limits.max_runtime,
                gpu_hold_after_stop: limits.gpu_hold_after_stop,
                container_hold_after_stop: limits.container_hold_after_stop,
                container_types: limits.container_types,
                exemptions: limits.exemptions,
            },
            leases,
            queue,
            user: limits.user,
            group: limits.group,
        };
        (standing, notes)
    }
}

/// What was found out, or a note that it was not.
fn known<T>(found: Result<T, Fault>, what: &str, notes: &mut Vec<String>) -> Option<T> {
    found
        .map_err(|fault| {
            let why = if fault.why.is_empty() { String::new() } else { format!(": {}", fault.why) };
            notes.push(format!("note: {what}: not known: {}{why}", fault.what));
        })
        .ok()
}

/// Slots and GPU equivalents of all leases.
fn used(state: &State, user: &str, now: Stamp) -> (f64, f64) {
    let own = || state.live(now).filter(|lease| lease.user == user);
    let slots: usize = own().map(|lease| lease.slots.len()).sum();
    (slots as f64, round(own().map(|lease| lease.gpueq()).sum()))
}

fn leases(state: &State, user: &str, now: Stamp) -> Vec<Held> {
    let own = state.live(now).filter(|lease| lease.user == user);
    let held = own.map(|lease| Held {
        container: lease.container.clone(),
        gpu_id: lease.gpu_id(),
        gpu_equivalents: round(lease.gpueq()),
        state: lease.phase.word(),
        until: match lease.phase {
            Phase::Pending { deadline } => Some(deadline),
            Phase::Held => None,
            Phase::Stopped { hold_until, .. } => hold_until,
        },
    });
    held.collect()
}

/// Who waits is the ledger's to say, and where they stand the published line's: that view
/// may lag behind or be missing, and nobody who waits may look as if they did not.
fn queue(site: &Site, state: &State, user: &str, notes: &mut Vec<String>) -> Vec<Queued> {
    let own: Vec<_> = state.queue.values().filter(|entry| entry.user == user).collect();
    if own.is_empty() {
        return Vec::new();
    }
    let line = known(ds01_line::read(site), "positions in the line", notes);
    let planned = |id: u64| -> Option<&Waiting> {
        line.as_ref()?.entries.iter().find(|one| one.id == id && one.user == user)
    };
    let place = |entry: &ds01_ledger::types::QueueEntry| {
        let plan = planned(entry.id);
        Queued {
            id: entry.id,
            gpus: entry.count,
            profile: entry.want.clone(),
            container: entry.container.clone(),
            joined_at: entry.joined_at,
            position: plan.map(|plan| plan.position),
            start: plan.map(|plan| plan.start.clone()),
            expected_start: plan.and_then(|plan| plan.expected_start),
            claim_until: plan.and_then(|plan| plan.claim_until),
        }
    };
    own.into_iter().map(place).collect()
}

/// Those that admission counts: whose label names the user, running or not.
fn containers(user: &str) -> Result<u64, Fault> {
    let docker = Docker::from_env()?.patience(PATIENCE);
    let own = docker.list_where(&[("label", &format!("ds01.user={user}"))])?;
    Ok(own.len() as u64)
}

/// What the slice consumes. One that is not there has nothing in it, which is known.
fn usage(root: &Path, slice: &SliceName) -> Result<Usage, Fault> {
    let tree = Tree::at(root)?;
    let path = slice.cgroup();
    if tree.has(&path) {
        return Ok(tree.usage(&path));
    }
    Ok(Usage { cpu_usec: Some(0), memory: Some(Bytes(0)), tasks: Some(0), ..Usage::default() })
}

/// To the digits that weights are written with.
fn round(amount: f64) -> f64 {
    // The sum of nothing is -0.0.
    (amount * 10_000.0).round() / 10_000.0 + 0.0
}
