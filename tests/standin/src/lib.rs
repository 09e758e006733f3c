//! A stand-in for the Docker daemon, and clients of it, for measuring what stands between
//! them. It answers from prepared bytes, so what a measurement shows is the thing between.
//!
//! For the bench and the soak only. It decides nothing and checks nothing: tests of what the
//! door lets through have a daemon of their own that records.
#![allow(unsafe_code)] // Credentials of one thread, which the C library has no call for.

mod answers;
mod client;
mod daemon;

use std::thread::{self, JoinHandle};

pub use answers::{Answers, container_id, container_name};
pub use client::{Client, Reply};
pub use daemon::serve;

/// Runs `work` on a thread that is `uid`: the kernel notes for each connection who the
/// connecting thread was.
pub fn as_user<T: Send + 'static>(
    uid: u32,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    thread::spawn(move || {
        become_user(uid);
        work()
    })
}

/// Changes the credentials of this thread alone. Only root can, and nobody else need.
fn become_user(uid: u32) {
    // SAFETY: the raw calls take and change numbers of the calling thread, no memory.
    unsafe {
        if libc::geteuid() == 0 {
            libc::syscall(libc::SYS_setresgid, uid, uid, uid);
            libc::syscall(libc::SYS_setresuid, uid, uid, uid);
        }
    }
}
