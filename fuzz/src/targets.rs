//! What is fed, and what must hold for whatever it is fed. A new reader of people's text is
//! a line in `TARGETS` and a directory in the corpus.

use std::fmt::Display;
use std::str::FromStr;

use ds01_config::Config;
use ds01_units::{Bytes, Span, Stamp};

/// A reader.
#[derive(Debug)]
pub struct Target {
    /// Also the name of its directory in the corpus.
    pub name: &'static str,
    /// Whether it took the input as right; `Err` says which promise it broke.
    pub read: fn(&[u8]) -> Result<bool, String>,
    /// Words that reach further than bytes.
    pub words: fn() -> Vec<String>,
}

pub const TARGETS: [Target; 4] = [
    Target { name: "config", read: config, words: keys },
    Target { name: "span", read: written::<Span>, words: || units("w d h m s ms 1h30m") },
    Target { name: "bytes", read: written::<Bytes>, words: || units("k m g t p b ib gib GiB") },
    Target { name: "stamp", read: written::<Stamp>, words: || units("T Z +00:00 -14:00 2026-") },
];

fn units(list: &str) -> Vec<String> {
    list.split(' ').map(str::to_owned).collect()
}

/// Every key there is, by the schema, and what YAML is dangerous by.
fn keys() -> Vec<String> {
    let schema = ds01_config::schema();
    let sections = schema["$defs"].as_object().into_iter().flat_map(|all| all.values());
    let keys = sections.filter_map(|section| section["properties"].as_object());
    let mut words: Vec<_> =
        keys.flat_map(|keys| keys.keys()).map(|key| format!("{key}: ")).collect();
    words.sort();
    words.dedup();
    for word in
        ["<<: *a\n", "&a ", "*a", "? ", "!!str ", "null", "~", "\n  ", "---\n", "|\n", "9600%"]
    {
        words.push(word.to_owned());
    }
    words
}

/// A config is refused with a message, or grants limits that are sound.
fn config(input: &[u8]) -> Result<bool, String> {
    let now = Stamp::from_secs(1_780_000_000);
    let report = Config::check_text(input, now);
    for one in &report.diagnostics {
        if one.message.is_empty() || one.render().is_empty() {
            return Err("a diagnostic without words".into());
        }
    }
    let Some(config) = &report.config else {
        return match report.errors() {
            0 => Err("no config and no error".into()),
            _ => Ok(false),
        };
    };
    if report.errors() > 0 {
        return Err("limits in spite of an error".into());
    }
    for user in config.users().into_iter().take(20).chain(["somebody else"]) {
        let limits = config.resolve(user, now);
        if limits.ipc_host && limits.shm_size.is_some() {
            return Err(format!("{user} has both the host's IPC and a shm_size"));
        }
        if !(1..=100).contains(&limits.priority) || config.group(&limits.group).is_none() {
            return Err(format!("{user} has priority {}, group {}", limits.priority, limits.group));
        }
        for one in config.explain_all(user, now) {
            if one.source.line > 0 && one.source.file.is_empty() {
                return Err(format!("{} has a line and no file", one.field));
            }
        }
    }
    Ok(true)
}

/// What is taken is written so that it is read as the same again.
fn written<T: FromStr + Display + PartialEq>(input: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(input);
    let Ok(value) = text.parse::<T>() else { return Ok(false) };
    let again = value.to_string();
    match again.parse::<T>() {
        Ok(same) if same == value => Ok(true),
        _ => Err(format!("{text:?} is written as {again:?}, which is read otherwise")),
    }
}
