//! What was changed, for the event log.

use ds01_eventlog::{Event, Kind};
use ds01_site::Site;
use serde_json::json;

use crate::{Action, Outcome};

/// One `slice.set` for each slice that was changed; `source` is who changed it.
pub fn log(site: &Site, outcomes: &[Outcome], source: &str) {
    let changed = |one: &&Outcome| !matches!(one.action, Action::Keep | Action::InUse);
    for outcome in outcomes.iter().filter(changed) {
        let details = json!({
            "slice": outcome.slice,
            "group": outcome.group,
            "action": outcome.action,
            "changes": outcome.changes,
            "limits": outcome.properties,
        });
        let user = outcome.user.as_deref();
        ds01_eventlog::append(site, &Event::new(Kind::SliceSet, user, source, details));
    }
}
