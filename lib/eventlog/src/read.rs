//! Reading: the log and what rotation left of it, all or its end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ds01_fault::{Code, Fault};
use ds01_site::Site;

use crate::filter::{Sieve, Verdict};
use crate::lines::{Line, Lines};
use crate::{Filter, Record};

/// How much of a file's end is looked at first when only its last events are wanted.
const FIRST_WINDOW: u64 = 1 << 18;

/// Takes each record that is wanted.
pub type Each<'a> = &'a mut dyn FnMut(Record) -> Result<(), Fault>;

/// What was read beside the events handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that were wanted.
    pub events: u64,
    /// Lines that are no record: torn by a kill or a full disk, or something else.
    pub skipped: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.skipped += other.skipped;
    }
}

/// The log's files, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub plain: Vec<PathBuf>,
    /// Older ones that rotation compressed: `zcat` reads them.
    pub compressed: Vec<PathBuf>,
}

impl Files {
    /// `events.jsonl` and, before it, `events.jsonl.1` or `events.jsonl-20261128`.
    pub fn of(site: &Site) -> Self {
        let current = site.events();
        let Some(name) = current.file_name().and_then(|name| name.to_str()) else {
            return Self::default();
        };
        let (mut plain, mut compressed) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(site.log()).into_iter().flatten().flatten() {
            let file = entry.file_name();
            let older = file.to_str().and_then(|file| file.strip_prefix(name));
            match older.and_then(|rest| rest.strip_prefix(['.', '-'])) {
                Some(rest) if rest.bytes().all(|b| b.is_ascii_digit()) => {
                    let written = entry.metadata().and_then(|meta| meta.modified()).ok();
                    plain.push((written, entry.path()));
                }
                Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                    compressed.push(entry.path());
                }
                _ => {}
            }
        }
        plain.sort();
        compressed.sort();
        let plain = plain.into_iter().map(|(_, path)| path).chain([current]).collect();
        Self { plain, compressed }
    }

    /// Every record that is wanted, the oldest first.
    pub fn each(&self, filter: &Filter, each: Each<'_>) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        for path in &self.plain {
            if let Some(file) = open(path)? {
                tally.add(read(file, path, filter, each)?);
            }
        }
        Ok(tally)
    }

    /// The last `count` records that are wanted, the oldest of them first.
    pub fn last(&self, count: usize, filter: &Filter) -> Result<(Vec<Record>, Tally), Fault> {
        let (mut records, mut tally) = (Vec::new(), Tally::default());
        for path in self.plain.iter().rev() {
            if records.len() >= count {
                break;
            }
            let Some(mut file) = open(path)? else { continue };
            let mut end = End::of(&mut file, path, filter, count - records.len())?;
            end.take_rest(filter, count - records.len());
            end.records.append(&mut records);
            records = end.records;
            tally.add(end.tally);
        }
        tally.events = records.len() as u64;
        Ok((records, tally))
    }
}

/// Every record of `input` that is wanted; `path` is for the fault.
pub fn read(
    input: impl Read,
    path: &Path,
    filter: &Filter,
    each: Each<'_>,
) -> Result<Tally, Fault> {
    let sieve = filter.sieve();
    let (mut tally, mut lines) = (Tally::default(), Lines::new(input));
    while let Some(line) = lines.next().map_err(|error| fault(path, &error))? {
        take(&sieve, line, &mut tally, each)?;
    }
    if let Some(line) = lines.rest() {
        take(&sieve, line, &mut tally, each)?;
    }
    Ok(tally)
}

pub(crate) fn take(
    sieve: &Sieve<'_>,
    line: Line<'_>,
    tally: &mut Tally,
    each: Each<'_>,
) -> Result<(), Fault> {
    match line {
        // What a writer puts before its line, when the one before has no end.
        Line::Whole(line) if line.trim_ascii().is_empty() => Ok(()),
        Line::TooLong => {
            tally.skipped += 1;
            Ok(())
        }
        Line::Whole(line) => match sieve.record(line) {
            Verdict::Wanted(record) => {
                tally.events += 1;
                each(record)
            }
            Verdict::Garbage => {
                tally.skipped += 1;
                Ok(())
            }
            Verdict::Other => Ok(()),
        },
    }
}

/// The end of a file.
pub(crate) struct End {
    pub records: Vec<Record>,
    pub tally: Tally,
    /// Where its last whole line ends.
    pub at: u64,
    /// What stands behind that: torn, or still being written.
    rest: Vec<u8>,
}

impl End {
    /// The last `count` records of `file` that are wanted, found from its end: the window
    /// grows until it holds enough, so the last ten cost the same in a file of any size.
    pub fn of(file: &mut File, path: &Path, filter: &Filter, count: usize) -> Result<Self, Fault> {
        let size = file.metadata().map_err(|error| fault(path, &error))?.len();
        let mut window = FIRST_WINDOW;
        loop {
            let start = size.saturating_sub(window);
            let end = Self::within(file, start, size, filter, count)
                .map_err(|error| fault(path, &error))?;
            if end.records.len() >= count || start == 0 {
                return Ok(end);
            }
            window = window.saturating_mul(8);
        }
    }

    fn within(
        file: &mut File,
        start: u64,
        size: u64,
        filter: &Filter,
        count: usize,
    ) -> std::io::Result<Self> {
        // One byte earlier, so that a line that begins at `start` is not taken for the
        // second half of another.
        let from = start.saturating_sub(1);
        file.seek(SeekFrom::Start(from))?;
        let sieve = filter.sieve();
        let mut lines = Lines::new(file.take(size - from));
        let mut records = std::collections::VecDeque::new();
        let mut tally = Tally::default();
        if start > 0 {
            lines.next()?;
        }
        while let Some(line) = lines.next()? {
            let kept = take(&sieve, line, &mut tally, &mut |record| {
                records.push_back(record);
                if records.len() > count {
                    records.pop_front();
                }
                Ok(())
            });
            debug_assert!(kept.is_ok(), "keeping a record cannot fail");
        }
        let rest = match lines.rest() {
            Some(Line::Whole(rest)) => rest.to_vec(),
            _ => Vec::new(),
        };
        Ok(Self { records: records.into(), tally, at: size - rest.len() as u64, rest })
    }

    /// Takes a last line without an end for a record, if it is one.
    fn take_rest(&mut self, filter: &Filter, count: usize) {
        let line = Line::Whole(&self.rest);
        let records = &mut self.records;
        let _ = take(&filter.sieve(), line, &mut self.tally, &mut |record| {
            records.push(record);
            if records.len() > count {
                records.remove(0);
            }
            Ok(())
        });
    }
}

/// The file, or nothing where none was written yet.
pub(crate) fn open(path: &Path) -> Result<Option<File>, Fault> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(path, &error)),
    }
}

pub(crate) fn fault(path: &Path, error: &std::io::Error) -> Fault {
    let what = format!("cannot read the event log {}", path.display());
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return Fault::not_permitted(what)
            .why("it holds what every user did, so it is for root and the admins' group")
            .todo(
                "`ds01-events` alone shows your own, through the Docker door; an admin sees all",
            );
    }
    Fault::new(Code::Unreadable, what)
        .why(error.to_string())
        .todo(format!("see what stands there: `ls -ld {}`", path.display()))
}
