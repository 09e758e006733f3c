//! Durations: `30s 15m 48h 7d 1w`, and sums of them (`1h30m`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{BadUnit, number_and_unit};

/// A duration, exact to the millisecond; never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    millis: u64,
}

const UNITS: [(&str, u64); 5] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
/// A thousand years: whatever is longer is a slip of the keyboard, and would overflow dates.
const LONGEST: f64 = 31_536_000_000_000.0;

impl Span {
    pub const ZERO: Self = Self { millis: 0 };

    pub const fn from_secs(secs: u64) -> Self {
        Self { millis: secs.saturating_mul(1000) }
    }
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }
    pub const fn minutes(minutes: u64) -> Self {
        Self::from_secs(minutes * 60)
    }
    pub const fn hours(hours: u64) -> Self {
        Self::from_secs(hours * 3600)
    }
    pub const fn millis(self) -> u64 {
        self.millis
    }
    pub const fn secs(self) -> u64 {
        self.millis / 1000
    }
    pub fn secs_f64(self) -> f64 {
        self.millis as f64 / 1000.0
    }

    /// A number of hours, as the keys that end in `_h` hold it.
    pub fn from_hours(hours: f64) -> Result<Self, BadUnit> {
        let millis = hours * 3_600_000.0;
        if !(0.0..=LONGEST).contains(&millis) {
            return Err(BadUnit("not a number of hours from 0 to a thousand years".into()));
        }
        Ok(Self { millis: millis.round() as u64 })
    }

    /// For people: the two largest units, `3 h`, `2 d 4 h`, `45 s`.
    pub fn words(self) -> String {
        let mut left = self.secs();
        let mut parts = Vec::new();
        for (name, size) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] {
            let count = left / size;
            left %= size;
            if count > 0 {
                parts.push(format!("{count} {name}"));
            }
            if parts.len() == 2 || (!parts.is_empty() && count == 0) {
                break;
            }
        }
        if parts.is_empty() { "0 s".into() } else { parts.join(" ") }
    }
}

impl From<Span> for std::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.millis)
    }
}

impl FromStr for Span {
    type Err = BadUnit;

    fn from_str(text: &str) -> Result<Self, BadUnit> {
        let not_a_span = || BadUnit("not a duration: write 30s, 15m, 48h, 7d or 1w".into());
        let mut rest = text.trim();
        let mut total = 0.0;
        let mut above = u64::MAX;
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        while !rest.is_empty() {
            let (number, after) = number_and_unit(rest).ok_or_else(not_a_span)?;
            let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let unit = &after[..end];
            let size = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(not_a_span)?.1;
            // `30m1h` and `1h1h` are more likely slips than sums.
            if size >= above {
                return Err(not_a_span());
            }
            above = size;
            total += number.parse::<f64>().map_err(|_| not_a_span())? * size as f64;
            rest = after[end..].trim_start();
        }
        if above == u64::MAX {
            return Err(not_a_span());
        }
        if total > LONGEST {
            return Err(BadUnit("a duration beyond a thousand years".into()));
        }
        Ok(Self { millis: total.round() as u64 })
    }
}

impl fmt::Display for Span {
    /// The shortest exact form that parses back: `48h`, `90m`, `0s`; whole weeks and days
    /// only when the admin would write them so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis % 1000 != 0 {
            return write!(f, "{}.{:03}s", self.secs(), self.millis % 1000);
        }
        // Admins write 48h and 168h, never 2d and 1w: hours are the largest unit written.
        let (unit, size) = UNITS[2..]
            .iter()
            .find(|(_, size)| self.millis >= *size && self.millis % size == 0)
            .unwrap_or(&UNITS[4]);
        write!(f, "{}{unit}", self.millis / size)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.millis % 1000 == 0 {
            out.serialize_u64(self.secs())
        } else {
            out.serialize_f64(self.secs_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let secs = f64::deserialize(input)?;
        Self::from_hours(secs / 3600.0).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<u64> {
        text.parse::<Span>().ok().map(Span::millis)
    }

    #[test]
    fn the_five_units_and_their_sums_are_read() {
        assert_eq!(read("30s"), Some(30_000));
        assert_eq!(read("15m"), Some(900_000));
        assert_eq!(read("48h"), Some(172_800_000));
        assert_eq!(read("7d"), Some(604_800_000));
        assert_eq!(read("1w"), Some(604_800_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("1h 30m"), Some(5_400_000));
        assert_eq!(read("0.5h"), Some(1_800_000));
        assert_eq!(read("0"), Some(0));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for bad in [
            "",
            "h",
            "48",
            "48 ",
            "-1h",
            "1M",
            "1y",
            "30m1h",
            "1h1h",
            "1e3h",
            "infh",
            "99999999w",
            "1h,",
            "٣h",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn people_read_two_units_at_most() {
        for (secs, words) in [
            (0, "0 s"),
            (45, "45 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (3661, "1 h 1 min"),
            (90_061, "1 d 1 h"),
            (86_460, "1 d"),
            (172_800, "2 d"),
        ] {
            assert_eq!(Span::from_secs(secs).words(), words);
        }
    }

    proptest! {
        #[test]
        fn every_duration_survives_being_written(millis in 0..31_536_000_000u64) {
            prop_assert_eq!(read(&Span::from_millis(millis).to_string()), Some(millis));
        }
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Span>();
        }
    }
}
