//! Following the log while it is written, rotated or cut.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ds01_fault::Fault;

use crate::lines::Lines;
use crate::read::{Each, End, Tally, fault, open, take};
use crate::{Filter, Record};

/// A log that is followed. Nothing here waits: call [`Follow::read`] as often as events are
/// wanted soon.
pub struct Follow {
    path: PathBuf,
    filter: Filter,
    current: Option<Lines<File>>,
    /// The file before the last rotation: a writer that had opened it may still add a line.
    before: Option<Lines<File>>,
    pub tally: Tally,
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Follow {
    /// Begins behind the last whole line of `path`, which need not exist yet, and gives the
    /// last `count` records before that.
    pub fn from_end(
        path: &Path,
        filter: Filter,
        count: usize,
    ) -> Result<(Self, Vec<Record>), Fault> {
        let mut follow = Self {
            path: path.to_owned(),
            filter,
            current: None,
            before: None,
            tally: Tally::default(),
        };
        let Some(mut file) = open(path)? else { return Ok((follow, Vec::new())) };
        let end = End::of(&mut file, path, &follow.filter, count)?;
        file.seek(SeekFrom::Start(end.at)).map_err(|error| fault(path, &error))?;
        follow.tally = end.tally;
        follow.current = Some(Lines::new(file));
        Ok((follow, end.records))
    }

    /// Hands on every record that came since the last call.
    pub fn read(&mut self, each: Each<'_>) -> Result<(), Fault> {
        if let Some(mut before) = self.before.take() {
            self.drain(&mut before, each)?;
        }
        loop {
            if let Some(mut current) = self.current.take() {
                self.drain(&mut current, each)?;
                match self.place_of(&mut current)? {
                    Place::Same => {
                        self.current = Some(current);
                        return Ok(());
                    }
                    Place::Cut => {
                        // What was read of a line that is gone is no record.
                        self.tally.skipped += u64::from(current.rest().is_some());
                        current
                            .input()
                            .seek(SeekFrom::Start(0))
                            .map_err(|error| fault(&self.path, &error))?;
                        self.current = Some(current);
                        continue;
                    }
                    Place::Another => self.before = Some(current),
                }
            }
            match open(&self.path)? {
                Some(file) => self.current = Some(Lines::new(file)),
                // Rotated, and nothing was written since.
                None => return Ok(()),
            }
        }
    }

    fn drain(&mut self, lines: &mut Lines<File>, each: Each<'_>) -> Result<(), Fault> {
        let sieve = self.filter.sieve();
        while let Some(line) = lines.next().map_err(|error| fault(&self.path, &error))? {
            take(&sieve, line, &mut self.tally, each)?;
        }
        Ok(())
    }

    fn place_of(&self, lines: &mut Lines<File>) -> Result<Place, Fault> {
        let of = |error: std::io::Error| fault(&self.path, &error);
        let there = match std::fs::metadata(&self.path) {
            Ok(there) => there,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Place::Another);
            }
            Err(error) => return Err(of(error)),
        };
        let open = lines.input().metadata().map_err(of)?;
        if (there.dev(), there.ino()) != (open.dev(), open.ino()) {
            return Ok(Place::Another);
        }
        let read = lines.input().stream_position().map_err(of)?;
        Ok(if open.len() < read { Place::Cut } else { Place::Same })
    }
}

/// What stands at the path, seen from the file that is open.
enum Place {
    Same,
    /// The same file, shorter than what was read of it.
    Cut,
    Another,
}
