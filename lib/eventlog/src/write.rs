//! Writing: one `write` of one whole line, on a file opened for it, so that rotation needs
//! no signal.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use ds01_fault::{Code, Fault};
use ds01_site::Site;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Group, Uid, fchown};

use crate::Event;

/// How long one writer waits for another. Past it the line is written all the same: a
/// stopped process that holds the lock must not keep events from being logged.
const PATIENCE: Duration = Duration::from_millis(250);
/// Who may read the log beside root; see docs/decisions.md.
const READERS: &str = "ds01-admin";

/// Logs `event`. A log that cannot be written stops nobody's work: `ds01-health` reports it,
/// and [`try_append`] says why.
pub fn append(site: &Site, event: &Event) {
    let _ = try_append(site, event);
}

/// Logs `event`, or says why not.
pub fn try_append(site: &Site, event: &Event) -> Result<(), Fault> {
    let path = site.events();
    write_line(&path, event.line(site.now()).as_bytes()).map_err(|error| fault(&path, &error))
}

fn write_line(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let file = locked(open(path)?);
    let size = file.metadata()?.len();
    // A line that a full disk or a kill cut short must not swallow this one too.
    let torn = size > 0 && {
        let mut last = [0];
        file.read_exact_at(&mut last, size - 1).is_ok() && last != *b"\n"
    };
    let mut bytes = Vec::with_capacity(line.len() + 1);
    if torn {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(line);
    // The kernel would kill the caller with SIGXFSZ for a write beyond its own limit.
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if size.saturating_add(bytes.len() as u64) > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    // One call: what it leaves out is lost, since a second one could land behind another
    // writer's line.
    match (&*file).write(&bytes)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(ErrorKind::StorageFull.into()),
    }
}

/// The lock makes the look at the last byte and the write one step. The write alone needs
/// none; but a kill can cut it at a page's end while the next writer has already looked.
fn locked(file: File) -> Locked {
    let deadline = Instant::now() + PATIENCE;
    let mut file = file;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Locked::Yes(lock),
            Err((unlocked, _)) if Instant::now() >= deadline => return Locked::No(unlocked),
            Err((unlocked, _)) => file = unlocked,
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

enum Locked {
    Yes(Flock<File>),
    No(File),
}

impl std::ops::Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        match self {
            Self::Yes(lock) => lock,
            Self::No(file) => file,
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    // Never through a link, and never waiting at a pipe that somebody put in the way.
    options
        .read(true)
        .append(true)
        .mode(0o640)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    let file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => create(path, &mut options)?,
        other => other?,
    };
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(file)
}

fn create(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    let file = options.create(true).open(path)?;
    // Only root can give a file away, and only root's log is meant for a group.
    if Uid::effective().is_root() && file.metadata()?.uid() == 0 {
        if let Ok(Some(group)) = Group::from_name(READERS) {
            // The log works without its readers' group too.
            let _ = fchown(&file, None, Some(group.gid));
        }
    }
    Ok(file)
}

fn fault(path: &Path, error: &std::io::Error) -> Fault {
    let (code, todo) = match error.kind() {
        ErrorKind::PermissionDenied => {
            (Code::NotPermitted, "the log is root's: run this as root".to_owned())
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (Code::Failed, format!("free some space: `df {}`", path.display()))
        }
        ErrorKind::FileTooLarge => (Code::Failed, "raise `ulimit -f` for this process".to_owned()),
        _ => (Code::Failed, format!("see what stands there: `ls -ld {}`", path.display())),
    };
    Fault::new(code, format!("cannot write the event log {}", path.display()))
        .why(error.to_string())
        .todo(todo)
}
