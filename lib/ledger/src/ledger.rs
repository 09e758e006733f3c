//! The ledger on a disk: opened, written to, made shorter, mended. Whoever has one that
//! writes also has the lock.

use ds01_fault::Fault;
use ds01_units::Stamp;

use crate::disk::{Disk, replace};
use crate::journal::{self, Header, JOURNAL, Journal, SNAPSHOT, Snapshot, Trouble};
use crate::record::{Decision, Record};
use crate::state::{Conflict, State};
use crate::types::Lease;

/// From this length on, a snapshot takes the journal's place: reading stays a fraction of a
/// millisecond, and writing a snapshot is rare.
const LONG: u64 = 32 * 1024;

/// The truth about who has which GPU.
#[derive(Debug)]
pub struct Ledger<D> {
    disk: D,
    state: State,
    header: Header,
    /// Where the next record goes.
    length: u64,
    /// Why nothing may be written any more.
    poisoned: Option<String>,
    was_new: bool,
}

/// What the files say, before anything is written.
struct Loaded {
    state: State,
    header: Header,
    length: u64,
    torn: u64,
}

/// The state on a disk for somebody who only looks; none where no ledger was begun.
pub fn look(disk: &mut impl Disk) -> Result<Option<State>, Trouble> {
    Ok(load(disk)?.map(|loaded| loaded.state))
}

fn load(disk: &mut impl Disk) -> Result<Option<Loaded>, Trouble> {
    // The snapshot first: a writer replaces it before the journal, so that one read between
    // the two still finds records that follow it, or a gap that shows.
    let snapshot = read(disk, SNAPSHOT)?.map(|bytes| journal::read_snapshot(&bytes)).transpose()?;
    let journal = read(disk, JOURNAL)?.map(|bytes| journal::read_journal(&bytes)).transpose()?;
    let Some((mut state, journal)) = pair(snapshot, journal)? else { return Ok(None) };
    if let Some(damage) = journal.damage {
        return Err(damage);
    }
    let (header, length, torn) = (journal.header, journal.length, journal.torn);
    let known = state.seq;
    let new = journal.records.into_iter().filter(|record| record.seq > known);
    state.replay(new).map_err(|(seq, conflict)| Trouble::Damaged {
        file: JOURNAL,
        offset: length,
        why: format!("decision {seq} contradicts those before it: {conflict}"),
    })?;
    Ok(Some(Loaded { state, header, length, torn }))
}

fn read(disk: &mut impl Disk, file: &'static str) -> Result<Option<Vec<u8>>, Trouble> {
    disk.read(file).map_err(|error| Trouble::Io { file, why: error.to_string() })
}

/// The state to begin with and the journal to replay on it, if they belong together.
fn pair(
    snapshot: Option<Snapshot>,
    journal: Option<Journal>,
) -> Result<Option<(State, Journal)>, Trouble> {
    let unpaired = |why: &str| Err(Trouble::Unpaired(why.to_owned()));
    match (snapshot, journal) {
        (None, None) => Ok(None),
        (Some(_), None) => unpaired("there is a snapshot, but the journal is missing"),
        (None, Some(journal)) if journal.header.base == 0 => Ok(Some((State::default(), journal))),
        (None, Some(_)) => unpaired("the journal continues a snapshot that is missing"),
        (Some(snapshot), Some(journal)) => {
            let (seq, header) = (snapshot.state.seq, journal.header);
            let last = header.base + journal.records.len() as u64;
            let same =
                header.generation == snapshot.generation && (header.base..=last).contains(&seq);
            let next = header.generation == snapshot.generation + 1 && header.base == seq;
            if header.born == snapshot.born && (same || next) {
                Ok(Some((snapshot.state, journal)))
            } else {
                unpaired(
                    "the journal does not continue the snapshot: one of them is from elsewhere",
                )
            }
        }
    }
}

impl<D: Disk> Ledger<D> {
    /// Opens the ledger for writing and begins one where there is none, with the leases that
    /// `earlier` finds. The caller has the lock.
    pub fn open(
        mut disk: D,
        now: Stamp,
        earlier: impl FnOnce() -> Result<Vec<Lease>, Fault>,
    ) -> Result<Self, Fault> {
        if let Some(why) = disk.distrusted() {
            return Err(distrusted(&why));
        }
        match load(&mut disk).map_err(fault)? {
            Some(loaded) => Self::resume(disk, loaded),
            None => Self::begin(disk, now, earlier()?),
        }
    }

    /// The first journal, and in it the leases that were there before: both or neither.
    fn begin(mut disk: D, now: Stamp, leases: Vec<Lease>) -> Result<Self, Fault> {
        let header = Header { born: now, generation: 1, base: 0 };
        let mut start = journal::journal_start(header).map_err(|error| unwritten(&error))?;
        let mut state = State::default();
        if !leases.is_empty() {
            let record = Record { seq: 1, at: now, decision: Decision::Imported { leases } };
            start.extend(record.to_line().map_err(|error| unwritten(&error))?.into_bytes());
            state.apply(record).map_err(|conflict| unfit(&conflict))?;
        }
        replace(&mut disk, JOURNAL, &start).map_err(|error| unwritten(&error))?;
        let length = start.len() as u64;
        let mut ledger = Self { disk, state, header, length, poisoned: None, was_new: true };
        ledger.note_settled();
        Ok(ledger)
    }

