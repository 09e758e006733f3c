//! `gpu-state.json`: the ledger as everybody may read it. Derived, so it may be deleted at
//! any time; written after the answer, so nobody waits for it.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use ds01_units::Stamp;
use serde::{Deserialize, Serialize};

use crate::lock::Lock;
use crate::state::State;
use crate::types::{Drain, Lease, Phase, QueueEntry, Reservation, SlotUse};
use crate::{earlier, place};

/// The form of the document; a reader refuses a newer one.
const SCHEMA: u32 = 1;
/// Another process that writes the view takes a fraction of this.
const PATIENCE: Duration = Duration::from_millis(500);

/// The document. The first two fields and `last_updated` are the earlier system's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// By container.
    pub allocations: BTreeMap<String, Allocation>,
    pub pending: Vec<PendingLease>,
    pub reservations: Vec<Reservation>,
    #[serde(default)]
    pub drained: Vec<Drain>,
    #[serde(default)]
    pub queue: Vec<QueueEntry>,
    pub last_updated: Option<Stamp>,
    pub schema: u32,
}

/// One container's slots. The first five fields are the earlier system's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    pub user: String,
    pub gpu_id: String,
    pub allocated_at: Stamp,
    pub priority: u8,
    pub stopped_at: Option<Stamp>,
    pub slots: Vec<SlotUse>,
    pub container_id: Option<String>,
    /// `held` or `stopped`.
    pub state: String,
    pub hold_until: Option<Stamp>,
    pub interface: Option<String>,
    /// When its longest allowed run ends.
    #[serde(default)]
    pub runs_until: Option<Stamp>,
}

/// A lease whose container is being created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingLease {
    pub container: String,
    pub user: String,
    pub gpu_id: String,
    pub allocated_at: Stamp,
    pub priority: u8,
    pub slots: Vec<SlotUse>,
    pub deadline: Stamp,
    pub interface: Option<String>,
}

impl View {
    /// What counts at `now`: leases that have ended by themselves are left out.
    pub fn of(state: &State, now: Stamp) -> Self {
        let mut view = Self {
            allocations: BTreeMap::new(),
            pending: Vec::new(),
            reservations: state.reservations.values().cloned().collect(),
            drained: state.drains.values().cloned().collect(),
            queue: state.queue.values().cloned().collect(),
            last_updated: state.at,
            schema: SCHEMA,
        };
        for lease in state.live(now) {
            match lease.phase {
                Phase::Pending { deadline } => view.pending.push(pending(lease, deadline)),
                Phase::Held => view.put(lease, None, None),
                Phase::Stopped { stopped_at, hold_until } => {
                    view.put(lease, Some(stopped_at), hold_until);
                }
            }
        }
        view
    }

    fn put(&mut self, lease: &Lease, stopped_at: Option<Stamp>, hold_until: Option<Stamp>) {
        let allocation = Allocation {
            user: lease.user.clone(),
            gpu_id: lease.gpu_id(),
            allocated_at: lease.allocated_at,
            priority: lease.priority,
            stopped_at,
            slots: lease.slots.clone(),
            container_id: lease.container_id.clone(),
            state: lease.phase.word().to_owned(),
            hold_until,
            interface: lease.interface.clone(),
            runs_until: lease.runs_until,
        };
        self.allocations.insert(lease.container.clone(), allocation);
    }
}

fn pending(lease: &Lease, deadline: Stamp) -> PendingLease {
    PendingLease {
        container: lease.container.clone(),
        user: lease.user.clone(),
        gpu_id: lease.gpu_id(),
        allocated_at: lease.allocated_at,
        priority: lease.priority,
        slots: lease.slots.clone(),
        deadline,
        interface: lease.interface.clone(),
    }
}

/// The state for somebody who only looks: the ledger's for whoever may read it, else as much
/// of it as the view shows.
pub fn state(site: &Site) -> Result<State, Fault> {
    match place::may_write(site) {
        Ok(()) => place::look(site),
        Err(_) => Ok(read(site)?.into()),
    }
}

