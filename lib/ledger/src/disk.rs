//! What the ledger asks of a disk, and the real one. Everything that can fail or be cut off
//! by a crash is one call here, so that tests can stop the world between any two of them.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc::{O_CLOEXEC, O_NOFOLLOW};

use crate::lock::Lock;
use crate::place::check_file;

/// The files of one ledger by name.
pub trait Disk {
    /// The whole file; none when it does not exist.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Writes at an offset, and creates the file where it does not exist. May leave a part
    /// written when it fails.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()>;
    /// `fdatasync`: what was written to this file is on the disk, with its length.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Makes renames and creations last.
    fn sync_directory(&mut self) -> io::Result<()>;
    /// Remembers across the death of a process, not of the machine, up to where everything is
    /// synced. Written after the sync, so it never claims too much.
    fn set_settled(&mut self, mark: &str) -> io::Result<()>;
    fn settled(&mut self) -> io::Result<String>;
    /// Remembers until the next boot that the page cache may show what the disk never took.
    fn set_distrusted(&mut self, why: Option<&str>) -> io::Result<()>;
    fn distrusted(&mut self) -> Option<String>;
}

/// Replaces a file whole and durably: whoever reads it sees the old or the new one.
pub fn replace(disk: &mut impl Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = format!("{name}.new");
    // A leftover of a crash may be longer than what is written now.
    match disk.truncate(&fresh, 0) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    disk.write_at(&fresh, 0, bytes)?;
    disk.sync(&fresh)?;
    disk.rename(&fresh, name)?;
    disk.sync_directory().inspect_err(|error| {
        // Everybody sees the new file now, and a crash may bring back the old one: what is
        // written into the new one would be lost. Refusing is all that is left.
        let why = format!("the directory did not take the new {name}: {error}");
        let _ = disk.set_distrusted(Some(&why));
    })
}

/// A directory on a real disk. Files are opened once; none is followed through a link.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Where the mark of distrust lies: on a file system that a boot clears.
    mark: PathBuf,
    open: Option<(String, File)>,
    /// Held by who writes, and let go with the disk.
    lock: Option<Lock>,
}

impl Directory {
    pub fn new(path: &Path, run: &Path) -> Self {
        let mark = run.join("gpu-ledger.distrusted");
        Self { path: path.to_owned(), mark, open: None, lock: None }
    }

    /// The same for a writer.
    #[must_use]
    pub(crate) fn with(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// The file for writing, kept open: the journal is written and synced in turn.
    fn file(&mut self, name: &str, create: bool) -> io::Result<&File> {
        let file = match self.open.take().filter(|(open, _)| open == name) {
            Some((_, file)) => file,
            None => OpenOptions::new()
                .write(true)
                .create(create)
                .truncate(false)
                .mode(0o600)
                .custom_flags(O_NOFOLLOW | O_CLOEXEC)
                .open(self.path.join(name))?,
        };
        Ok(&self.open.insert((name.to_owned(), file)).1)
    }
}

impl Disk for Directory {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(O_NOFOLLOW | O_CLOEXEC)
            .open(self.path.join(name));
        let mut file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        check_file(&file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name, true)?.write_all_at(bytes, offset)
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.file(name, false)?.set_len(length)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name, false)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        // The open file may be the one that is replaced.
        self.open = None;
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn set_settled(&mut self, mark: &str) -> io::Result<()> {
        match &self.lock {
            Some(lock) => lock.write(mark),
            None => Err(ErrorKind::PermissionDenied.into()),
        }
    }

    fn settled(&mut self) -> io::Result<String> {
        match &self.lock {
            Some(lock) => lock.read(),
            None => Err(ErrorKind::PermissionDenied.into()),
        }
    }

    fn set_distrusted(&mut self, why: Option<&str>) -> io::Result<()> {
        match why {
            Some(why) => {
                if let Some(run) = self.mark.parent() {
                    std::fs::create_dir_all(run)?;
                }
                std::fs::write(&self.mark, why)
            }
            None => match std::fs::remove_file(&self.mark) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn distrusted(&mut self) -> Option<String> {
        // Unreadable is not absent: a mark nobody can read still distrusts.
        match std::fs::read_to_string(&self.mark) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => Some(error.to_string()),
            Ok(why) => Some(why),
        }
    }
}
