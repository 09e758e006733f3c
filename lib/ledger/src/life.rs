//! What a container's life does to its lease: the words Docker uses, as decisions.

use ds01_units::{Limit, Span, Stamp};

use crate::record::{Decision, Why};
use crate::state::State;
use crate::types::{Lease, Phase};

/// A container stopped: its slots are kept for the hold, or freed where there is none. No
/// limit keeps them until the container is removed; zero is zero (pitfall 20).
pub fn stopped(lease: &Lease, hold: Limit<Span>, at: Stamp) -> Option<Decision> {
    let container = lease.container.clone();
    match (lease.phase, hold) {
        (Phase::Stopped { .. }, _) => None,
        (_, Limit::Max(Span::ZERO)) => {
            Some(Decision::Released { containers: vec![container], why: Why::Released })
        }
        (_, Limit::Max(hold)) => {
            Some(Decision::Stopped { container, hold_until: Some(at.plus(hold)) })
        }
        (_, Limit::None) => Some(Decision::Stopped { container, hold_until: None }),
    }
}

/// A container started: whatever kept its slots for it until then is over.
pub fn started(lease: &Lease, id: Option<&str>) -> Option<Decision> {
    let container = lease.container.clone();
    match lease.phase {
        Phase::Held => None,
        Phase::Pending { .. } => Some(committed(lease, id)),
        Phase::Stopped { .. } => Some(Decision::Resumed { container }),
    }
}

/// A container was created.
pub fn created(lease: &Lease, id: &str) -> Option<Decision> {
    matches!(lease.phase, Phase::Pending { .. }).then(|| committed(lease, Some(id)))
}

fn committed(lease: &Lease, id: Option<&str>) -> Decision {
    Decision::Committed {
        container: lease.container.clone(),
        name: None,
        container_id: id.map(str::to_owned),
    }
}

/// A container was removed, or somebody gives its slots back.
pub fn released(lease: &Lease) -> Decision {
    Decision::Released { containers: vec![lease.container.clone()], why: Why::Released }
}

/// Clears away what has ended by itself; nothing when nothing has.
pub fn lapsed(state: &State, now: Stamp) -> Option<Decision> {
    let containers: Vec<String> = state.lapsed(now).map(|lease| lease.container.clone()).collect();
    (!containers.is_empty()).then_some(Decision::Released { containers, why: Why::Lapsed })
}
