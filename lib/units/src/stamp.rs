//! Moments: UTC with `Z` when written; a time without a zone is read as UTC, never as local
//! time (pitfall 20: an hour's difference decided who lost a GPU).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{BadUnit, Span};

/// A moment, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    millis: i64,
}

impl Stamp {
    pub fn now() -> Self {
        Self { millis: Utc::now().timestamp_millis() }
    }
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis }
    }
    pub const fn from_secs(secs: i64) -> Self {
        Self { millis: secs.saturating_mul(1000) }
    }
    pub const fn millis(self) -> i64 {
        self.millis
    }
    pub const fn secs(self) -> i64 {
        self.millis.div_euclid(1000)
    }
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self { millis: self.millis.saturating_add_unsigned(span.millis()) }
    }
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self { millis: self.millis.saturating_sub_unsigned(span.millis()) }
    }
    /// How long after `earlier`; zero when the clock went backwards in between.
    pub fn since(self, earlier: Self) -> Span {
        Span::from_millis(u64::try_from(self.millis.saturating_sub(earlier.millis)).unwrap_or(0))
    }
    /// A moment as people give one: a time, or how long before `now` (`2h`, `7d`).
    pub fn at_or_ago(text: &str, now: Self) -> Result<Self, BadUnit> {
        if let Ok(span) = text.parse::<Span>() {
            return Ok(now.minus(span));
        }
        text.parse().map_err(|_| {
            BadUnit("not a time: write 2026-11-21T10:30:00Z, or 2h for two hours ago".into())
        })
    }
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl From<DateTime<Utc>> for Stamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self { millis: time.timestamp_millis() }
    }
}

impl FromStr for Stamp {
    type Err = BadUnit;

    /// `2026-11-21T10:30:00Z`, any offset, no offset (UTC), a blank for the `T`, no seconds,
    /// or the date alone (its first moment).
    fn from_str(text: &str) -> Result<Self, BadUnit> {
        let text = text.trim();
        let zoned = || Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
        let naive = || {
            ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
                .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
        };
        // RFC 3339 wants seconds; people leave them out, with a zone as without.
        let short = || {
            let text = text
                .strip_suffix('Z')
                .map_or_else(|| text.to_owned(), |bare| format!("{bare}+00:00"));
            ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%d %H:%M%:z"]
                .iter()
                .find_map(|form| DateTime::parse_from_str(&text, form).ok())
                .map(|time| time.to_utc())
        };
        zoned()
            .or_else(short)
            .or_else(|| Some(naive()?.and_utc()))
            // Other years have a sign or more digits when written, and then nobody reads them.
            .filter(|time| (1..=9999).contains(&time.year()))
            .map(Into::into)
            .ok_or_else(|| BadUnit("not a time: write 2026-11-21T10:30:00Z".into()))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form =
            if self.millis % 1000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.utc().to_rfc3339_opts(form, true))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_without_a_zone_is_utc() {
        let z: Stamp = "2026-11-21T10:30:00Z".parse().unwrap();
        for same in [
            "2026-11-21T10:30:00",
            "2026-11-21 10:30",
            "2026-11-21T11:30:00+01:00",
            "2026-11-21T11:30+01:00",
            "2026-11-21 10:30Z",
            "2026-11-21T10:30:00.000Z",
        ] {
            assert_eq!(same.parse::<Stamp>().unwrap(), z, "{same}");
        }
        assert_eq!(z.to_string(), "2026-11-21T10:30:00Z");
        assert_eq!("2026-11-21".parse::<Stamp>().unwrap().to_string(), "2026-11-21T00:00:00Z");
    }

    #[test]
    fn a_duration_is_that_long_ago() {
        let now = Stamp::from_secs(10_000);
        assert_eq!(Stamp::at_or_ago("1h", now).unwrap(), Stamp::from_secs(6400));
        assert_eq!(Stamp::at_or_ago("1970-01-01", now).unwrap(), Stamp::from_secs(0));
        assert!(Stamp::at_or_ago("soon", now).is_err());
    }

    #[test]
    fn years_that_cannot_be_written_are_not_read() {
        for bad in ["-2026-1-21", "12026-01-21", "9999-12-31T23:59:59-01:00"] {
            assert!(bad.parse::<Stamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_clock_that_went_back_counts_as_no_time() {
        let (a, b) = (Stamp::from_secs(100), Stamp::from_secs(40));
        assert_eq!(b.since(a), Span::ZERO);
        assert_eq!(a.since(b), Span::from_secs(60));
    }

    proptest! {
        #[test]
        fn every_moment_survives_being_written(millis in 0..4_102_444_800_000i64) {
            let stamp = Stamp::from_millis(millis);
            prop_assert_eq!(stamp.to_string().parse::<Stamp>().unwrap(), stamp);
        }
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Stamp>();
        }
    }
}
