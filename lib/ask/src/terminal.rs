//! The terminal, line by line. It stays in the mode it is in: the kernel edits the line, which
//! works on every terminal and for every reader of one, and there is nothing to restore.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use ds01_fault::{Code, Context, Fault};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;

use crate::Talk;

pub(crate) struct Terminal {
    device: File,
    /// Ctrl-C comes as something to read, so that whoever asks can still tidy up.
    interrupts: SignalFd,
    before: SigSet,
}

impl Terminal {
    pub(crate) fn open() -> std::io::Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/tty")?;
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGINT);
        let interrupts = SignalFd::new(&mask)?;
        let before = mask.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
        Ok(Self { device, interrupts, before })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It was the thread's mask a moment ago; there is nobody to tell if not.
        let _ = self.before.thread_set_mask();
    }
}

impl Talk for Terminal {
    fn show(&mut self, text: &str) -> Result<(), Fault> {
        self.device
            .write_all(text.as_bytes())
            .or_fault(Code::Failed, || "cannot write to the terminal".into())
    }

    fn read(&mut self) -> Result<String, Fault> {
        let failed = || "cannot read from the terminal".to_owned();
        let mut line = Vec::new();
        loop {
            let mut ready = [
                PollFd::new(self.interrupts.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.device.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut ready, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other.or_fault(Code::Failed, failed)?,
            };
            if ready[0].any().unwrap_or(false) {
                let _ = self.interrupts.read_signal();
                let _ = self.device.write_all(b"\n");
                return Err(Fault::new(Code::Interrupted, "interrupted, nothing was answered"));
            }
            let mut bytes = [0; 4096];
            let read = self.device.read(&mut bytes).or_fault(Code::Failed, failed)?;
            line.extend_from_slice(&bytes[..read]);
            if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                line.truncate(end);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            // Ctrl-D on an empty line, or a terminal that has gone.
            if read == 0 {
                let _ = self.device.write_all(b"\n");
                return Err(Fault::new(Code::Interrupted, "the input ended without an answer"));
            }
        }
    }
}
