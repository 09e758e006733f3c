//! Whose a BuildKit session or build is: whoever named its id first. The ids are random and
//! nobody else's to know, so this only sees to it that one that became known opens nothing:
//! through a session its owner's files, secrets and keys can be read, and through a build's
//! id what is built.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use ds01_door::buildkit::Ids;
use ds01_door::http::Head;
use ds01_door::routes::Route;
use ds01_door::{Denial, Query, Role, Who};
use tokio::sync::Notify;

/// Ids that are remembered for one person; past it the oldest goes.
const MOST_OF_ONE: usize = 1000;
const LONGEST: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Session,
    Build,
}

#[derive(Debug)]
struct Owned {
    user: String,
    /// Told once the session is to end.
    over: Rc<Notify>,
}

/// Owners of ids.
#[derive(Debug, Default)]
pub struct Builds {
    owners: HashMap<(Kind, String), Owned>,
    /// Each person's, oldest first.
    order: HashMap<String, VecDeque<(Kind, String)>>,
}

impl Builds {
    /// Takes what is free, and refuses what is another's. An admin's ids become the
    /// admin's own too, but others' are not closed to them.
    pub fn claim(&mut self, who: &Who, ids: &Ids) -> Result<(), Denial> {
        let sessions = ids.sessions.iter().map(|id| (Kind::Session, id));
        let builds = ids.builds.iter().map(|id| (Kind::Build, id));
        for (kind, id) in sessions.chain(builds) {
            if id.len() > LONGEST {
                return Err(Denial::malformed(
                    "build.id",
                    "the id of a session or a build is too long",
                ));
            }
            let key = (kind, id.clone());
            match self.owners.get(&key) {
                Some(owned) if owned.user == who.user || who.role == Role::Admin => {}
                Some(_) => return Err(foreign(kind)),
                None => self.keep(&who.user, key),
            }
        }
        for id in &ids.records {
            let known = self.owners.get(&(Kind::Build, id.clone()));
            if known.is_none_or(|owned| owned.user != who.user) && who.role != Role::Admin {
                return Err(foreign(Kind::Build));
            }
        }
        Ok(())
    }

    fn keep(&mut self, user: &str, key: (Kind, String)) {
        let own = self.order.entry(user.to_owned()).or_default();
        own.push_back(key.clone());
        if own.len() > MOST_OF_ONE
            && let Some(oldest) = own.pop_front()
        {
            self.owners.remove(&oldest);
        }
        self.owners.insert(key, Owned { user: user.to_owned(), over: Rc::default() });
    }

    /// Ends a session of this person's, now or as soon as it begins.
    pub fn end(&mut self, who: &Who, session: &str) {
        let ids = Ids { sessions: vec![session.to_owned()], ..Ids::default() };
        if self.claim(who, &ids).is_ok()
            && let Some(owned) = self.owners.get(&(Kind::Session, session.to_owned()))
            && owned.user == who.user
        {
            owned.over.notify_one();
        }
    }

    /// Waits until the session that a request begins is to end; for ever where it begins none.
    pub fn over(&self, who: &Who, head: &Head) -> impl Future<Output = ()> + use<> {
        let id = head.header(SESSION).unwrap_or_default().to_owned();
        let owned = self.owners.get(&(Kind::Session, id));
        let over = owned.filter(|owned| owned.user == who.user).map(|owned| Rc::clone(&owned.over));
        async move {
            match over {
                Some(over) => over.notified().await,
                None => std::future::pending().await,
            }
        }
    }
}

fn foreign(kind: Kind) -> Denial {
    let what = match kind {
        Kind::Session => "session",
        Kind::Build => "build",
    };
    Denial::forbidden("build.foreign", format!("Permission denied: this {what} is not yours"))
        .why("it was begun by somebody else, or before the Docker door was last started")
        .todo("begin one of your own; every docker client does so by itself")
}

/// The ids that a request of the older kind names.
pub fn named(route: Option<&Route>, head: &Head, query: &Query) -> Result<Ids, Denial> {
    let mut ids = Ids::default();
    match route {
        Some(Route::Session) => {
            let given = head.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(SESSION));
            ids.sessions.extend(given.map(|(_, id)| id.clone()));
            // The daemon reads the first of two.
            if ids.sessions.len() > 1 {
                return Err(Denial::malformed("build.session", "a session has one id"));
            }
        }
        Some(Route::Build) => {
            ids.sessions.extend(query.get("session").map(str::to_owned));
            ids.builds.extend(query.get("buildid").map(plain));
        }
        Some(Route::BuildCancel) => ids.records.extend(query.get("id").map(plain)),
        _ => {}
    }
    ids.sessions.retain(|id| !id.is_empty());
    ids.builds.retain(|id| !id.is_empty());
    Ok(ids)
}

/// The daemon cuts this off itself and takes the rest for the id.
fn plain(id: &str) -> String {
    id.trim_start_matches("upload-request:").to_owned()
}

pub const SESSION: &str = "x-docker-expose-session-uuid";
const SHARED_KEY: &str = "x-docker-expose-session-sharedkey";

/// The header as it is sent on. Sessions of one key share what was sent of a directory; two
/// people's never do, though their clients may have come to one key.
pub fn header(key: &str, value: &str, who: &Who) -> String {
    if key.eq_ignore_ascii_case(SHARED_KEY) {
        format!("{}-{value}", who.uid)
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(user: &str, role: Role) -> Who {
        Who { uid: 1, gid: 1, user: user.into(), role }
    }
    fn session(id: &str) -> Ids {
        Ids { sessions: vec![id.into()], ..Ids::default() }
    }
    fn record(id: &str) -> Ids {
        Ids { records: vec![id.into()], ..Ids::default() }
    }

    #[test]
    fn an_id_belongs_to_whoever_named_it_first() {
        let (alice, bob) = (who("alice", Role::Ordinary), who("bob", Role::Ordinary));
        let admin = who("admin", Role::Admin);
        let mut builds = Builds::default();
        builds.claim(&alice, &session("s1")).unwrap();
        builds.claim(&alice, &session("s1")).unwrap();
        assert_eq!(builds.claim(&bob, &session("s1")).unwrap_err().code, "build.foreign");
        builds.claim(&admin, &session("s1")).unwrap();
        builds.claim(&alice, &session("s1")).unwrap();
        builds.claim(&admin, &session("s2")).unwrap();
        assert_eq!(builds.claim(&bob, &session("s2")).unwrap_err().code, "build.foreign");
        // A session's id is no build's.
        assert_eq!(builds.claim(&alice, &record("s1")).unwrap_err().code, "build.foreign");
        builds.claim(&bob, &Ids { builds: vec!["b1".into()], ..Ids::default() }).unwrap();
        builds.claim(&bob, &record("b1")).unwrap();
        assert!(builds.claim(&alice, &record("b1")).is_err());
        assert!(builds.claim(&bob, &session(&"x".repeat(LONGEST + 1))).is_err());
    }

    #[test]
    fn one_persons_ids_push_out_nobody_elses() {
        let (alice, bob) = (who("alice", Role::Ordinary), who("bob", Role::Ordinary));
        let mut builds = Builds::default();
        builds.claim(&bob, &session("kept")).unwrap();
        for n in 0..2 * MOST_OF_ONE {
            builds.claim(&alice, &session(&n.to_string())).unwrap();
        }
        assert!(builds.claim(&alice, &session("kept")).is_err());
        assert!(builds.owners.len() <= MOST_OF_ONE + 1);
    }
}
