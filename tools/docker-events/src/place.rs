//! How far one has read: the moment of the last event, and the events shortly before it.
//!
//! Docker stamps an event before it puts it in line, so two may arrive in the other order.
//! Asking again from the last one's moment could miss its neighbour; asking from a second
//! earlier cannot, and what comes twice by that is known here.

use std::collections::BTreeSet;
use std::path::Path;

use ds01_fault::{Code, Context, Fault};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const OVERLAP: i64 = 1_000_000_000;
const SCHEMA: u32 = 1;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Place {
    schema: u32,
    /// Nothing before this was asked for, in nanoseconds.
    from: i64,
    last: Option<i64>,
    /// Moment and checksum of what was passed on in the second before `last`.
    seen: BTreeSet<(i64, u32)>,
}

impl Place {
    pub fn new(from: i64) -> Self {
        Self { schema: SCHEMA, from, last: None, seen: BTreeSet::new() }
    }

    /// What an earlier run has left, if one has.
    pub fn load(path: &Path) -> Result<Option<Self>, Fault> {
        let unreadable = |why: String| {
            Fault::unreadable(format!("{} is no place in Docker's events", path.display()))
                .why(why)
                .todo("remove it to begin now, and look after what was missed")
        };
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => {
                other.or_fault(Code::Unreadable, || format!("cannot read {}", path.display()))?
            }
        };
        let place: Self = serde_json::from_slice(&text).map_err(|e| unreadable(e.to_string()))?;
        if place.schema > SCHEMA {
            return Err(unreadable("a newer docker-events has written it".into()));
        }
        Ok(Some(place))
    }

    pub fn save(&self, path: &Path) -> Result<(), Fault> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        ds01_site::replace(path, &text, 0o600, false)
    }

    /// From when to ask, as Docker reads it.
    pub fn since(&self) -> String {
        let from = self.last.map_or(self.from, |last| (last - OVERLAP).max(self.from)).max(0);
        format!("{}.{:09}", from / 1_000_000_000, from % 1_000_000_000)
    }

    pub fn knows(&self, event: &Value) -> bool {
        self.seen.contains(&key(event))
    }

    /// Remembers an event that is being passed on.
    pub fn pass(&mut self, event: &Value) {
        let key = key(event);
        let last = self.last.map_or(key.0, |last| last.max(key.0));
        self.last = Some(last);
        self.seen.insert(key);
        self.seen = self.seen.split_off(&(last - OVERLAP, 0));
    }

    /// What stands where events may be missing: Docker keeps the last few hundred, and
    /// none over a restart of its own.
    pub fn gap(&self, next: &Value) -> Value {
        serde_json::json!({
            "Type": "ds01", "Action": "gap", "Actor": {"ID": "", "Attributes": {
                "after": self.last.unwrap_or(self.from).to_string(),
                "before": key(next).0.to_string(),
            }},
            "time": next["time"], "timeNano": next["timeNano"],
        })
    }
}

fn key(event: &Value) -> (i64, u32) {
    let text = event.to_string();
    (event["timeNano"].as_i64().unwrap_or_default(), crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_passed_on_is_known_and_its_neighbours_are_not() {
        let mut place = Place::new(5_000_000_000);
        assert_eq!(place.since(), "5.000000000");
        place.pass(&json!({"timeNano": 5_200_000_000_i64, "Action": "create"}));
        assert_eq!(place.since(), "5.000000000", "not before what was asked for");
        place.pass(&json!({"timeNano": 7_000_000_001_i64, "Action": "start"}));
        assert_eq!(place.since(), "6.000000001");
        assert!(place.knows(&json!({"timeNano": 7_000_000_001_i64, "Action": "start"})));
        // Two at one moment are two.
        assert!(!place.knows(&json!({"timeNano": 7_000_000_001_i64, "Action": "die"})));
        assert_eq!(place.seen.len(), 1, "it does not grow");
        // One that was overtaken moves nothing back.
        place.pass(&json!({"timeNano": 6_999_000_000_i64, "Action": "die"}));
        assert_eq!(place.since(), "6.000000001");
        assert_eq!(place.seen.len(), 2);
    }

    #[test]
    fn a_place_is_kept_whole_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("place");
        assert_eq!(Place::load(&path).unwrap(), None);
        let mut place = Place::new(1);
        place.pass(&json!({"timeNano": 12}));
        place.save(&path).unwrap();
        assert_eq!(Place::load(&path).unwrap(), Some(place));
        for bad in ["", "{}", r#"{"schema":2,"from":1,"last":null,"seen":[]}"#] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(Place::load(&path).unwrap_err().code, Code::Unreadable, "{bad}");
        }
    }
}
