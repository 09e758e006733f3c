//! Who asks, and what they may do.

use ds01_config::Config;
use ds01_fault::Fault;
use ds01_people::{Nss, find, of_uid};
use ds01_site::Site;
use nix::unistd::Uid;

/// The person behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    pub name: String,
    pub admin: bool,
}

/// The caller, by the kernel's word or the door's. No argument changes who that is.
pub fn asker(site: &Site, config: &Config) -> Result<Asker, Fault> {
    let caller = site.caller();
    // Under sudo the work is root's and the entry the person's (pitfall 29).
    let person = of_uid(&Nss, caller.for_records())?;
    let named = config.is_admin(&person.account.name);
    let admin = caller.is_root()
        || (caller.may_be_admin && person.is_admin(&config.access().admin_group, named));
    Ok(Asker { name: person.account.name, admin })
}

impl Asker {
    /// The user that a request is for: the one named, whom only an admin may name, or the
    /// caller.
    pub fn user(&self, named: Option<&str>, config: &Config) -> Result<String, Fault> {
        let Some(named) = named else { return Ok(self.name.clone()) };
        let user = match find(&Nss, named) {
            Ok(person) => person.account.name,
            // Whom the config names need not have logged in here yet.
            Err(fault) => match config.users().contains(&named) {
                true => named.to_owned(),
                false if self.admin => return Err(fault),
                // Whether somebody else has an account is not the caller's to learn.
                false => named.to_owned(),
            },
        };
        if user == self.name || self.admin {
            return Ok(user);
        }
        Err(Fault::not_permitted(format!("{} may not act for `{named}`", self.name))
            .why("only root and the admins name somebody else")
            .todo("leave --user out to act for yourself"))
    }
}

/// Whether this process can write the ledger: as root, directly or behind the Docker door,
/// or in a try-out of one's own.
pub fn may_record(site: &Site) -> Result<(), Fault> {
    if Uid::effective().is_root() || ds01_ledger::is_own_try_out(site) {
        return Ok(());
    }
    Err(Fault::not_permitted("only root writes the waiting line and the calendar")
        .why("they are part of the GPU ledger, which nobody else may change")
        .todo("ask for it by the command that the Docker door runs for you: `gpu-queue join`"))
}
