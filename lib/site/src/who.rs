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
    /// Whether this may be an admin at all. Whoever asks from within a container never is,
    /// whatever account they have on the host.
    pub may_be_admin: bool,
}

/// What the door says of whoever asked, to a tool that it runs as root.
pub const CALLER_UID: &str = "DS01_CALLER_UID";
pub const CALLER_GID: &str = "DS01_CALLER_GID";
/// Present where they may be an admin; the tool still looks whether they are one.
pub const CALLER_MAY_BE_ADMIN: &str = "DS01_CALLER_MAY_BE_ADMIN";

impl Caller {
    /// The process's real identity, or the one the door put into the environment of a tool
    /// that it runs as root. `sudo` names the person too, but as root they are root: only
    /// what a record says of them uses it, see [`Caller::for_records`].
    pub fn of_process() -> Self {
        let env = |name: &str| std::env::var(name).ok();
        Self::told(Uid::current().as_raw(), Gid::current().as_raw(), env)
    }

    /// A real uid other than root's is believed and nothing else. Root may call itself
    /// somebody: that makes it less than it is, never more.
    fn told(uid: u32, gid: u32, env: impl Fn(&str) -> Option<String>) -> Self {
        let own = Self { uid, gid, through_door: false, may_be_admin: true };
        if uid != 0 || env(CALLER_UID).is_none_or(|text| text.is_empty()) {
            return own;
        }
        // What cannot be read is nobody (the kernel's word for it), not root.
        let number = |name| env(name).and_then(|text| text.parse().ok()).unwrap_or(u32::MAX - 1);
        Self {
            uid: number(CALLER_UID),
            gid: number(CALLER_GID),
            through_door: true,
            may_be_admin: env(CALLER_MAY_BE_ADMIN).is_some(),
        }
    }

    pub fn is_root(self) -> bool {
        self.uid == 0 && self.may_be_admin
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(uid: u32, said: &[(&str, &str)]) -> Caller {
        Caller::told(uid, uid, |name| {
            said.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_root_is_believed_to_be_somebody_else() {
        let said = [(CALLER_UID, "0"), (CALLER_GID, "0"), (CALLER_MAY_BE_ADMIN, "yes")];
        let alice = told(1001, &said);
        assert_eq!((alice.uid, alice.through_door, alice.is_root()), (1001, false, false));
        assert!(told(0, &said).is_root());
        let alice = told(0, &[(CALLER_UID, "1001"), (CALLER_GID, "1001")]);
        assert_eq!((alice.uid, alice.through_door, alice.may_be_admin), (1001, true, false));
    }

    #[test]
    fn what_cannot_be_read_is_never_root() {
        for said in ["-1", "root", "0x0", "4294967296", " 0"] {
            assert!(
                !told(0, &[(CALLER_UID, said), (CALLER_MAY_BE_ADMIN, "yes")]).is_root(),
                "{said}"
            );
        }
    }

    #[test]
    fn root_in_a_container_is_not_root() {
        assert!(!told(0, &[(CALLER_UID, "0"), (CALLER_GID, "0")]).is_root());
        assert!(told(0, &[]).is_root());
    }
}
