//! Where a site keeps its ledger, and who may touch it there. No user can write or forge a
//! decision: the directory is 0700, its files 0600, all of the one owner who may decide.

use std::fs::{DirBuilder, File, Metadata};
use std::io::{Error, ErrorKind, Result as IoResult};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use nix::unistd::{AccessFlags, Uid, access};

use crate::disk::Directory;
use crate::earlier;
use crate::journal::Trouble;
use crate::ledger::{self, Ledger, Mended};
use crate::lock::Lock;
use crate::state::State;

/// How long a decision waits for others to finish theirs, each of which takes about a
/// millisecond.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// `/var/lib/ds01/gpu`.
pub fn directory(site: &Site) -> PathBuf {
    site.state().join("gpu")
}

/// Opens the ledger to decide something, and waits its turn for that.
pub fn open(site: &Site) -> Result<Ledger<Directory>, Fault> {
    open_within(site, PATIENCE)
}

/// The same, with another patience.
pub fn open_within(site: &Site, patience: Duration) -> Result<Ledger<Directory>, Fault> {
    Ledger::open(locked(site, patience)?, site.now(), || earlier::leases(site))
}

/// Makes a usable ledger of a damaged one.
pub fn mend(site: &Site) -> Result<(Ledger<Directory>, Mended), Fault> {
    ledger::mend(locked(site, PATIENCE)?, site.now())
}

/// What was decided so far, for somebody who only looks: takes no lock, creates nothing,
/// works on a read-only disk. Without a ledger yet, the earlier system's leases are all there
/// is to know, and what they name is not free.
pub fn look(site: &Site) -> Result<State, Fault> {
    let path = directory(site);
    match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return unbegun(site),
        Err(error) => return Err(ledger::fault(io(&error))),
        Ok(_) => owned(&path)?,
    }
    let mut disk = Directory::new(&path, &site.run());
    // A writer may replace one file between our two reads, or be in the middle of a line.
    for pause in [1, 2, 4, 8, 16, 32] {
        match ledger::look(&mut disk) {
            Ok(state) => return state.map_or_else(|| unbegun(site), Ok),
            Err(Trouble::Damaged { .. } | Trouble::Unpaired(_)) => {
                std::thread::sleep(Duration::from_millis(pause));
            }
            Err(other) => return Err(ledger::fault(other)),
        }
    }
    let state = ledger::look(&mut disk).map_err(ledger::fault)?;
    state.map_or_else(|| unbegun(site), Ok)
}

/// What a ledger would begin with, as far as files say it: nobody who looks waits for Docker.
fn unbegun(site: &Site) -> Result<State, Fault> {
    let leases = earlier::in_file(site)?;
    Ok(State {
        leases: leases.into_iter().map(|lease| (lease.container.clone(), lease)).collect(),
        ..State::default()
    })
}

fn io(error: &Error) -> Trouble {
    Trouble::Io { file: "directory", why: error.to_string() }
}

/// Who may decide: root, or in a try-out (`DS01_ROOT`) whoever owns it. Somebody for whom
/// the door asks is never root, though the process is.
pub fn may_write(site: &Site) -> Result<(), Fault> {
    let caller = site.caller();
    if caller.is_root() || (!caller.through_door && is_own_try_out(site)) {
        return Ok(());
    }
    Err(Fault::not_permitted("only root changes the GPU ledger")
        .why(format!(
            "you are uid {}; the Docker door leases for whoever runs a container",
            caller.uid
        ))
        .todo("look with `gpu-state`; take one with `docker run --gpus 1`, wait with `gpu-queue join`"))
}

/// Whether this is a site under `DS01_ROOT` whose ledger this process can write or begin.
/// In somebody else's, one is a user like any other.
pub fn is_own_try_out(site: &Site) -> bool {
    if site.is_real() {
        return false;
    }
    let path = directory(site);
    let nearest = path.ancestors().find(|path| path.exists());
    nearest.is_some_and(|path| access(path, AccessFlags::W_OK).is_ok())
}

fn locked(site: &Site, patience: Duration) -> Result<Directory, Fault> {
    let path = directory(site);
    let cannot = || format!("cannot open the GPU ledger {}", path.display());
    make(&site.state(), 0o755).or_fault(Code::Failed, cannot)?;
    make(&path, 0o700).or_fault(Code::Failed, cannot)?;
    owned(&site.state())?;
    owned(&path)?;
    let lock = Lock::take(&path.join("lock"), patience)?;
    Ok(Directory::new(&path, &site.run()).with(lock))
}

fn make(path: &Path, mode: u32) -> IoResult<()> {
    match DirBuilder::new().recursive(mode == 0o755).mode(mode).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Refuses a directory in which somebody else could put a ledger of theirs.
fn owned(path: &Path) -> Result<(), Fault> {
    let what = || format!("the GPU ledger's directory {} is not safe", path.display());
    let metadata = std::fs::symlink_metadata(path).or_fault(Code::Unreadable, what)?;
    let kind = if metadata.is_dir() { Ok(()) } else { Err("it is no directory".to_owned()) };
    kind.and_then(|()| trusted(&metadata)).map_err(|why| {
        Fault::unreadable(what()).why(why).todo(format!(
            "see who changed it, then: chown root: {0} && chmod go-w {0}",
            path.display()
        ))
    })
}

/// Refuses a file that somebody else could have written.
pub(crate) fn check_file(file: &File) -> IoResult<()> {
    let metadata = file.metadata()?;
    let kind = if metadata.is_file() { Ok(()) } else { Err("it is no regular file".to_owned()) };
    kind.and_then(|()| trusted(&metadata))
        .map_err(|why| Error::new(ErrorKind::PermissionDenied, why))
}

fn trusted(metadata: &Metadata) -> Result<(), String> {
    let owner = metadata.uid();
    if owner != 0 && owner != Uid::effective().as_raw() {
        return Err(format!("it belongs to uid {owner}, who could forge leases"));
    }
    match metadata.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(format!("others may write to it (mode {:o})", metadata.mode() & 0o7777)),
    }
}
