//! Under `sudo` what somebody makes is theirs, not root's (pitfall 29).

use std::ffi::CString;

use ds01_fault::{Code, Context, Fault};
use ds01_people::{Nss, of_uid};
use ds01_site::Site;
use nix::unistd::{Gid, Uid, initgroups, setgid, setuid};

/// Goes on as the person who called `sudo`, for good: the door, the directories that are made
/// and the owner inside are theirs then. Root itself stays root.
pub fn step_down(site: &Site) -> Result<(), Fault> {
    let uid = site.caller().for_records();
    if !Uid::effective().is_root() || uid == 0 || !site.is_real() || site.caller().through_door {
        return Ok(());
    }
    let account = of_uid(&Nss, uid)?.account;
    let cannot = || format!("cannot go on as {}", account.name);
    let name = CString::new(account.name.as_str()).or_fault(Code::Failed, cannot)?;
    let gid = Gid::from_raw(account.gid);
    initgroups(&name, gid)
        .and_then(|()| setgid(gid))
        .and_then(|()| setuid(Uid::from_raw(uid)))
        .or_fault(Code::Failed, cannot)
}
