//! What the lab's event log learns from the door.

use ds01_eventlog::{Event, Kind};
use serde_json::json;

use crate::door::Door;

/// Somebody asked for what is not theirs. Written on a thread of its own, since the log
/// waits for its lock.
pub fn denied(door: &Door, user: &str, code: &str, method: &str, path: &str) {
    let user = (!user.is_empty()).then(|| user.to_owned());
    let details = json!({"code": code, "method": method, "path": path});
    let event = Event::new(Kind::AuthDenied, user.as_deref(), "dfilter", details);
    let site = door.site.clone();
    tokio::task::spawn_blocking(move || ds01_eventlog::append(&site, &event));
}