    fn resume(mut disk: D, loaded: Loaded) -> Result<Self, Fault> {
        if loaded.torn > 0 {
            // Lasting before the next record is written, or the two could mix into what
            // looks like damage.
            disk.truncate(JOURNAL, loaded.length)
                .and_then(|()| disk.sync(JOURNAL))
                .map_err(|error| unwritten(&error))?;
        }
        let Loaded { state, header, length, .. } = loaded;
        let mut ledger = Self { disk, state, header, length, poisoned: None, was_new: false };
        ledger.settle().map_err(|error| unwritten(&error))?;
        Ok(ledger)
    }

    /// Makes lasting what was read. A writer may have been killed between a write and its
    /// sync, or before the directory had the journal's name: we see what it wrote, would
    /// decide and answer by it, and a power cut would take it back from under us.
    fn settle(&mut self) -> std::io::Result<()> {
        if self.disk.settled().is_ok_and(|mark| mark == self.mark()) {
            return Ok(());
        }
        self.disk.sync(JOURNAL)?;
        self.disk.sync_directory()?;
        self.note_settled();
        Ok(())
    }

    fn mark(&self) -> String {
        let Header { born, generation, .. } = self.header;
        format!("settled {} {generation} {}", born.millis(), self.state.seq)
    }

    /// Not noting it costs the next writer a sync and nothing else.
    fn note_settled(&mut self) {
        let mark = self.mark();
        let _ = self.disk.set_settled(&mark);
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether this ledger was begun just now: then Docker may know leases it does not.
    pub fn was_new(&self) -> bool {
        self.was_new
    }

    /// Whether the disk failed so that nothing more may be decided here.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.is_some()
    }

    /// When the ledger was begun: tells it from one made after it was deleted.
    pub fn born(&self) -> Stamp {
        self.header.born
    }

    /// Writes a decision down. When this returns without a fault, the decision lasts: one
    /// append and one `fdatasync`, nothing else.
    pub fn record(&mut self, decision: Decision, now: Stamp) -> Result<(), Fault> {
        if let Some(why) = &self.poisoned {
            return Err(distrusted(why));
        }
        self.state.check(&decision).map_err(|conflict| unfit(&conflict))?;
        let record = Record { seq: self.state.seq + 1, at: now, decision };
        let line = record.to_line().map_err(|error| unwritten(&error))?;
        let written = self
            .disk
            .write_at(JOURNAL, self.length, line.as_bytes())
            .and_then(|()| self.disk.sync(JOURNAL));
        if let Err(error) = written {
            self.take_back(&error);
            return Err(unwritten(&error));
        }
        self.length += line.len() as u64;
        // Checked above, with nothing in between.
        self.state.apply(record).map_err(|conflict| unfit(&conflict))?;
        self.note_settled();
        Ok(())
    }

    /// After a failed write: the record must not be there, neither on the disk nor in the
    /// page cache, where the next process would believe it. If that fails too, nobody may
    /// trust what the cache shows until the next boot.
    fn take_back(&mut self, error: &std::io::Error) {
        let undone =
            self.disk.truncate(JOURNAL, self.length).and_then(|()| self.disk.sync(JOURNAL));
        if undone.is_err() {
            let why = format!("a write to the journal failed ({error}) and could not be undone");
            // Nothing is left to do when even this fails, but to refuse from here on.
            let _ = self.disk.set_distrusted(Some(&why));
            self.poisoned = Some(why);
        }
    }

    /// Replaces a long journal by a snapshot. Never on the way to an answer: it costs two
    /// replaced files. A failure leaves the journal as it is, which is only longer.
    pub fn shorten(&mut self) -> Result<(), Fault> {
        self.shorten_from(LONG)
    }

    /// The same for a journal of at least `length` bytes.
    pub fn shorten_from(&mut self, length: u64) -> Result<(), Fault> {
        if self.length < length || self.poisoned.is_some() {
            return Ok(());
        }
        self.renew().map_err(|error| unwritten(&error))
    }

    /// Writes a snapshot of the state and begins the next generation. A crash in between
    /// leaves a snapshot beside the journal it was made from, which repeats it.
    fn renew(&mut self) -> std::io::Result<()> {
        let snapshot = journal::snapshot_bytes(self.header, &self.state)?;
        let next =
            Header { generation: self.header.generation + 1, base: self.state.seq, ..self.header };
        let start = journal::journal_start(next)?;
        replace(&mut self.disk, SNAPSHOT, &snapshot)?;
        let begun = replace(&mut self.disk, JOURNAL, &start);
        if let Err(error) = &begun {
            // Which of the two journals a name leads to is not known for certain, so
            // another process has to find out from the disk.
            self.poisoned = Some(format!("a new journal could not be begun: {error}"));
        }
        begun?;
        (self.header, self.length) = (next, start.len() as u64);
        self.note_settled();
        Ok(())
    }
}

