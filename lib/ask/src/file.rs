//! Answers from a file: each takes the first line out of it, so that all commands of a
//! script, one after another, read the same file.

use std::fs::OpenOptions;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use ds01_fault::{Code, Context, Fault};
use nix::fcntl::{Flock, FlockArg};

use crate::Talk;

pub(crate) struct Answers {
    file: PathBuf,
}

impl Answers {
    pub(crate) fn of(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    fn next(&self) -> std::io::Result<Option<String>> {
        let file = OpenOptions::new().read(true).write(true).open(&self.file)?;
        let mut file = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let Some((first, rest)) = text.split_once('\n') else { return Ok(None) };
        file.rewind()?;
        file.set_len(0)?;
        file.write_all(rest.as_bytes())?;
        Ok(Some(first.to_owned()))
    }
}

impl Talk for Answers {
    fn show(&mut self, text: &str) -> Result<(), Fault> {
        // A question that nobody sees needs no answer less.
        let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
        Ok(())
    }

    fn read(&mut self) -> Result<String, Fault> {
        let name = || format!("cannot read the answers in {}", self.file.display());
        self.next().or_fault(Code::Failed, name)?.ok_or_else(|| {
            Fault::usage(format!("no answer is left in {}", self.file.display()))
                .why("each question takes a line")
        })
    }
}
