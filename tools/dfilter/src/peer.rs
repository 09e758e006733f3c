//! Who is at the other end of a connection: what the kernel says, looked at as soon as the
//! connection is there, before the peer could have gone and its process id be another's.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::stream::Stream;

/// The peer of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    pub gid: u32,
    pub pid: i32,
    pub origin: Origin,
}

/// Where the peer runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Host,
    /// On the host, in a mount name space of its own: itself, but never an admin.
    Apart,
    /// In the container of this id.
    Container(String),
    /// It cannot be told, so nothing is granted.
    Unknown,
}

/// The host's name spaces.
#[derive(Clone, Debug)]
pub struct Home {
    mnt: PathBuf,
    pid: PathBuf,
}

impl Home {
    /// Those of process 1: the filter's own unit has a mount name space of its own.
    pub fn find() -> io::Result<Self> {
        let of = |what: &str| {
            fs::read_link(format!("/proc/1/ns/{what}"))
                .or_else(|_| fs::read_link(format!("/proc/self/ns/{what}")))
        };
        Ok(Self { mnt: of("mnt")?, pid: of("pid")? })
    }
}

/// Asks the kernel.
pub fn of(stream: &Stream, home: &Home) -> io::Result<Peer> {
    let cred = getsockopt(stream, PeerCredentials)?;
    let pid = cred.pid();
    let held = pidfd(stream);
    let origin = origin(pid, home);
    // Only while the process is there are its name spaces those of whoever connected.
    let origin = match held {
        Some(held) if !is_alive(&held) => Origin::Unknown,
        _ => origin,
    };
    Ok(Peer { uid: cred.uid(), gid: cred.gid(), pid, origin })
}

fn origin(pid: i32, home: &Home) -> Origin {
    if pid <= 0 {
        return Origin::Unknown;
    }
    let space = |what: &str| fs::read_link(format!("/proc/{pid}/ns/{what}"));
    let (Ok(mnt), Ok(own_pid)) = (space("mnt"), space("pid")) else { return Origin::Unknown };
    if mnt == home.mnt && own_pid == home.pid {
        return Origin::Host;
    }
    match fs::read_to_string(format!("/proc/{pid}/cgroup")).ok().as_deref().and_then(container) {
        Some(id) => Origin::Container(id.to_owned()),
        None if own_pid == home.pid => Origin::Apart,
        None => Origin::Unknown,
    }
}

/// The id of a container in the lines of a process's cgroups: `docker-<id>.scope` or `/<id>`.
fn container(lines: &str) -> Option<&str> {
    lines
        .split(['/', '\n', ':'])
        .map(|part| part.trim_end_matches(".scope"))
        .map(|part| part.rsplit('-').next().unwrap_or(part))
        .rfind(|part| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A handle on the very process that connected (Linux 6.5); none on older kernels.
#[allow(unsafe_code)] // A socket option that nix does not know.
fn pidfd(stream: &Stream) -> Option<OwnedFd> {
    const SO_PEERPIDFD: libc::c_int = 77;
    let mut fd: libc::c_int = -1;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes, which is the size of `fd`.
    let rc = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PEERPIDFD,
            (&raw mut fd).cast(),
            &raw mut size,
        )
    };
    // SAFETY: on success the kernel has given us a new descriptor that nobody else closes.
    (rc == 0 && fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The handle can be read once the process has ended.
fn is_alive(held: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(held.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO) == Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_found_in_every_cgroup_layout() {
        let id = "0123456789abcdef".repeat(4);
        for lines in [
            format!("0::/ds01.slice/ds01-x.slice/docker-{id}.scope\n"),
            format!("0::/docker/{id}\n"),
            format!("12:pids:/docker/{id}\n0::/\n"),
            format!("0::/docker/{}/docker/{id}\n", "f".repeat(64)),
        ] {
            assert_eq!(container(&lines), Some(id.as_str()), "{lines}");
        }
        assert_eq!(container("0::/user.slice/user-1000.slice\n"), None);
    }
}