/// What mending found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// What was wrong; none when nothing was.
    pub trouble: Option<Trouble>,
    /// Copies of the damaged files.
    pub kept: Vec<String>,
    /// Decisions that could be read but do not fit without the unreadable ones.
    pub skipped: Vec<u64>,
}

/// Makes a usable ledger of a damaged one: everything that can be read is kept, the damaged
/// files stay as copies, and what is missing is for `reconcile` to find in Docker.
pub fn mend<D: Disk>(mut disk: D, now: Stamp) -> Result<(Ledger<D>, Mended), Fault> {
    let doubt = disk.distrusted();
    let trouble = match load(&mut disk) {
        Ok(_) if doubt.is_none() => {
            return Ok((Ledger::open(disk, now, || Ok(Vec::new()))?, Mended::default()));
        }
        Ok(_) => doubt.map(Trouble::Unpaired),
        // What a newer ds01 wrote is whole, only not for us.
        Err(newer @ Trouble::Newer { .. }) => return Err(fault(newer)),
        Err(io @ Trouble::Io { .. }) => return Err(fault(io)),
        Err(other) => Some(other),
    };
    let mut mended = Mended { trouble, ..Mended::default() };
    let snapshot = read(&mut disk, SNAPSHOT).map_err(fault)?;
    let journal = read(&mut disk, JOURNAL).map_err(fault)?;
    for (name, bytes) in [(SNAPSHOT, &snapshot), (JOURNAL, &journal)] {
        let Some(bytes) = bytes else { continue };
        let copy = format!("{name}.damaged-{}", now.millis());
        replace(&mut disk, &copy, bytes).map_err(|error| unwritten(&error))?;
        mended.kept.push(copy);
    }
    let snapshot = snapshot.and_then(|bytes| journal::read_snapshot(&bytes).ok());
    let journal = journal.and_then(|bytes| journal::read_journal(&bytes).ok());
    let born = now;
    let generation = journal.as_ref().map_or(1, |journal| journal.header.generation + 1);
    let state = salvage(snapshot, journal, &mut mended.skipped);
    let header = Header { born, generation, base: state.seq };
    let mut ledger = Ledger { disk, state, header, length: 0, poisoned: None, was_new: false };
    ledger.renew().map_err(|error| unwritten(&error))?;
    ledger.disk.set_distrusted(None).map_err(|error| unwritten(&error))?;
    Ok((ledger, mended))
}

/// Every decision that can be read and fits, in order.
fn salvage(snapshot: Option<Snapshot>, journal: Option<Journal>, skipped: &mut Vec<u64>) -> State {
    let mut state = snapshot.map(|snapshot| snapshot.state).unwrap_or_default();
    let known = state.seq;
    let records = journal.into_iter().flat_map(|j| j.records.into_iter().chain(j.beyond));
    for mut record in records.filter(|record| record.seq > known) {
        let seq = record.seq;
        // The unreadable ones left gaps; they are no reason to drop what came after.
        record.seq = state.seq + 1;
        if state.apply(record).is_err() {
            skipped.push(seq);
        } else {
            state.seq = seq.max(state.seq);
        }
    }
    state
}

/// Trouble as the reader of a tool's error sees it.
pub fn fault(trouble: Trouble) -> Fault {
    let fault = Fault::unreadable("the GPU ledger cannot be read, so nothing is granted")
        .why(trouble.to_string());
    match trouble {
        Trouble::Newer { .. } => fault.todo("install the ds01 that wrote it, or a newer one"),
        Trouble::Io { .. } => fault.todo("see to the disk or the permissions, then try again"),
        Trouble::Damaged { .. } | Trouble::Unpaired(_) => fault.todo(
            "as root: `gpu-alloc validate --repair` (keeps the damaged files), then \
             `gpu-alloc reconcile --apply`",
        ),
    }
}

fn unfit(conflict: &Conflict) -> Fault {
    Fault::failed("the decision does not fit the ledger, so it was not recorded")
        .why(conflict.to_string())
        .todo("`gpu-alloc reconcile` compares the ledger with Docker")
}

fn unwritten(error: &dyn std::fmt::Display) -> Fault {
    Fault::failed("cannot write the GPU ledger, so nothing was decided")
        .why(error.to_string())
        .todo("free or mend the disk that holds /var/lib/ds01/gpu, then try again")
}

fn distrusted(why: &str) -> Fault {
    Fault::unreadable("the GPU ledger takes no decisions: its disk cannot be trusted")
        .why(why)
        .todo("mend the disk, then as root: `gpu-alloc validate --repair`, or reboot")
}
