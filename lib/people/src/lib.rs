//! Who somebody is: the canonical name of a uid, its groups, whether they are an admin.
//!
//! Everything comes from the system's name service (NSS), never from `/etc/passwd`: in a
//! lab most accounts live in LDAP or Active Directory. The canonical name is the one the
//! name service gives for the uid, so that whoever logs in as `H.Baker` is charged as
//! `h.baker@uni.lan`.

mod nss;

use std::path::PathBuf;

use ds01_fault::Fault;

pub use nss::Nss;

/// An account, as the name service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
}

/// A group of the system; it has no name when only its number is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemGroup {
    pub gid: u32,
    pub name: Option<String>,
}

/// An account and the groups it is in, its own first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub account: Account,
    pub groups: Vec<SystemGroup>,
}

/// Where accounts are looked up. A fault means that the service did not answer, which is
/// never the same as "no such account".
pub trait Accounts {
    fn by_uid(&self, uid: u32) -> Result<Option<Account>, Fault>;
    fn by_name(&self, name: &str) -> Result<Option<Account>, Fault>;
    fn groups(&self, account: &Account) -> Result<Vec<SystemGroup>, Fault>;
}

/// The person with this uid.
pub fn of_uid(accounts: &dyn Accounts, uid: u32) -> Result<Person, Fault> {
    let account = accounts.by_uid(uid)?.ok_or_else(|| {
        Fault::not_found(format!("no account has the uid {uid}"))
            .why("the name service (passwd, LDAP) knows no name for it")
            .todo(format!("ask the admins; `getent passwd {uid}` shows what the system knows"))
            .detail("uid", uid)
    })?;
    let groups = accounts.groups(&account)?;
    Ok(Person { account, groups })
}

/// The person with this name or uid.
///
/// Names may be numbers (`212345`): digits are a name first, as `id` and `chown` read them,
/// and `+212345` is always the uid.
pub fn find(accounts: &dyn Accounts, text: &str) -> Result<Person, Fault> {
    if let Some(uid) = text.strip_prefix('+').and_then(number) {
        return of_uid(accounts, uid);
    }
    // A name service may be asked for anything but this; glibc would cut it at the NUL.
    if text.is_empty() || text.contains(['\0', '\n', ':']) {
        return Err(Fault::usage(format!("`{}` is no user's name", text.escape_debug()))
            .why("a name is not empty and holds no line end, NUL or colon")
            .todo("give a name or a uid"));
    }
    match (accounts.by_name(text)?, number(text)) {
        // By uid once more: the canonical name of one account, whatever it was found as.
        (Some(account), _) => of_uid(accounts, account.uid),
        (None, Some(uid)) => of_uid(accounts, uid),
        (None, None) => Err(Fault::not_found(format!("no user `{text}`"))
            .why("the name service (passwd, LDAP) knows no such account")
            .todo("check the spelling; `getent passwd NAME` shows what the system knows")
            .detail("user", text)),
    }
}

/// A uid as people write it. The largest number means "no user" to the kernel.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|uid| digits && *uid != u32::MAX)
}

impl Person {
    /// Whether they are in this group of the system.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|have| have.name.as_deref() == Some(group))
    }

    /// The names of their groups, sorted; a group without a name is its number.
    pub fn group_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .groups
            .iter()
            .map(|group| group.name.clone().unwrap_or_else(|| group.gid.to_string()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether they run the lab: root, whoever is in the system's admin group, and whoever
    /// the config names as an admin.
    pub fn is_admin(&self, admin_group: &str, named_by_config: bool) -> bool {
        self.account.uid == 0 || self.is_in(admin_group) || named_by_config
    }
}
