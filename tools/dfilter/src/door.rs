//! What all connections share: the policy in force, who is who, whose container an id is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use ds01_config::Config;
use ds01_door::{Denial, Owner, Who, Words};
use ds01_eventlog::{Event, Kind};
use ds01_fault::Fault;
use ds01_site::Site;
use serde_json::json;

use crate::audit::Audit;
use crate::builds::Builds;
use crate::counters::Counters;
use crate::drain::Drain;
use crate::events::Denials;
use crate::gate::Gate;
use crate::peer::{Home, Origin, Peer};
use crate::people::{self, Directory, People};
use crate::{Mode, daemon::Daemon};

/// More ids than any machine has; past it the index is learned again.
const MOST_KNOWN: usize = 100_000;

/// What all connections share. One thread serves them all, so no locks.
pub struct Door {
    pub site: Site,
    pub upstream: PathBuf,
    pub mode: Mode,
    pub directory: Directory,
    pub home: Home,
    pub audit: Audit,
    /// Whether GPUs are leased, or only limits looked at.
    pub leases: bool,
    pub counters: Counters,
    policy: RefCell<Option<Arc<Config>>>,
    stamps: RefCell<Vec<(PathBuf, Option<SystemTime>, u64)>>,
    words: RefCell<HashMap<String, Rc<Words>>>,
    people: RefCell<People>,
    containers: RefCell<HashMap<String, Owner>>,
    execs: RefCell<HashMap<String, Owner>>,
    creating: RefCell<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Sessions and builds of BuildKit.
    pub builds: RefCell<Builds>,
    /// Events of refusals that each person has at hand.
    pub denials: Denials,
    /// ds01's own tools that run for people.
    pub gate: Gate,
    pub connections: RefCell<HashMap<u32, u32>>,
    pub drain: Drain,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl Door {
    pub fn new(
        site: &Site,
        upstream: PathBuf,
        mode: Mode,
        directory: Directory,
    ) -> Result<Self, Fault> {
        let audit = Audit::open(&site.log().join("door.jsonl"))?;
        let door = Self::quiet(site, upstream, mode, directory, true)?;
        Ok(Self { audit, ..door })
    }

    /// One that records no decisions, for a decision by hand.
    pub fn quiet(
        site: &Site,
        upstream: PathBuf,
        mode: Mode,
        directory: Directory,
        leases: bool,
    ) -> Result<Self, Fault> {
        let home = Home::find().map_err(|error| {
            Fault::failed("cannot read the host's name spaces")
                .why(error.to_string())
                .todo("dfilter needs /proc; check the unit's ProtectProc and ProcSubset")
        })?;
        let door = Self {
            site: site.clone(),
            upstream,
            mode,
            directory,
            home,
            audit: Audit::none(),
            leases,
            counters: Counters::default(),
            policy: RefCell::default(),
            stamps: RefCell::default(),
            words: RefCell::default(),
            people: RefCell::default(),
            containers: RefCell::default(),
            execs: RefCell::default(),
            creating: RefCell::default(),
            builds: RefCell::default(),
            denials: Denials::default(),
            gate: Gate::default(),
            connections: RefCell::default(),
            drain: Drain::default(),
        };
        door.reload();
        Ok(door)
    }

    /// Reads the config again. One that cannot be read changes nothing: the one before
    /// stays, and without one nothing is granted; it is an event, and comes back to be told.
    pub fn reload(&self) -> Option<Fault> {
        *self.stamps.borrow_mut() = self.stamps();
        match Config::load(&self.site) {
            Ok(config) => {
                *self.policy.borrow_mut() = Some(Arc::new(config));
                self.words.borrow_mut().clear();
                None
            }
            Err(fault) => {
                let in_force = self.policy.borrow().is_some();
                let details = json!({"message": fault.to_string(), "in_force": in_force});
                ds01_eventlog::append(
                    &self.site,
                    &Event::new(Kind::ConfigError, None, "dfilter", details),
                );
                Some(if in_force {
                    Fault::unreadable("the changed config is not taken over: the one before stays")
                        .why(fault.what)
                        .shown(fault.shown)
                        .todo("mend it (`limits-check` shows everything), then systemctl reload ds01-dfilter")
                } else {
                    fault
                })
            }
        }
    }

    /// Reads the config again where one of its files is another than before.
    pub fn reload_if_changed(&self) {
        let now = self.stamps();
        if *self.stamps.borrow() != now {
            self.reload();
        }
    }

    /// What tells a changed config from the one in force: times and sizes of its files.
    fn stamps(&self) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
        let config = self.site.config();
        let dir = config.parent().map(PathBuf::from).unwrap_or_default();
        let beside = |dir: PathBuf| {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        let mut files = beside(dir.join("groups"));
        files.extend(beside(dir));
        files.sort();
        let stamp = |path: PathBuf| {
            let metadata = std::fs::metadata(&path).ok();
            let size = metadata.as_ref().map_or(0, std::fs::Metadata::len);
            (path, metadata.and_then(|metadata| metadata.modified().ok()), size)
        };
        files.into_iter().map(stamp).collect()
    }

    pub fn config(&self) -> Option<Arc<Config>> {
        self.policy.borrow().clone()
    }

    /// The policy words for a person.
    pub fn words(&self, user: &str) -> Rc<Words> {
        if let Some(words) = self.words.borrow().get(user) {
            return Rc::clone(words);
        }
        let words = Rc::new(match &*self.policy.borrow() {
            Some(config) => ds01_admission::words(config, user, self.site.now()),
            None => ds01_admission::no_words(),
        });
        self.words.borrow_mut().insert(user.to_owned(), Rc::clone(&words));
        words
    }

    /// The person behind a connection.
    pub async fn who(&self, peer: &Peer, daemon: &mut Daemon) -> Result<Who, Denial> {
        match &peer.origin {
            Origin::Host => self.named(peer.uid, peer.gid, true).await,
            // Root without the host's mounts is somebody's idea of root.
            Origin::Apart if peer.uid != 0 => self.named(peer.uid, peer.gid, false).await,
            Origin::Apart | Origin::Unknown => Err(unresolvable()),
            // Whatever uid it has in there (mostly 0), it is whoever owns the container.
            Origin::Container(id) => {
                let owner = crate::resolve::owner_of_container(self, daemon, id).await?;
                let Some((_, Owner::User(user))) = owner else { return Err(unresolvable()) };
                let directory = Arc::clone(&self.directory);
                let account = tokio::task::spawn_blocking(move || directory.by_name(&user));
                match account.await {
                    Ok(Ok(Some(account))) => self.named(account.uid, account.gid, false).await,
                    _ => Err(unresolvable()),
                }
            }
        }
    }

    async fn named(&self, uid: u32, gid: u32, may_be_admin: bool) -> Result<Who, Denial> {
        let known = self.people.borrow().recall(uid);
        let person = match known {
            Some(person) => person,
            None => {
                let person = people::look_up(&self.directory, uid).await?;
                self.people.borrow_mut().keep(uid, person.clone());
                person
            }
        };
        let Some(person) = person else { return Ok(people::nobody(uid, gid)) };
        let config = self.config();
        let group = config.as_ref().map_or("ds01-admin", |config| &config.access().admin_group);
        let by_config = config.as_ref().is_some_and(|config| config.is_admin(&person.account.name));
        Ok(people::who(&person, group, by_config, may_be_admin))
    }

    /// The owner of a container's full id, if it was seen. An id never changes hands.
    pub fn known(&self, id: &str) -> Option<Owner> {
        self.containers.borrow().get(id).cloned()
    }
    pub fn learn(&self, id: &str, owner: &Owner) {
        learn(&self.containers, id, owner);
    }
    pub fn known_exec(&self, id: &str) -> Option<Owner> {
        self.execs.borrow().get(id).cloned()
    }
    pub fn learn_exec(&self, id: &str, owner: &Owner) {
        learn(&self.execs, id, owner);
    }
    /// Gone for good: removed, or known by nobody.
    pub fn forget(&self, id: &str) {
        self.containers.borrow_mut().remove(id);
    }

    /// One create of a person at a time: two at the edge of a quota must not both count
    /// what is there before either is.
    pub fn turn(&self, user: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.creating.borrow_mut();
        all.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(all.entry(user.to_owned()).or_default())
    }
}

fn learn(index: &RefCell<HashMap<String, Owner>>, id: &str, owner: &Owner) {
    let mut index = index.borrow_mut();
    if index.len() >= MOST_KNOWN {
        index.clear();
    }
    index.insert(id.to_owned(), owner.clone());
}

fn unresolvable() -> Denial {
    Denial::forbidden("who.unresolvable", "who is asking cannot be told")
        .why("the process runs in a name space that belongs to no container of a known owner")
        .todo("ask from the host itself, or from a container of your own")
}
