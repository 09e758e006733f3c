//! One writer at a time, or none: a lock that is not got in time refuses. The earlier system
//! went on without it (pitfall 15), and two callers got one GPU.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ds01_fault::{Code, Context, Fault};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc::{O_CLOEXEC, O_NOFOLLOW};

/// Room for a note in the lock file.
const NOTE: usize = 128;

/// A held lock; dropping it, or dying, lets the next one in.
#[derive(Debug)]
pub struct Lock {
    held: Flock<File>,
}

impl Lock {
    /// Waits for the lock on `path` until the deadline.
    ///
    /// The file lies in the ledger's own 0700 directory: a lock that users could open, they
    /// could also hold for ever.
    pub fn take(path: &Path, deadline: Duration) -> Result<Self, Fault> {
        let file =
            open(path).or_fault(Code::Failed, || format!("cannot lock {}", path.display()))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Self { held }),
            Err((file, Errno::EWOULDBLOCK)) => wait(file, path, deadline),
            Err((_, errno)) => {
                Err(Fault::failed(format!("cannot lock {}", path.display())).why(errno.desc()))
            }
        }
    }
}

impl Lock {
    /// Notes for whoever has the lock next: one line in the file itself, never synced.
    pub(crate) fn write(&self, note: &str) -> std::io::Result<()> {
        let mut line = format!("{note}\n").into_bytes();
        // Longer than any note, so that nothing of an older one is left, and still one write.
        line.resize(NOTE, b' ');
        self.held.write_all_at(&line, 0)
    }

    pub(crate) fn read(&self) -> std::io::Result<String> {
        let mut bytes = [0; NOTE];
        let read = self.held.read_at(&mut bytes, 0)?;
        let text = String::from_utf8_lossy(&bytes[..read]);
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(O_NOFOLLOW | O_CLOEXEC)
        .open(path)
}

/// The kernel queues who blocks in `flock` and is fair, but knows no deadline: a thread
/// blocks, and we stop listening to it. Should it get the lock after that, its send fails
/// and the lock is dropped at once.
fn wait(file: File, path: &Path, deadline: Duration) -> Result<Lock, Fault> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let locked = loop {
            match Flock::lock(file.try_clone()?, FlockArg::LockExclusive) {
                Err((_, Errno::EINTR)) => {}
                Err((_, errno)) => break Err(std::io::Error::from(errno)),
                Ok(held) => break Ok(held),
            }
        };
        let _ = send.send(locked);
        Ok::<_, std::io::Error>(())
    });
    match receive.recv_timeout(deadline) {
        Ok(Ok(held)) => Ok(Lock { held }),
        Ok(Err(error)) => {
            Err(Fault::failed(format!("cannot lock {}", path.display())).why(error.to_string()))
        }
        Err(RecvTimeoutError::Timeout) => Err(busy(path, deadline)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(Fault::failed(format!("cannot wait for {}", path.display())))
        }
    }
}

fn busy(path: &Path, deadline: Duration) -> Fault {
    Fault::unreachable("the GPU ledger is busy: nothing was decided")
        .why(format!(
            "another program has held {} for more than {} s",
            path.display(),
            deadline.as_secs_f64()
        ))
        .todo(format!("try again; `fuser -v {}` shows who holds it", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_not_got_in_time_refuses_and_one_let_go_is_got() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::take(&path, Duration::ZERO).unwrap();
        let fault = Lock::take(&path, Duration::from_millis(20)).unwrap_err();
        assert_eq!(fault.code, Code::Unreachable);
        drop(first);
        // The thread that gave up waiting may hold it for the moment it takes to drop it.
        Lock::take(&path, Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::os::unix::fs::symlink(dir.path().join("victim"), &path).unwrap();
        assert_eq!(Lock::take(&path, Duration::ZERO).unwrap_err().code, Code::Failed);
        assert!(!dir.path().join("victim").exists());
    }
}
