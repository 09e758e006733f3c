//! Removing a container, and whether its GPU has come free by it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ds01_docker::{Container, Method};
use ds01_fault::{Code, Fault};

use crate::{Mine, unsure};

/// The ledger hears of a removal by Docker's events, within moments.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// Removes it; its volumes and what it mounted stay. A running one only with `force`.
///
/// One that is gone already is gone.
pub fn remove(mine: &Mine, container: &Container, force: bool) -> Result<(), Fault> {
    let force = if force { "1" } else { "0" };
    let path = ["containers", container.id.as_str()];
    let query = [("force", force), ("v", "0")];
    let sent = mine.docker().send(Method::Delete, &path, &query, None);
    match sent.and_then(ds01_docker::Answer::ok) {
        Err(fault) if fault.code == Code::NotFound => Ok(()),
        // Another removal is under way.
        Err(fault) if fault.what.contains("already in progress") => Ok(()),
        Err(fault) => {
            let name = mine.short(&container.name);
            let why = fault.clone();
            match unsure::look(mine, &container.id, name, "was removed", fault)? {
                Some(_) => Err(unsure::so(&format!("{name} is not removed"), why)),
                None => Ok(()),
            }
        }
        Ok(_) => Ok(()),
    }
}

/// Whether the ledger no longer has a lease for it; nothing where nobody can say.
pub fn freed(mine: &Mine, container: &Container) -> Option<bool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let state = ds01_ledger::view::state(mine.site()).ok()?;
        let lease = state.find(&container.id).or_else(|| state.leases.get(&container.name));
        if lease.is_none() {
            return Some(true);
        }
        if Instant::now() >= deadline {
            return Some(false);
        }
        sleep(PAUSE);
    }
}
