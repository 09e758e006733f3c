//! Records as they are read: ours, and the flat ones of the earlier system.

use std::borrow::Cow;
use std::fmt;

use ds01_units::Stamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// An event that was read. The type is a text, since old logs hold names of old.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    pub timestamp: Stamp,
    pub event_type: String,
    pub schema_version: String,
    pub user: Option<String>,
    pub source: Option<String>,
    pub details: Map<String, Value>,
}

impl Record {
    /// The record in a line, if it is one.
    pub fn read(line: &[u8]) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let mut take = |name| fields.shift_remove(name);
        let timestamp = take("timestamp").or_else(|| take("ts"))?;
        let timestamp = moment(&timestamp)?;
        let event_type = take("event_type").or_else(|| take("event")).and_then(text)?;
        let schema_version = take("schema_version").and_then(text);
        let user = take("user").and_then(text);
        let source = take("source").and_then(text);
        let mut details = match take("details") {
            Some(Value::Object(details)) => details,
            Some(Value::Null) | None => Map::new(),
            Some(other) => Map::from_iter([("value".to_owned(), other)]),
        };
        // The flat records keep their details beside the rest.
        details.extend(fields);
        let schema_version = schema_version.unwrap_or_else(|| "0".into());
        Some(Self { timestamp, event_type, schema_version, user, source, details })
    }

    /// The container it is about.
    pub fn container(&self) -> Option<&str> {
        ["container", "container_name", "name"]
            .iter()
            .find_map(|key| self.details.get(*key)?.as_str())
    }

    /// Whether it is about the container of this name, with or without its user's suffix,
    /// or of this id, whole or its first twelve digits or more.
    pub(crate) fn is_about(&self, wanted: &str) -> bool {
        let by_name = self.container().is_some_and(|name| {
            name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with("._."))
        });
        let by_id = || {
            wanted.len() >= 12
                && ["container_id", "id"].iter().any(|key| {
                    let id = self.details.get(*key).and_then(Value::as_str);
                    id.is_some_and(|id| id.starts_with(wanted))
                })
        };
        by_name || by_id()
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn moment(value: &Value) -> Option<Stamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => seconds(number.as_f64()?),
        _ => None,
    }
}

/// Flat records may count seconds from 1970.
fn seconds(seconds: f64) -> Option<Stamp> {
    (0.0..1e11).contains(&seconds).then(|| Stamp::from_millis((seconds * 1000.0) as i64))
}

/// What most filters look at, read without building the rest: a tenth of the work.
#[derive(Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow, default)]
    timestamp: Option<Word<'a>>,
    #[serde(borrow, default)]
    ts: Option<Word<'a>>,
    #[serde(borrow, default)]
    event_type: Option<Word<'a>>,
    #[serde(borrow, default)]
    event: Option<Word<'a>>,
    #[serde(borrow, default)]
    user: Option<Word<'a>>,
}

impl<'a> Head<'a> {
    pub fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    pub fn timestamp(&self) -> Option<Stamp> {
        match self.timestamp.as_ref().or(self.ts.as_ref())? {
            Word::Text(text) => text.parse().ok(),
            Word::Number(number) => seconds(number.as_f64()?),
            Word::Other => None,
        }
    }

    pub fn event_type(&self) -> Option<Cow<'_, str>> {
        self.event_type.as_ref().or(self.event.as_ref())?.text()
    }
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.user.as_ref()?.text()
    }
}

/// A text borrowed where JSON allows it, a number, or anything else.
enum Word<'a> {
    Text(Cow<'a, str>),
    Number(Number),
    Other,
}

impl Word<'_> {
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Word<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Word<'de>, E> {
                Ok(Word::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Word<'de>, E> {
                Ok(Word::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Word<'de>, E> {
                Ok(Word::Number(number.into()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Word<'de>, E> {
                Ok(Word::Number(number.into()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Word<'de>, E> {
                Ok(Number::from_f64(number).map_or(Word::Other, Word::Number))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Word<'de>, E> {
                Ok(Word::Other)
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Word<'de>, S::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Word::Other)
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Word<'de>, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word::Other)
            }
        }

        input.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flat_records_of_the_earlier_system_are_read() {
        let line = br#"{"ts":"2026-02-01T12:00:00","event":"container.created","user":"bob","container":"x._.bob","gpu":"0:1"}"#;
        let record = Record::read(line).unwrap();
        assert_eq!(record.timestamp.to_string(), "2026-02-01T12:00:00Z");
        assert_eq!(record.event_type, "container.created");
        assert_eq!(record.user.as_deref(), Some("bob"));
        assert_eq!(record.container(), Some("x._.bob"));
        assert_eq!(record.details["gpu"], "0:1");
        let head = Head::read(line).unwrap();
        assert_eq!(head.timestamp(), Some(record.timestamp));
        assert_eq!(head.event_type().unwrap(), "container.created");
        let counted = br#"{"ts":1769947200.5,"event":"x","user":1001}"#;
        assert_eq!(
            Record::read(counted).unwrap().timestamp.to_string(),
            "2026-02-01T12:00:00.500Z"
        );
        assert_eq!(Head::read(counted).unwrap().user().unwrap(), "1001");
    }

    #[test]
    fn a_container_is_found_by_its_name_its_whole_name_or_its_id() {
        let line = br#"{"timestamp":"2026-02-01T12:00:00Z","event_type":"gpu.hold","details":{"container":"x._.bob","container_id":"0123456789abcdef"}}"#;
        let record = Record::read(line).unwrap();
        for (wanted, is) in [
            ("x", true),
            ("x._.bob", true),
            ("0123456789ab", true),
            ("0123", false),
            ("x._", false),
            ("", false),
        ] {
            assert_eq!(record.is_about(wanted), is, "{wanted}");
        }
    }
}