impl From<View> for State {
    fn from(view: View) -> Self {
        let held = view.allocations.into_iter().map(|(container, one)| Lease {
            phase: match one.stopped_at {
                None => Phase::Held,
                Some(stopped_at) => Phase::Stopped { stopped_at, hold_until: one.hold_until },
            },
            container,
            container_id: one.container_id,
            user: one.user,
            priority: one.priority,
            interface: one.interface,
            slots: one.slots,
            allocated_at: one.allocated_at,
            runs_until: one.runs_until,
        });
        let pending = view.pending.into_iter().map(|one| Lease {
            container: one.container,
            container_id: None,
            user: one.user,
            priority: one.priority,
            interface: one.interface,
            slots: one.slots,
            allocated_at: one.allocated_at,
            runs_until: None,
            phase: Phase::Pending { deadline: one.deadline },
        });
        let leases = held.chain(pending).map(|lease| (lease.container.clone(), lease)).collect();
        let reservations = view.reservations.into_iter().map(|one| (one.id, one)).collect();
        let queue = view.queue.into_iter().map(|one| (one.id, one)).collect();
        let drains = view.drained.into_iter().map(|one| (one.uuid.clone(), one)).collect();
        Self { at: view.last_updated, leases, drains, reservations, queue, ..Self::default() }
    }
}

/// Where the view lies.
pub fn path(site: &Site) -> PathBuf {
    site.run().join("gpu-state.json")
}

/// The view as it was last written. Before there is a ledger it is empty; with one, a view
/// that is missing (`/run` is empty after a boot) is not known, and must not look free.
pub fn read(site: &Site) -> Result<View, Fault> {
    let path = path(site);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound && place::directory(site).exists() => {
            return Err(Fault::unreadable("nobody can say yet who holds which GPU")
                .why(format!("{} has not been written since the boot", path.display()))
                .todo("as root: `gpu-alloc reconcile --apply` writes it"));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(View::of(&State::default(), site.now()));
        }
        other => other.or_fault(Code::Unreadable, || format!("cannot read {}", path.display()))?,
    };
    #[derive(Deserialize)]
    struct Form {
        schema: u32,
    }
    let unreadable = || format!("cannot understand {}", path.display());
    let form: Form = serde_json::from_str(&text).or_fault(Code::Unreadable, unreadable)?;
    if form.schema > SCHEMA {
        return Err(Fault::unreadable(unreadable())
            .why(format!("it has schema {}, this ds01 knows {SCHEMA}", form.schema))
            .todo("use the ds01 that wrote it, or a newer one"));
    }
    serde_json::from_str(&text).or_fault(Code::Unreadable, unreadable)
}

/// What the ledger says for whoever may read it, and the view's word for everybody else.
pub fn for_caller(site: &Site) -> Result<View, Fault> {
    match place::may_write(site) {
        Ok(()) => Ok(View::of(&place::look(site)?, site.now())),
        Err(_) => read(site),
    }
}

/// Writes the view of a state, unless a later one is there already. `born` tells a ledger
/// from one that was begun after it was deleted.
pub fn write(site: &Site, state: &State, born: Stamp) -> Result<(), Fault> {
    let lock = Lock::take(&place::directory(site).join("view.lock"), PATIENCE)?;
    let cannot = || format!("cannot write {}", path(site).display());
    let later =
        lock.read().or_fault(Code::Failed, cannot)?.split_once(' ').is_some_and(|(ledger, seq)| {
            ledger == born.millis().to_string() && seq.parse().is_ok_and(|seq: u64| seq > state.seq)
        });
    if later {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(site.run())
        .or_fault(Code::Failed, cannot)?;
    let mut text = serde_json::to_string_pretty(&View::of(state, site.now()))
        .or_fault(Code::Failed, cannot)?;
    text.push('\n');
    ds01_site::replace(&path(site), text.as_bytes(), 0o644, false)?;
    lock.write(&format!("{} {}", born.millis(), state.seq)).or_fault(Code::Failed, cannot)?;
    link(site)
}

/// The place where the earlier system had its file leads to the view.
fn link(site: &Site) -> Result<(), Fault> {
    let (from, kept) = (earlier::path(site), earlier::kept(site));
    let cannot = || format!("cannot make {} a link to the view", from.display());
    match std::fs::symlink_metadata(&from) {
        Ok(metadata) if metadata.is_symlink() => return Ok(()),
        // Its content was taken over when the ledger was begun; no file is thrown away.
        Ok(_) => std::fs::rename(&from, &kept).or_fault(Code::Failed, cannot)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).or_fault(Code::Failed, cannot),
    }
    match symlink("../../../run/ds01/gpu-state.json", &from) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.or_fault(Code::Failed, cannot),
    }
}
