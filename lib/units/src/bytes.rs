//! Sizes. `g` is 2^30, as Docker and systemd mean it; a parser that reads `64g` as 64e9
//! would give away 4.7 GB.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BadUnit, number_and_unit};

/// A size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const STEPS: [(&str, u32); 6] = [("", 0), ("k", 10), ("m", 20), ("g", 30), ("t", 40), ("p", 50)];

impl FromStr for Bytes {
    type Err = BadUnit;

    fn from_str(text: &str) -> Result<Self, BadUnit> {
        let text = text.trim();
        let not_a_size = || BadUnit("not a size: write 512m, 32g or 1t".into());
        let (number, unit) = number_and_unit(text).ok_or_else(not_a_size)?;
        let mut unit = unit.to_ascii_lowercase();
        // `32g`, `32G`, `32gb` and `32GiB` all mean the same here.
        if let Some(short) = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')) {
            unit = short.to_owned();
        }
        let shift = STEPS.iter().find(|(name, _)| *name == unit).ok_or_else(not_a_size)?.1;
        let scale = 1u64 << shift;
        // Whole numbers keep every digit; only a fraction goes through the float.
        let bytes = match number.parse::<u64>() {
            Ok(count) => count.checked_mul(scale),
            Err(_) => number.parse::<f64>().ok().map(|count| (count * scale as f64).round() as u64),
        };
        // Past 2^63 Docker and the kernel read sizes as negative.
        bytes
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .map(Self)
            .ok_or_else(|| BadUnit("a size beyond 8 exabytes".into()))
    }
}

impl fmt::Display for Bytes {
    /// The shortest exact form that parses back: `32g`, `1536m`, `17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zeros = if self.0 == 0 { 0 } else { self.0.trailing_zeros() };
        let (unit, shift) =
            STEPS.iter().rev().find(|(_, shift)| *shift <= zeros).unwrap_or(&STEPS[0]);
        write!(f, "{}{unit}", self.0 >> shift)
    }
}

impl Bytes {
    /// For people: `1.5 GiB`, `812 MiB`; not exact.
    pub fn words(self) -> String {
        const NAMES: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        let step = (self.0.max(1).ilog2() / 10).min(5) as usize;
        let value = self.0 as f64 / (1u64 << (10 * step)) as f64;
        if step == 0 || value >= 100.0 || value.fract() == 0.0 {
            format!("{value:.0} {}", NAMES[step])
        } else {
            format!("{value:.1} {}", NAMES[step])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<u64> {
        text.parse().ok().map(|Bytes(n)| n)
    }

    #[test]
    fn units_are_binary_and_case_does_not_matter() {
        assert_eq!(read("64g"), Some(64 << 30));
        assert_eq!(read("64GB"), Some(64 << 30));
        assert_eq!(read("64 GiB"), Some(64 << 30));
        assert_eq!(read("1.5g"), Some(3 << 29));
        assert_eq!(read("4096"), Some(4096));
        assert_eq!(read("512m"), Some(512 << 20));
        assert_eq!(read("0"), Some(0));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for bad in [
            "",
            "g",
            "-1g",
            "1e9",
            "inf",
            "NaN",
            "1.g",
            ".5g",
            "1..5g",
            "1x",
            "9p9",
            "99999999p",
            "١g",
            "1 2g",
            "0x10",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_size_survives_being_written(n in 0..i64::MAX as u64) {
            prop_assert_eq!(read(&Bytes(n).to_string()), Some(n));
        }
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Bytes>();
        }
    }
}
