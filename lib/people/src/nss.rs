//! The system's name service, through glibc: whatever `/etc/nsswitch.conf` names answers.

use std::ffi::CString;

use ds01_fault::Fault;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::{Account, Accounts, SystemGroup};

/// The accounts of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nss;

impl Accounts for Nss {
    fn by_uid(&self, uid: u32) -> Result<Option<Account>, Fault> {
        account(User::from_uid(Uid::from_raw(uid)), &uid.to_string())
    }

    fn by_name(&self, name: &str) -> Result<Option<Account>, Fault> {
        account(User::from_name(name), name)
    }

    fn groups(&self, account: &Account) -> Result<Vec<SystemGroup>, Fault> {
        let unreachable = |error: Errno| silent(&account.name, error);
        let name = CString::new(account.name.as_str()).map_err(|_| unreachable(Errno::EINVAL))?;
        let mut gids = getgrouplist(&name, Gid::from_raw(account.gid)).map_err(unreachable)?;
        // Some services list a group twice.
        let mut seen = std::collections::HashSet::new();
        gids.retain(|gid| seen.insert(*gid));
        gids.into_iter()
            .map(|gid| {
                let group = match Group::from_gid(gid) {
                    Err(error) if !is_absence(error) => return Err(unreachable(error)),
                    // LDAP accounts may have a primary group that has no entry.
                    found => found.ok().flatten(),
                };
                Ok(SystemGroup { gid: gid.as_raw(), name: group.map(|group| group.name) })
            })
            .collect()
    }
}

fn account(found: nix::Result<Option<User>>, asked: &str) -> Result<Option<Account>, Fault> {
    match found {
        Ok(user) => Ok(user.map(|user| Account {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            home: user.dir,
        })),
        Err(error) if is_absence(error) => Ok(None),
        Err(error) => Err(silent(asked, error)),
    }
}

/// What services answer for an account that does not exist, besides nothing (getpwnam(3)).
fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM)
}

fn silent(asked: &str, error: Errno) -> Fault {
    Fault::unreachable(format!("cannot look up the account `{asked}`"))
        .why(format!("the name service did not answer: {}", error.desc()))
        .todo("check that sssd or the directory server is up, and ask again")
}
