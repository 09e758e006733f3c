//! What the value of a key may be, read from the text of a scalar.

use std::fmt;

use ds01_units::{Bytes, Span, Stamp};

use crate::keys::Section;

/// The kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Keys of a section.
    Section(Section),
    /// Names, and below each the keys of a section.
    MapOf(Section),
    /// A list of such sections.
    ListOf(Section),
    /// People's names.
    Names,
    Count {
        least: u64,
        most: u64,
    },
    /// A number from 0, with a fraction or not.
    Amount,
    Percent,
    /// A number from 0 to 1.
    Fraction,
    Flag,
    Size {
        least: u64,
    },
    Time,
    /// `9600%`.
    Quota,
    Word,
    Choice(&'static [&'static str]),
    /// One or more of them.
    Choices(&'static [&'static str]),
    /// A word or a list of them.
    Texts,
    /// Any text; nothing is decided by it.
    Note,
    Date,
}

/// A value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `null`: no limit.
    Unlimited,
    Count(u64),
    Number(f64),
    Quota(f64),
    Flag(bool),
    Size(Bytes),
    Time(Span),
    Moment(Stamp),
    Word(String),
}

impl fmt::Display for Value {
    /// As the config writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Quota(percent) => write!(f, "{percent}%"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Size(size) => size.fmt(f),
            Self::Time(span) => span.fmt(f),
            Self::Moment(stamp) => stamp.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

/// Why a text is not a value: what is wrong, and what to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wrong {
    pub what: String,
    pub help: String,
}

fn wrong<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), help: help.into() })
}

/// YAML's words for nothing.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Words by which admins say that there is no limit.
fn is_no_limit(text: &str) -> bool {
    ["none", "never", "unlimited", "indefinite"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The value that `text` is for a key of `kind`. `plain` is whether it stands unquoted;
/// `unit` is what the key's name says of a plain number.
pub(crate) fn read(
    kind: Kind,
    nullable: bool,
    text: &str,
    plain: bool,
    unit: Option<(&str, f64)>,
) -> Result<Value, Wrong> {
    if (plain && is_null(text)) || (nullable && is_no_limit(text)) {
        return if nullable {
            Ok(Value::Unlimited)
        } else if matches!(kind, Kind::Note) {
            Ok(Value::Word(String::new()))
        } else {
            wrong("no value here", "write one, or remove the key to use what holds without it")
        };
    }
    match kind {
        Kind::Count { least, most } => count(text, plain, least, most),
        Kind::Amount => number(text, plain).map(Value::Number),
        Kind::Percent => {
            let (bare, plain) = text.strip_suffix('%').map_or((text, plain), |bare| (bare, true));
            // A CPU threshold may go beyond 100: it counts one CPU as 100.
            number(bare.trim_end(), plain).map(Value::Number)
        }
        Kind::Fraction => match number(text, plain)? {
            share if share <= 1.0 => Ok(Value::Number(share)),
            _ => wrong("beyond 1", "write a share from 0 to 1, such as 0.8"),
        },
        Kind::Flag => flag(text, plain),
        Kind::Size { least } => size(text, least),
        Kind::Time => time(text, plain, unit),
        Kind::Quota => quota(text),
        Kind::Word | Kind::Texts => match text.trim() {
            "" => wrong("no value here", "write a word"),
            word => Ok(Value::Word(word.to_owned())),
        },
        Kind::Choice(words) | Kind::Choices(words) => choice(text, words),
        Kind::Note => Ok(Value::Word(text.to_owned())),
        Kind::Date => date(text),
        Kind::Section(_) | Kind::MapOf(_) | Kind::ListOf(_) | Kind::Names => {
            wrong("a single value where more is wanted", "")
        }
    }
}

/// A decimal number: no sign, no exponent, no infinity. `Err` says what it is instead.
fn number(text: &str, plain: bool) -> Result<f64, Wrong> {
    let text = text.trim();
    if !plain && text.parse::<f64>().is_ok() {
        return wrong("a number in quotes", format!("write {text} without them"));
    }
    if text.strip_prefix('-').is_some_and(|rest| rest.parse::<f64>().is_ok()) {
        return wrong("a number below 0", "for no limit write null");
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(number) if digits && number <= 1e15 => Ok(number),
        Ok(_) => wrong("not a plain number", "write digits, such as 2 or 0.5"),
        Err(_) => wrong("not a number", "write digits, such as 2 or 0.5"),
    }
}

fn count(text: &str, plain: bool, least: u64, most: u64) -> Result<Value, Wrong> {
    let number = number(text, plain)?;
    if number.fract() != 0.0 {
        return wrong("not a whole number", "write digits only");
    }
    // Below 1e15 every whole float is exact.
    let count = number as u64;
    if count < least || count > most {
        let range = format!("{least} to {most}");
        return wrong(format!("not in the range of {range}"), format!("write {range}"));
    }
    Ok(Value::Count(count))
}

fn flag(text: &str, plain: bool) -> Result<Value, Wrong> {
    // YAML 1.1, which the earlier system read, took these six words.
    let flag = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => true,
        "false" | "no" | "off" => false,
        _ => return wrong("neither true nor false", "write true or false"),
    };
    if plain {
        Ok(Value::Flag(flag))
    } else {
        wrong("text in quotes", format!("write {flag} without them"))
    }
}

fn size(text: &str, least: u64) -> Result<Value, Wrong> {
    match text.parse::<Bytes>() {
        Ok(size) if size.0 >= least => Ok(Value::Size(size)),
        Ok(size) => wrong(
            format!("{} is less than the least possible {}", size.words(), Bytes(least).words()),
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("is a unit missing? write {text}g")
            } else {
                format!("write {} or more", Bytes(least))
            },
        ),
        Err(bad) => wrong(split(&bad.0).0, split(&bad.0).1),
    }
}

