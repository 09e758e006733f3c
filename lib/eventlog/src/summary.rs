//! Counts over a log.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ds01_fault::Fault;
use ds01_units::Stamp;
use serde::Serialize;

use crate::Filter;
use crate::filter::Verdict;
use crate::lines::{Line, Lines};
use crate::read::{Files, fault, open};

/// How often what happened, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    pub events: u64,
    pub skipped: u64,
    /// The first and the last moment among them.
    pub first: Option<Stamp>,
    pub last: Option<Stamp>,
    pub by_type: BTreeMap<String, u64>,
    /// Events that concern nobody in particular are under the empty name.
    pub by_user: BTreeMap<String, u64>,
}

impl Summary {
    pub fn of(files: &Files, filter: &Filter) -> Result<Self, Fault> {
        let mut summary = Self::default();
        for path in &files.plain {
            if let Some(file) = open(path)? {
                summary.add(file, path, filter)?;
            }
        }
        Ok(summary)
    }

    /// Counts what `input` holds.
    pub fn add(&mut self, input: impl Read, path: &Path, filter: &Filter) -> Result<(), Fault> {
        let sieve = filter.sieve();
        let mut lines = Lines::new(input);
        while let Some(line) = lines.next().map_err(|error| fault(path, &error))? {
            self.count(&sieve, line);
        }
        if let Some(line) = lines.rest() {
            self.count(&sieve, line);
        }
        Ok(())
    }

    fn count(&mut self, sieve: &crate::filter::Sieve<'_>, line: Line<'_>) {
        let Line::Whole(line) = line else {
            self.skipped += 1;
            return;
        };
        if line.trim_ascii().is_empty() {
            return;
        }
        match sieve.counted(line) {
            Verdict::Other => {}
            Verdict::Garbage => self.skipped += 1,
            Verdict::Wanted(head) => {
                self.events += 1;
                if let Some(moment) = head.timestamp() {
                    self.first = Some(self.first.map_or(moment, |first| first.min(moment)));
                    self.last = Some(self.last.map_or(moment, |last| last.max(moment)));
                }
                bump(&mut self.by_type, &head.event_type().unwrap_or_default());
                bump(&mut self.by_user, &head.user().unwrap_or_default());
            }
        }
    }
}

fn bump(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
