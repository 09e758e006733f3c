//! From a uid to a person, through the name service, which may be slow: asked on a thread
//! of its own, its answers believed for half a minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ds01_door::{Denial, Role, Who};
use ds01_people::{Accounts, Person};

const BELIEVED: Duration = Duration::from_secs(30);
/// Reads all, writes nothing.
const SERVICE: &str = "ds01-dashboard";

/// A name service that other threads may ask.
pub type Directory = Arc<dyn Accounts + Send + Sync>;

/// What was found for a uid, and when.
#[derive(Default)]
pub struct People(HashMap<u32, (Instant, Option<Arc<Person>>)>);

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "People({})", self.0.len())
    }
}

impl People {
    pub fn recall(&self, uid: u32) -> Option<Option<Arc<Person>>> {
        let (when, person) = self.0.get(&uid)?;
        (when.elapsed() < BELIEVED).then(|| person.clone())
    }
    pub fn keep(&mut self, uid: u32, person: Option<Arc<Person>>) {
        if self.0.len() > 10_000 {
            self.0.clear();
        }
        self.0.insert(uid, (Instant::now(), person));
    }
}

/// Asks the name service on a thread of its own.
pub async fn look_up(directory: &Directory, uid: u32) -> Result<Option<Arc<Person>>, Denial> {
    let directory = Arc::clone(directory);
    let found = tokio::task::spawn_blocking(move || match directory.by_uid(uid)? {
        None => Ok::<_, ds01_fault::Fault>(None),
        Some(account) => {
            let groups = directory.groups(&account)?;
            Ok(Some(Arc::new(Person { account, groups })))
        }
    });
    let silent = |why: String| {
        Denial::new(503, "who.unanswered", "the name service does not answer")
            .why(why)
            .todo("try again in a moment")
    };
    match found.await {
        Ok(Ok(person)) => Ok(person),
        Ok(Err(fault)) => Err(silent(fault.to_string())),
        Err(error) => Err(silent(error.to_string())),
    }
}

/// The person to the door. `may_be_admin` is false for whoever is not on the host itself.
pub fn who(person: &Person, admin_group: &str, by_config: bool, may_be_admin: bool) -> Who {
    let account = &person.account;
    let role = if may_be_admin && person.is_admin(admin_group, by_config) {
        Role::Admin
    } else if may_be_admin && account.name == SERVICE {
        Role::Service
    } else {
        Role::Ordinary
    };
    Who { uid: account.uid, gid: account.gid, user: account.name.clone(), role }
}

/// Somebody without an account.
pub fn nobody(uid: u32, gid: u32) -> Who {
    Who { uid, gid, user: String::new(), role: Role::Nobody }
}
