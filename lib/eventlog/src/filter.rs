//! Which events are wanted, decided on a line's bytes before most of it is parsed: a log of
//! 100 MB is asked in a fraction of a second.

use ds01_units::Stamp;
use memchr::memmem::Finder;

use crate::record::{Head, Record};

/// What a reader wants; nothing set means everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub user: Option<String>,
    /// Whole types (`gpu.hold`) or families (`gpu`, `gpu.` and `gpu.*` are the same).
    pub types: Vec<String>,
    pub container: Option<String>,
    /// The first moment that is wanted.
    pub since: Option<Stamp>,
    /// The first that no longer is.
    pub until: Option<Stamp>,
}

/// What became of a line.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    Wanted(T),
    Other,
    /// No record: torn, or something else altogether.
    Garbage,
}

/// A filter made ready.
#[derive(Debug)]
pub(crate) struct Sieve<'f> {
    filter: &'f Filter,
    needles: Vec<Finder<'f>>,
}

impl Filter {
    pub(crate) fn sieve(&self) -> Sieve<'_> {
        // Only a needle that JSON writes as it is can be looked for in the bytes.
        let plain = |text: &&String| {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@:".contains(&b))
        };
        let needles = [&self.user, &self.container]
            .into_iter()
            .flatten()
            .filter(plain)
            .map(|text| Finder::new(text.as_bytes()))
            .collect();
        Sieve { filter: self, needles }
    }
}

impl Sieve<'_> {
    /// The record in `line`, if it is wanted.
    pub fn record(&self, line: &[u8]) -> Verdict<Record> {
        if self.cannot_match(line) {
            return Verdict::Other;
        }
        match self.head(line) {
            Verdict::Wanted(_) => {}
            Verdict::Other => return Verdict::Other,
            Verdict::Garbage => return Verdict::Garbage,
        }
        let Some(record) = Record::read(line) else { return Verdict::Garbage };
        match &self.filter.container {
            Some(container) if !record.is_about(container) => Verdict::Other,
            _ => Verdict::Wanted(record),
        }
    }

    /// The head of `line`, if it is wanted: enough to count it.
    pub fn counted<'a>(&self, line: &'a [u8]) -> Verdict<Head<'a>> {
        if self.filter.container.is_none() {
            return self.head(line);
        }
        match self.record(line) {
            Verdict::Wanted(_) => self.head(line),
            Verdict::Other => Verdict::Other,
            Verdict::Garbage => Verdict::Garbage,
        }
    }

    /// The head of `line`, if all but the container is as wanted.
    fn head<'a>(&self, line: &'a [u8]) -> Verdict<Head<'a>> {
        let head = match Head::read(line) {
            Some(head) => head,
            None => return Verdict::Garbage,
        };
        let (Some(event_type), Some(timestamp)) = (head.event_type(), head.timestamp()) else {
            return Verdict::Garbage;
        };
        let filter = self.filter;
        let wanted = filter.user.as_deref().is_none_or(|user| head.user().as_deref() == Some(user))
            && (filter.types.is_empty()
                || filter.types.iter().any(|wanted| is_of(&event_type, wanted)))
            && filter.since.is_none_or(|since| timestamp >= since)
            && filter.until.is_none_or(|until| timestamp < until);
        if wanted { Verdict::Wanted(head) } else { Verdict::Other }
    }

    /// A line that holds a name must hold its letters, unless a backslash spells them
    /// differently.
    fn cannot_match(&self, line: &[u8]) -> bool {
        self.needles.iter().any(|needle| needle.find(line).is_none())
            && memchr::memchr(b'\\', line).is_none()
    }
}

fn is_of(event_type: &str, wanted: &str) -> bool {
    let family = wanted.strip_suffix(".*").or_else(|| wanted.strip_suffix('.')).unwrap_or(wanted);
    match event_type.strip_prefix(family) {
        Some("") => true,
        Some(rest) => rest.starts_with('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_takes_its_members_and_no_others() {
        for (event_type, wanted, is) in [
            ("gpu.hold", "gpu.hold", true),
            ("gpu.hold", "gpu", true),
            ("gpu.hold", "gpu.", true),
            ("gpu.hold", "gpu.*", true),
            ("gpu.hold", "gp", false),
            ("gpu.hold", "gpu.h", false),
            ("gpu.allocation.lock_timeout", "gpu.allocation", true),
            ("gpus.x", "gpu", false),
        ] {
            assert_eq!(is_of(event_type, wanted), is, "{event_type} {wanted}");
        }
    }

    #[test]
    fn a_name_spelt_with_escapes_is_found_all_the_same() {
        let filter = Filter { user: Some("alice".into()), ..Filter::default() };
        let line =
            br#"{"timestamp":"2026-02-01T12:00:00Z","event_type":"x.y","user":"\u0061lice"}"#;
        assert!(matches!(filter.sieve().record(line), Verdict::Wanted(_)));
    }
}
