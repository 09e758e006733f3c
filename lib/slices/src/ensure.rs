//! For whoever creates or starts a container: its slice, there and with its limits.

use ds01_config::Config;
use ds01_fault::Fault;
use ds01_names::SliceName;
use ds01_site::Site;

use crate::{Action, Manager, Outcome, Work};

/// Makes sure that `user`'s slice is there as the config wants it, before a container is
/// created in it or, with `slice`, started in the one it was created in. Docker would have
/// systemd make a slice that is missing, but without limits.
///
/// What was changed is the answer, for the event log; most often nothing. A fault means
/// that the container must not start: without its slice nothing limits it.
pub fn ensure(
    site: &Site,
    config: &Config,
    manager: Option<&dyn Manager>,
    user: &str,
    slice: Option<&SliceName>,
) -> Result<Vec<Outcome>, Fault> {
    let work = match slice {
        None => Work::for_users(site, config, manager, &[user])?,
        Some(slice) => {
            Work::for_container(site, config, manager, user, slice)?.ok_or_else(|| {
                Fault::not_permitted(format!("{slice} is not a slice of {user}"))
                    .why("a container runs in its owner's slice")
                    .todo("create the container anew")
            })?
        }
    };
    if work.outcomes().iter().all(|outcome| outcome.action == Action::Keep) {
        return Ok(Vec::new());
    }
    if let Some(path) = work.foreign().first() {
        return Err(Fault::failed(format!("{user}'s slice cannot be made"))
            .why(format!("{} is not ds01's", path.display()))
            .todo("an admin looks at it and runs slice-make --all, with --yes to replace it"));
    }
    let mut done = work.apply(manager)?;
    done.retain(|outcome| !matches!(outcome.action, Action::Keep | Action::InUse));
    Ok(done)
}
