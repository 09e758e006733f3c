//! Who is calling. No argument ever decides authority (pitfall 1): the kernel says who the
//! process is, and only root, on behalf of the Docker door, may name somebody else.

use nix::unistd::{Gid, Uid};

/// The person behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub uid: u32,
    pub gid: u32,
    /// Whether the request came through the door on this person's behalf: then the process
    /// is root, but the caller is not.
    pub through_door: bool,
}

impl Caller {
    /// The process's real identity, or the one the door put into the environment of a tool
    /// that it runs as root. `sudo` names the person too, but as root they are root: only
    /// what a record says of them uses it, see [`Caller::for_records`].
    pub fn of_process() -> Self {
        let own = Self {
            uid: Uid::current().as_raw(),
            gid: Gid::current().as_raw(),
            through_door: false,
        };
        if own.uid != 0 {
            return own;
        }
        let named = |name| std::env::var(name).ok()?.parse().ok();
        match (named("DS01_CALLER_UID"), named("DS01_CALLER_GID")) {
            (Some(uid), Some(gid)) => Self { uid, gid, through_door: true },
            _ => own,
        }
    }

    pub fn is_root(self) -> bool {
        self.uid == 0
    }

    /// The uid to write into records: under sudo the person's, so that an admin's work is
    /// not labelled root's (pitfall 29). It grants nothing.
    pub fn for_records(self) -> u32 {
        if !self.is_root() {
            return self.uid;
        }
        std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok()).unwrap_or(0)
    }
}
