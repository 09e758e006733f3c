//! Bytes moved from one connection to another by the kernel, without a copy through here. For
//! raw streams alone, in which nothing is looked for.
#![allow(unsafe_code)] // A call that nix has only behind a feature that nothing else needs.

use std::io;
use std::os::fd::AsRawFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use crate::stream::Stream;

/// What is under way at most: what the two sockets may hold, several times.
const ROOM: usize = 1 << 20;

/// Passes on what comes until one side is done. True where it was the sender's end.
pub async fn flow(from: &Stream, to: &Stream) -> io::Result<()> {
    let (out, into) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    // A smaller pipe only takes more calls.
    let _ = fcntl(&into, FcntlArg::F_SETPIPE_SZ(ROOM as i32));
    loop {
        // The pipe is empty here, so that it would block says that nothing has come.
        let mut held = from.when_readable(|| moved(from, &into, ROOM)).await?;
        if held == 0 {
            return Ok(());
        }
        while held > 0 {
            held -= to.when_room(|| moved(&out, to, held)).await?;
        }
    }
}

fn moved(from: &impl AsRawFd, to: &impl AsRawFd, most: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    let none = std::ptr::null_mut();
    // SAFETY: no memory of ours is named; the kernel checks both descriptors.
    let count = unsafe { libc::splice(from.as_raw_fd(), none, to.as_raw_fd(), none, most, flags) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}