fn time(text: &str, plain: bool, unit: Option<(&str, f64)>) -> Result<Value, Wrong> {
    if let Some((suffix, seconds)) = unit {
        let Ok(number) = number(text, plain) else {
            return wrong(
                format!("not a number, which a key that ends in `{suffix}` wants"),
                "write a number, or a duration such as 48h under the key without the ending",
            );
        };
        return match Span::from_hours(number * seconds / 3600.0) {
            Ok(span) => Ok(Value::Time(span)),
            Err(bad) => wrong(bad.0, "write a shorter time"),
        };
    }
    match text.parse::<Span>() {
        Ok(span) => Ok(Value::Time(span)),
        Err(_) if text.parse::<f64>().is_ok() => {
            wrong("a duration without a unit", format!("write {text}h, {text}m or {text}s"))
        }
        Err(bad) => wrong(split(&bad.0).0, split(&bad.0).1),
    }
}

fn quota(text: &str) -> Result<Value, Wrong> {
    let help = "write 100% for each CPU, such as 9600% for 96";
    let Some(bare) = text.strip_suffix('%') else {
        return wrong("a quota without %", help);
    };
    match number(bare.trim_end(), true) {
        Ok(percent) if percent > 0.0 => Ok(Value::Quota(percent)),
        _ => wrong("not a quota", help),
    }
}

fn choice(text: &str, words: &[&str]) -> Result<Value, Wrong> {
    if words.contains(&text) {
        return Ok(Value::Word(text.to_owned()));
    }
    let help = match crate::keys::nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write {}", words.join(" or ")),
    };
    wrong("not one of the words this takes", help)
}

/// A day counts whole: an exemption until Friday holds on Friday.
fn date(text: &str) -> Result<Value, Wrong> {
    let day_alone = text.trim().len() == "2026-11-21".len();
    match text.parse::<Stamp>() {
        Ok(stamp) if day_alone => Ok(Value::Moment(stamp.plus(Span::hours(24)))),
        Ok(stamp) => Ok(Value::Moment(stamp)),
        Err(bad) => wrong(split(&bad.0).0, split(&bad.0).1),
    }
}

/// The two halves of a message of `ds01-units`: what is wrong, and what to write.
fn split(message: &str) -> (&str, &str) {
    message.split_once(": ").unwrap_or((message, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, text: &str) -> Result<String, String> {
        read(kind, true, text, true, None).map(|value| value.to_string()).map_err(|bad| bad.what)
    }

    #[test]
    fn nothing_and_the_words_for_it_mean_no_limit() {
        for text in ["null", "~", "", "never", "unlimited", "None"] {
            assert_eq!(of(Kind::Time, text).unwrap(), "unlimited", "{text}");
        }
        assert!(read(Kind::Flag, false, "null", true, None).is_err());
        assert!(read(Kind::Time, true, "", false, None).is_err());
    }

    #[test]
    fn numbers_are_plain_decimals() {
        assert_eq!(of(Kind::Amount, "2.286").unwrap(), "2.286");
        assert_eq!(of(Kind::Amount, "-1").unwrap_err(), "a number below 0");
        for bad in ["1e3", "inf", "nan", "0x10", "+1", "1_000", "two", "1.2.3"] {
            assert!(of(Kind::Amount, bad).is_err(), "{bad}");
        }
        assert!(read(Kind::Amount, true, "8", false, None).unwrap_err().what.contains("quotes"));
    }

    #[test]
    fn a_unit_is_wanted_where_there_are_several() {
        assert_eq!(of(Kind::Time, "48").unwrap_err(), "a duration without a unit");
        assert_eq!(of(Kind::Time, "0").unwrap(), "0s");
        assert!(of(Kind::Size { least: 6 << 20 }, "32").unwrap_err().starts_with("32 B is less"));
        assert_eq!(of(Kind::Quota, "9600").unwrap_err(), "a quota without %");
        assert_eq!(of(Kind::Quota, "9600%").unwrap(), "9600%");
    }

    #[test]
    fn a_key_that_names_its_unit_takes_a_number() {
        let hours = |text| read(Kind::Time, true, text, true, Some(("_h", 3600.0)));
        assert_eq!(hours("0.5").unwrap().to_string(), "30m");
        assert_eq!(hours("null").unwrap(), Value::Unlimited);
        assert!(hours("48h").unwrap_err().what.contains("`_h`"));
    }

    #[test]
    fn a_day_counts_whole() {
        assert_eq!(of(Kind::Date, "2026-11-21").unwrap(), "2026-11-22T00:00:00Z");
        assert_eq!(of(Kind::Date, "2026-11-21T10:00:00").unwrap(), "2026-11-21T10:00:00Z");
    }
}
