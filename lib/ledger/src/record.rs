//! One decision as one line: `<crc32> <sequence> <time> <json>`. The checksum is of all that
//! follows it; the line end is part of the record: what lacks it was never acknowledged.

use ds01_units::{BadUnit, Stamp};
use serde::{Deserialize, Serialize};

use crate::types::{Claim, Drain, Lease, QueueEntry, Reservation};

/// Something that was decided. Whatever a decision needs later stands in it: replaying the
/// journal consults no config, no board and no clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A lease was granted, in place of the `ended` ones (lapsed, or reclaimed holds), and
    /// for the queue entry that had a claim.
    Leased {
        lease: Lease,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ended: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<u64>,
    },
    /// The container of a pending lease exists; `name` is its name where the lease was made
    /// under a token.
    Committed {
        container: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        container_id: Option<String>,
    },
    /// A container was found to have these slots; replaces what was recorded for it.
    Adopted {
        lease: Lease,
    },
    /// What the earlier system's file said when the ledger was begun.
    Imported {
        leases: Vec<Lease>,
    },
    Stopped {
        container: String,
        hold_until: Option<Stamp>,
    },
    Resumed {
        container: String,
    },
    Renamed {
        container: String,
        to: String,
    },
    Released {
        containers: Vec<String>,
        why: Why,
    },
    Drained(Drain),
    Restored {
        uuid: String,
    },
    Reserved(Reservation),
    ReservationCancelled {
        id: u64,
    },
    Joined(QueueEntry),
    Left {
        id: u64,
    },
    Claimed {
        id: u64,
        claim: Claim,
    },
    /// A claim ends that nobody is to blame for: its slot went away.
    Unclaimed {
        id: u64,
    },
    /// The user let the claim pass.
    Missed {
        id: u64,
    },
}

/// Why a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Asked for: the container was removed, or somebody released it.
    Released,
    /// Its container was never created.
    Aborted,
    /// Its pending deadline or its hold passed.
    Lapsed,
    /// Docker knows no such container.
    Gone,
}

/// A decision in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub seq: u64,
    pub at: Stamp,
    pub decision: Decision,
}

/// What one line of the journal turned out to be.
#[derive(Debug)]
pub enum Line {
    Record(Box<Record>),
    /// The checksum is right and the content is not: a newer program's, or a forged one.
    Unknown(String),
    /// The checksum is wrong.
    Damaged,
}

impl Record {
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        let decision = serde_json::to_string(&self.decision)?;
        Ok(seal(&format!("{} {} {decision}", self.seq, self.at)))
    }

    pub fn from_line(line: &[u8]) -> Line {
        let Some(text) = unseal(line) else { return Line::Damaged };
        match Self::from_text(text) {
            Ok(record) => Line::Record(Box::new(record)),
            Err(why) => Line::Unknown(why),
        }
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let missing = || "a field is missing".to_owned();
        let (seq, rest) = text.split_once(' ').ok_or_else(missing)?;
        let (at, json) = rest.split_once(' ').ok_or_else(missing)?;
        Ok(Self {
            seq: seq.parse().map_err(|_| format!("`{seq}` is no sequence number"))?,
            at: at.parse().map_err(|bad: BadUnit| format!("`{at}`: {bad}"))?,
            decision: serde_json::from_str(json).map_err(|error| error.to_string())?,
        })
    }
}

/// Puts a checksum before and a line end behind the text.
pub(crate) fn seal(text: &str) -> String {
    format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes()))
}

/// The text of a sealed line without its line end, if the checksum is right.
pub(crate) fn unseal(line: &[u8]) -> Option<&str> {
    let (sum, text) = std::str::from_utf8(line).ok()?.split_at_checked(8)?;
    let text = text.strip_prefix(' ')?;
    (sum == format!("{:08x}", crc32fast::hash(text.as_bytes()))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Record {
        Record {
            seq: 7,
            at: Stamp::from_secs(1_800_000_000),
            decision: Decision::Released { containers: vec!["a._.alice".into()], why: Why::Gone },
        }
    }

    #[test]
    fn a_record_is_one_line_that_reads_back() {
        let line = sample().to_line().unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        match Record::from_line(line.trim_end().as_bytes()) {
            Line::Record(record) => assert_eq!(*record, sample()),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn no_flipped_bit_goes_unnoticed(at in 0..1000usize, bit in 0..8u8) {
            let mut line = sample().to_line().unwrap().trim_end().as_bytes().to_vec();
            let at = at % line.len();
            line[at] ^= 1 << bit;
            prop_assert!(matches!(Record::from_line(&line), Line::Damaged));
        }
    }
}
