//! Ctrl-C at a moment when something is half made: it is noted, and heard when there is
//! nothing half made any more.

use std::os::fd::AsFd;
use std::time::Duration;

use ds01_fault::{Code, Fault};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals to end are held back as long as this lives.
#[derive(Debug)]
pub struct Held {
    before: SigSet,
    arrived: SignalFd,
}

impl Held {
    pub fn back() -> Result<Self, Fault> {
        let mut ends = SigSet::empty();
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().for_each(|one| ends.add(one));
        let cannot =
            |error: nix::Error| Fault::failed("cannot hold back signals").why(error.to_string());
        let before =
            ends.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK).map_err(cannot)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let arrived = SignalFd::with_flags(&ends, flags).map_err(cannot)?;
        Ok(Self { before, arrived })
    }

    /// Whether one has come.
    pub fn came(&self) -> bool {
        matches!(self.arrived.read_signal(), Ok(Some(_)))
    }

    /// Waits that long, and no longer than until one comes.
    pub fn wait(&self, at_most: Duration) -> bool {
        let timeout = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX);
        // Interrupted by another signal, it is only short.
        let _ = poll(&mut [PollFd::new(self.arrived.as_fd(), PollFlags::POLLIN)], timeout);
        self.came()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}

/// What somebody is told who pressed Ctrl-C.
pub fn interrupted(what: impl Into<String>) -> Fault {
    Fault::new(Code::Interrupted, what).why("it was interrupted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    fn a_signal_is_noted_and_ends_nothing() {
        let held = Held::back().unwrap();
        assert!(!held.came());
        // To this thread alone.
        raise(Signal::SIGTERM).unwrap();
        assert!(held.wait(Duration::from_secs(60)));
        assert!(!held.came());
    }
}
