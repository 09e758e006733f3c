//! The two files of the ledger as bytes: what they look like and how they are read. Pure.
//!
//! ```text
//! journal    ds01-gpu-journal 1
//!            <crc32> {"born":…,"generation":3,"base":120}
//!            <crc32> 121 2026-11-21T10:30:00Z {"leased":{…}}
//! snapshot   ds01-gpu-snapshot 1
//!            <crc32> {"born":…,"generation":2,"state":{…}}
//! ```
//! A snapshot holds all of its generation and of those before it; the journal that follows
//! it is either still of that generation (then what it repeats is skipped) or of the next.

use ds01_units::Stamp;
use serde::{Deserialize, Serialize};

use crate::record::{Line, Record, seal, unseal};
use crate::state::State;

pub const JOURNAL: &str = "journal";
pub const SNAPSHOT: &str = "snapshot";
const JOURNAL_MAGIC: &str = "ds01-gpu-journal";
const SNAPSHOT_MAGIC: &str = "ds01-gpu-snapshot";
/// The only format there is so far; the earlier system's file is version 0, see `migrate`.
const VERSION: u32 = 1;

/// Which ledger a file belongs to, and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// When the ledger was begun: files of two ledgers are never mixed.
    pub born: Stamp,
    pub generation: u64,
    /// The last decision before the first record.
    pub base: u64,
}

#[derive(Serialize)]
struct SnapshotOut<'a> {
    born: Stamp,
    generation: u64,
    state: &'a State,
}

#[derive(Debug, Deserialize)]
pub struct Snapshot {
    pub born: Stamp,
    pub generation: u64,
    pub state: State,
}

/// Why a ledger's files cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("{file} was written by a newer ds01 (format {version}, this one knows {VERSION})")]
    Newer { file: &'static str, version: u32 },
    #[error("{file} is damaged at byte {offset}: {why}")]
    Damaged { file: &'static str, offset: u64, why: String },
    #[error("{0}")]
    Unpaired(String),
    #[error("cannot read {file}: {why}")]
    Io { file: &'static str, why: String },
}

/// A journal as read.
#[derive(Debug)]
pub struct Journal {
    pub header: Header,
    /// The records before the first damage.
    pub records: Vec<Record>,
    /// Where the next record goes: behind the last whole one.
    pub length: u64,
    /// Bytes of a last record that was never finished, hence never acknowledged.
    pub torn: u64,
    /// The first damage that no crash explains.
    pub damage: Option<Trouble>,
    /// Whole records behind that damage.
    pub beyond: Vec<Record>,
}

pub fn journal_start(header: Header) -> Result<Vec<u8>, serde_json::Error> {
    let sealed = seal(&serde_json::to_string(&header)?);
    Ok(format!("{JOURNAL_MAGIC} {VERSION}\n{sealed}").into_bytes())
}

pub fn snapshot_bytes(header: Header, state: &State) -> Result<Vec<u8>, serde_json::Error> {
    let out = SnapshotOut { born: header.born, generation: header.generation, state };
    let sealed = seal(&serde_json::to_string(&out)?);
    Ok(format!("{SNAPSHOT_MAGIC} {VERSION}\n{sealed}").into_bytes())
}

pub fn read_snapshot(bytes: &[u8]) -> Result<Snapshot, Trouble> {
    let (text, _) = first_lines(bytes, SNAPSHOT, SNAPSHOT_MAGIC)?;
    serde_json::from_str(text).map_err(|error| damaged(SNAPSHOT, 0, error))
}

pub fn read_journal(bytes: &[u8]) -> Result<Journal, Trouble> {
    let (text, start) = first_lines(bytes, JOURNAL, JOURNAL_MAGIC)?;
    let header: Header = serde_json::from_str(text).map_err(|error| damaged(JOURNAL, 0, error))?;
    let mut journal = Journal {
        header,
        records: Vec::new(),
        length: start as u64,
        torn: 0,
        damage: None,
        beyond: Vec::new(),
    };
    let mut rest = &bytes[start..];
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        if let Some(pair) = after.is_empty().then(|| joined(line)).flatten() {
            journal.grown_together(pair);
        } else if end.is_none() {
            journal.unfinished(line.len());
        } else {
            journal.take(Record::from_line(line), line.len() as u64 + 1, after.is_empty());
        }
        rest = after;
    }
    Ok(journal)
}

/// Two whole records in one line: the line end between them is damaged. A crash cannot do
/// that, since a record is begun only when the one before it is on the disk with its end.
/// Taken for one unfinished record, the line would be cut, and a decision that was
/// acknowledged with it.
fn joined(line: &[u8]) -> Option<[Record; 2]> {
    let whole = |part: &[u8]| match Record::from_line(part) {
        Line::Record(record) => Some(*record),
        Line::Damaged | Line::Unknown(_) => None,
    };
    let ends = (1..line.len()).filter(|at| line[at - 1] == b'}');
    ends.filter_map(|at| Some([whole(&line[..at])?, whole(&line[at + 1..])?])).next()
}

impl Journal {
    /// Counts the bytes of a last record that is not whole.
    fn unfinished(&mut self, bytes: usize) {
        // Behind damage the rest is part of it; nothing is cut from a damaged journal.
        if self.damage.is_none() {
            self.torn = bytes as u64;
        }
    }

    /// Records whose line end is damaged: both are kept, behind the damage.
    fn grown_together(&mut self, records: [Record; 2]) {
        if self.damage.is_none() {
            let why = format!("the end of decision {} is damaged", records[0].seq);
            self.damage = Some(damaged(JOURNAL, self.length, why));
        }
        self.beyond.extend(records);
    }

    fn take(&mut self, line: Line, bytes: u64, is_last: bool) {
        let next = self.header.base + self.records.len() as u64 + 1;
        match line {
            Line::Record(record) if self.damage.is_some() => self.beyond.push(*record),
            Line::Record(record) if record.seq == next => {
                self.records.push(*record);
                self.length += bytes;
            }
            Line::Record(record) => {
                let why = format!("decision {} stands where {next} belongs", record.seq);
                self.damage = Some(damaged(JOURNAL, self.length, why));
                self.beyond.push(*record);
            }
            // Only one record is ever on its way to the disk, so only the last can be torn.
            Line::Damaged if is_last => self.unfinished(bytes as usize),
            Line::Damaged if self.damage.is_none() => {
                self.damage = Some(damaged(JOURNAL, self.length, "the checksum is wrong"));
            }
            Line::Unknown(why) if self.damage.is_none() => {
                let why = format!("a decision this ds01 does not know ({why})");
                self.damage = Some(damaged(JOURNAL, self.length, why));
            }
            Line::Damaged | Line::Unknown(_) => {}
        }
    }
}

/// The sealed text below the magic line, and where what follows it begins.
fn first_lines<'a>(
    bytes: &'a [u8],
    file: &'static str,
    magic: &str,
) -> Result<(&'a str, usize), Trouble> {
    let line_end =
        |from: usize| bytes[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at);
    let first = line_end(0).ok_or_else(|| damaged(file, 0, "it has no first line"))?;
    let version = std::str::from_utf8(&bytes[..first])
        .ok()
        .and_then(|line| line.strip_prefix(magic)?.trim().parse::<u32>().ok())
        .ok_or_else(|| damaged(file, 0, format!("its first line is not `{magic} VERSION`")))?;
    if version > VERSION {
        return Err(Trouble::Newer { file, version });
    }
    let from = first + 1;
    let end = line_end(from).ok_or_else(|| damaged(file, from as u64, "it ends too early"))?;
    let text = unseal(&bytes[from..end])
        .ok_or_else(|| damaged(file, from as u64, "the checksum is wrong"))?;
    Ok((text, end + 1))
}

