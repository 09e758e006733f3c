//! The quantities ds01 speaks of, each with one parser and one way to be written:
//! [`Bytes`], [`Span`] (a duration), [`Stamp`] (a moment), [`Limit`] (a quantity or none).
//!
//! In JSON a size is a number of bytes, a span a number of seconds, a moment UTC with `Z`,
//! and no limit is `null`; words are for people.

mod bytes;
mod limit;
mod span;
mod stamp;

pub use bytes::Bytes;
pub use limit::Limit;
pub use span::Span;
pub use stamp::Stamp;

/// Why a text is not a quantity: one sentence fragment that fits after "`TEXT`: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUnit(pub String);

impl std::fmt::Display for BadUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadUnit {}

/// Splits `48h` or `1.5 GiB` into number and unit. The number is plain decimal: no sign,
/// no exponent, no infinity, so nothing a float parser takes for a number slips in.
fn number_and_unit(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let plain = !whole.is_empty() && !fraction.is_empty() && !fraction.contains('.');
    plain.then(|| (number, unit.trim_start()))
}
