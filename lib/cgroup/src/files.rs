//! The kernel's small files, read leniently: what is missing or unreadable is not known.

use std::fs;
use std::path::Path;

use ds01_units::Limit;

use crate::Pressure;

pub(crate) fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

pub(crate) fn number(path: &Path) -> Option<u64> {
    text(path)?.trim().parse().ok()
}

/// A number or `max`.
pub(crate) fn limit(path: &Path) -> Option<Limit<u64>> {
    match text(path)?.trim() {
        "max" => Some(Limit::None),
        number => number.parse().ok().map(Limit::Max),
    }
}

/// The number behind `key` in a file of lines `key number`.
pub(crate) fn keyed(path: &Path, key: &str) -> Option<u64> {
    text(path)?.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == key).then(|| value.trim().parse().ok())?
    })
}

/// A quota in percent of one CPU.
pub(crate) fn percent(quota: f64, period: f64) -> Option<f64> {
    (period > 0.0).then(|| quota / period * 100.0)
}

pub(crate) fn pressure(cgroup: &Path) -> Pressure {
    let of = |file: &str| some(&text(&cgroup.join(file))?);
    Pressure { cpu: of("cpu.pressure"), memory: of("memory.pressure"), io: of("io.pressure") }
}

/// `some avg10=1.23 avg60=… avg300=… total=…`
fn some(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split(' ').find_map(|word| word.strip_prefix("avg10="))?.parse().ok()
}

/// The names of the directories in `path`.
pub(crate) fn directories(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