fn damaged(file: &'static str, offset: u64, why: impl ToString) -> Trouble {
    Trouble::Damaged { file, offset, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Decision, Why};
    use proptest::prelude::*;

    fn journal(records: u64) -> Vec<u8> {
        let header = Header { born: Stamp::from_secs(1), generation: 2, base: 7 };
        let mut bytes = journal_start(header).unwrap();
        for seq in 8..8 + records {
            let containers = vec![format!("c{seq}._.alice")];
            let decision = Decision::Released { containers, why: Why::Released };
            let record = Record { seq, at: Stamp::from_secs(2), decision };
            bytes.extend(record.to_line().unwrap().into_bytes());
        }
        bytes
    }

    proptest! {
        #[test]
        fn whatever_stands_there_reading_it_does_not_panic(bytes: Vec<u8>, cut in 0..400usize) {
            let _ = read_journal(&bytes);
            let _ = read_snapshot(&bytes);
            let mut begun = journal(3);
            begun.truncate(cut.min(begun.len()));
            begun.extend(&bytes);
            let _ = read_journal(&begun);
        }

        #[test]
        fn a_changed_byte_is_never_taken_for_a_decision(at in 0..1000usize, to: u8) {
            let whole = journal(5);
            let mut bytes = whole.clone();
            let at = at % bytes.len();
            bytes[at] = to;
            let known = read_journal(&whole).unwrap().records;
            if let Ok(read) = read_journal(&bytes) {
                prop_assert!(known.starts_with(&read.records));
                prop_assert!(read.beyond.iter().all(|record| known.contains(record)));
                // Only the last record can be taken for one that was never finished.
                prop_assert!(read.damage.is_some() || read.records.len() >= known.len() - 1);
            }
        }

        #[test]
        fn a_damaged_line_end_cuts_no_decision_off(end in 0..4usize, to: u8, torn: bool) {
            let mut bytes = journal(5);
            let at = journal(end as u64 + 1).len() - 1;
            prop_assume!(to != b'\n');
            bytes[at] = to;
            // The last record may lack its own end too.
            bytes.truncate(bytes.len() - usize::from(torn));
            let read = read_journal(&bytes).unwrap();
            prop_assert!(read.damage.is_some());
            prop_assert_eq!(read.records.len(), end);
        }

        #[test]
        fn cut_off_anywhere_it_is_whole_up_to_the_last_whole_record(cut in 0..1000usize) {
            let whole = journal(5);
            let start = journal(0).len();
            let cut = start + cut % (whole.len() - start + 1);
            let read = read_journal(&whole[..cut]).unwrap();
            prop_assert!(read.damage.is_none());
            prop_assert_eq!(read.length + read.torn, cut as u64);
        }
    }
}
