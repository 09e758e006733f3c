//! An event, and its line.

use ds01_fault::Fault;
use ds01_units::Stamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Kind;

/// The longest line, its end included. Longer ones could be read half by a follower.
pub const LONGEST: usize = 4096;
/// Names are cut here, so that even a line without details fits.
const LONGEST_NAME: usize = 256;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    kind: Kind,
    user: Option<String>,
    source: String,
    details: Map<String, Value>,
    at: Option<Stamp>,
}

impl Event {
    /// `user` is whom it concerns, if anybody; `source` the tool that says so; `details` an
    /// object, where the container's name stands under `container`.
    pub fn new<'a>(
        kind: Kind,
        user: impl Into<Option<&'a str>>,
        source: &str,
        details: Value,
    ) -> Self {
        let details = match details {
            Value::Object(details) => details,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { kind, user: user.into().map(cut), source: cut(source), details, at: None }
    }

    /// The moment, where it is not the one of writing.
    #[must_use]
    pub fn at(mut self, moment: Stamp) -> Self {
        self.at = Some(moment);
        self
    }

    /// An event from a record as it is written, or from a flat object: what is no field of a
    /// record is a detail. `source` is taken where the object names none.
    pub fn read(text: &str, source: &str) -> Result<Self, Fault> {
        let mut fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            Fault::usage("this is no JSON object on one line").why(error.to_string())
        })?;
        let mut name = |key: &str| match fields.shift_remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Fault::usage(format!("`{key}` is no text"))
                .why(format!("it is {other}"))
                .todo(format!("write it in quotes, \"{key}\": \"…\""))),
        };
        let Some(kind) = name("event_type")? else {
            return Err(Fault::usage("the object has no `event_type`")
                .todo("name one, for example \"event_type\": \"gpu.hold\""));
        };
        let (kind, user, own) = (kind.parse()?, name("user")?, name("source")?);
        let at = match name("timestamp")? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|bad| Fault::usage(format!("`timestamp`: `{text}` is {bad}")))?,
            ),
        };
        name("schema_version")?;
        let mut details = match fields.shift_remove("details") {
            Some(Value::Object(details)) => details,
            None | Some(Value::Null) => Map::new(),
            Some(other) => Map::from_iter([("value".to_owned(), other)]),
        };
        details.extend(fields);
        let event =
            Self::new(kind, user.as_deref(), own.as_deref().unwrap_or(source), details.into());
        Ok(Self { at, ..event })
    }

    /// The line as it is written, at most [`LONGEST`] bytes with its end.
    pub fn line(&self, now: Stamp) -> String {
        let line = self.with_details(now, &self.details);
        if line.len() <= LONGEST {
            return line;
        }
        let size = json!({"truncated": true, "original_size": line.len()});
        self.with_details(now, &size)
    }

    fn with_details(&self, now: Stamp, details: &impl Serialize) -> String {
        let record = json!({
            "timestamp": self.at.unwrap_or(now),
            "event_type": self.kind.to_string(),
            "schema_version": "1",
            "user": self.user,
            "source": self.source,
            "details": details,
        });
        format!("{record}\n")
    }
}

/// JSON writes a control character as six bytes, so the cut counts those.
fn cut(name: &str) -> String {
    let mut size = 0;
    name.chars()
        .take_while(|c| {
            size += if c.is_control() { 6 } else { c.len_utf8() };
            size <= LONGEST_NAME
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    #[test]
    fn a_record_that_was_read_is_written_the_same() {
        let line = r#"{"timestamp":"2026-02-01T12:00:00Z","event_type":"gpu.hold","schema_version":"1","user":"bob","source":"x","details":{"container":"a._.bob","n":1}}"#;
        let event = Event::read(line, "test").unwrap();
        assert_eq!(event.line(Stamp::from_secs(0)), format!("{line}\n"));
        let flat = r#"{"event_type":"gpu.hold","container":"a"}"#;
        let event = Event::read(flat, "test").unwrap().line(Stamp::from_secs(0));
        let record = Record::read(event.as_bytes()).unwrap();
        assert_eq!(record.container(), Some("a"));
        assert_eq!(record.source.as_deref(), Some("test"));
    }

    #[test]
    fn what_is_no_event_is_refused_with_its_reason() {
        for (text, what) in [
            ("[]", "this is no JSON object on one line"),
            ("{", "this is no JSON object on one line"),
            ("{}", "the object has no `event_type`"),
            (r#"{"event_type":5}"#, "`event_type` is no text"),
            (r#"{"event_type":"gpu.hold","user":1}"#, "`user` is no text"),
            (
                r#"{"event_type":"gpu.hold","timestamp":"x"}"#,
                "`timestamp`: `x` is not a time: write 2026-11-21T10:30:00Z",
            ),
        ] {
            assert_eq!(Event::read(text, "test").unwrap_err().what, what);
        }
    }
}
