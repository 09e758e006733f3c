//! Which containers are somebody's own, and which one they mean by a name.

use std::sync::OnceLock;

use ds01_config::{Config, Limits};
use ds01_docker::{Container, Docker, Listed};
use ds01_door::Owner;
use ds01_fault::{Code, Fault};
use ds01_ledger::State;
use ds01_ledger::types::Lease;
use ds01_names::container::{self, SEPARATOR};
use ds01_owner::Clues;
use ds01_people::{Nss, Person, of_uid};
use ds01_site::Site;
use ds01_text::printable;
use ds01_units::Stamp;

use crate::After;

/// Names that are this alike are offered; a worse likeness only misleads.
const ALIKE: f64 = 0.6;
/// Fewer characters of an id could be any word.
const SHORTEST_ID: usize = 4;

/// A person before their containers.
#[derive(Debug)]
pub struct Mine {
    docker: Docker,
    person: Person,
    suffix: String,
    admin: bool,
    config: Result<Config, Fault>,
    site: Site,
    leases: OnceLock<Option<State>>,
}

impl Mine {
    /// The caller, at the Docker socket of this machine. Nothing is asked of Docker yet.
    ///
    /// An unreadable config costs the limits that are told, not the containers: what somebody
    /// may do is the door's to decide.
    pub fn open(site: &Site) -> Result<Self, Fault> {
        Self::at(site, Docker::from_env()?)
    }

    /// The same at the door for whoever runs this, root as well: what is made has an owner and
    /// limits, which the daemon's own socket would give it none of.
    pub fn at_the_door(site: &Site) -> Result<Self, Fault> {
        let named = std::env::var_os("DOCKER_HOST").is_some_and(|host| !host.is_empty());
        let docker = match named {
            true => Docker::from_env()?,
            false => Docker::at(site.root().join("var/run/docker.sock")),
        };
        Self::at(site, docker)
    }

    /// The same at a daemon of one's own choice.
    pub fn at(site: &Site, docker: Docker) -> Result<Self, Fault> {
        let caller = site.caller();
        // Under sudo the containers meant are the person's (pitfall 29).
        let person = of_uid(&Nss, caller.for_records())?;
        let config = Config::load(site);
        let named = |config: &Config| {
            person.is_admin(&config.access().admin_group, config.is_admin(&person.account.name))
        };
        // From within a container nobody is one.
        let admin = caller.may_be_admin
            && (caller.is_root()
                || config.as_ref().map_or_else(|_| person.is_admin("ds01-admin", false), named));
        let suffix = container::suffix(&person.account.name, person.account.uid);
        Ok(Self {
            docker,
            person,
            suffix,
            admin,
            config,
            site: site.clone(),
            leases: OnceLock::new(),
        })
    }

    pub fn docker(&self) -> &Docker {
        &self.docker
    }
    pub fn user(&self) -> &str {
        &self.person.account.name
    }
    pub fn person(&self) -> &Person {
        &self.person
    }
    /// Whether everybody's containers are theirs to look after. It only chooses what is
    /// offered; the door decides by itself.
    pub fn is_admin(&self) -> bool {
        self.admin
    }
    pub fn config(&self) -> Result<&Config, Fault> {
        self.config.as_ref().map_err(Clone::clone)
    }

    pub fn site(&self) -> &Site {
        &self.site
    }
    pub fn now(&self) -> Stamp {
        self.site.now()
    }

    /// Forgets who held which GPU, so that the next look is a new one.
    pub fn look_again(&mut self) {
        self.leases = OnceLock::new();
    }

    /// Who holds which GPU, as it was when it was first asked; nothing where nobody can say.
    pub fn leases(&self) -> Option<&State> {
        self.leases.get_or_init(|| ds01_ledger::view::state(&self.site).ok()).as_ref()
    }

    /// The lease of a container; nothing where the ledger cannot be asked, and nothing within
    /// where it has none.
    pub fn lease(&self, container: &Container) -> Option<Option<&Lease>> {
        let now = self.now();
        self.leases().map(|state| {
            let lease = state.find(&container.id).or_else(|| state.leases.get(&container.name));
            lease.filter(|lease| !lease.lapsed(now))
        })
    }

    /// The limits of a container's owner; nothing where the config cannot be read or nobody
    /// owns it.
    pub fn limits_of(&self, container: &Container) -> Option<Limits> {
        let owner = self.owner_of_container(container)?;
        Some(self.config.as_ref().ok()?.resolve(&owner, self.now()))
    }

    /// What of a container goes on, and until when.
    pub fn after(&self, container: &Container) -> After {
        let limits = self.limits_of(container);
        let name = self.short(&container.name);
        After::of(name, container, self.lease(container), limits.as_ref(), self.now())
    }

    /// The full name of a container of theirs: `mine` is `mine._.alice`.
    pub fn full(&self, name: &str) -> Result<String, Fault> {
        if name.strip_suffix(&self.suffix).is_some_and(|rest| rest.ends_with(SEPARATOR)) {
            return Ok(name.to_owned());
        }
        let account = &self.person.account;
        container::full(name, &account.name, account.uid).map_err(|bad| {
            Fault::usage(format!("`{}` is no name for a container", printable(name)))
                .why(bad.to_string())
                .todo("choose another name")
        })
    }

    /// A name without the suffix that is this person's own.
    pub fn short<'a>(&self, full: &'a str) -> &'a str {
        let by_uid = self.person.account.uid.to_string();
        let bare = |suffix: &str| full.strip_suffix(suffix)?.strip_suffix(SEPARATOR);
        bare(&self.suffix).or_else(|| bare(&by_uid)).unwrap_or(full)
    }

    /// Their containers, running or not, by name.
    pub fn all(&self) -> Result<Vec<Listed>, Fault> {
        let mut own = self.docker.list()?;
        own.retain(|one| self.owns(one));
        own.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(own)
    }

    /// Everybody's, for admins.
    pub fn everyones(&self) -> Result<Vec<Listed>, Fault> {
        if !self.admin {
            return Err(Fault::not_permitted(format!("{} sees only their own", self.user()))
                .why("everybody's containers are for root and the admins")
                .todo("leave --everyone out"));
        }
        let mut all = self.docker.list()?;
        all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(all)
    }

    /// Whose a container is, by the one rule; nobody's where nothing says it. What a list does
    /// not show is asked for, where the labels do not settle it.
    pub fn owner_of(&self, one: &Listed) -> Option<String> {
        let label = |key: &str| one.labels.get(key).map(String::as_str);
        match ds01_door::owner_of(label, |_| None) {
            Owner::User(user) => Some(user),
            Owner::Nobody => {
                let inspected = self.docker.inspect(&one.id).ok().flatten()?;
                self.owner_of_container(&inspected)
            }
        }
    }

    /// The same of an inspected one.
    pub fn owner_of_container(&self, one: &Container) -> Option<String> {
        let label = |key: &str| one.label(key);
        let clues = Clues { label: &label, name: &one.name, binds: &one.binds };
        ds01_owner::find(&clues, &Nss).map(|(user, _)| user)
    }

    fn owns(&self, one: &Listed) -> bool {
        self.owner_of(one).as_deref() == Some(self.user())
    }

    /// The container somebody means by `typed`: its name as it is, the name without their own
    /// suffix, or its id or the beginning of it.
    ///
    /// Not found is 4 and names what is alike, somebody else's 5 with the owner, an
    /// unreachable daemon 6.
    pub fn find(&self, typed: &str) -> Result<Container, Fault> {
        if typed.is_empty() {
            return Err(Fault::usage("an empty name is no container's")
                .why("a script may have an empty variable")
                .todo("`container-list` shows your containers"));
        }
        let own = self.all()?;
        let id = match self.among(&own, typed)? {
            Some(listed) => &listed.id,
            None => typed,
        };
        // A name that no container can have would be another route, or nonsense, to a daemon.
        if let Err(bad) = container::check(id) {
            return Err(self.nothing(typed, &own).why(bad.to_string()));
        }
        let found = match self.docker.inspect(id) {
            Err(fault) if fault.code == Code::NotPermitted => return Err(foreign(typed, fault)),
            other => other?,
        };
        let found = found.ok_or_else(|| self.nothing(typed, &own))?;
        match self.owner_of_container(&found) {
            // Without the door Docker shows everybody everything.
            Some(owner) if owner != self.user() && !self.admin => Err(Fault::not_permitted(
                format!("Permission denied: container owned by {}", printable(&owner)),
            )
            .why(format!("`{}` is not yours", printable(typed)))
            .todo("`container-list` shows your own")),
            _ => Ok(found),
        }
    }

    /// The one of their own that is meant. What `container-list` shows is found first: a name
    /// as it is before one that lacks the suffix, and names before ids.
    fn among<'a>(&self, own: &'a [Listed], typed: &str) -> Result<Option<&'a Listed>, Fault> {
        let by_name = own.iter().find(|one| one.name == typed);
        let by_short = || own.iter().find(|one| self.short(&one.name) == typed);
        if let Some(one) = by_name.or_else(by_short) {
            return Ok(Some(one));
        }
        if typed.len() < SHORTEST_ID || !typed.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let mut by_id = own.iter().filter(|one| one.id.starts_with(typed));
        match (by_id.next(), by_id.next()) {
            (Some(first), Some(second)) => {
                Err(Fault::usage(format!("the id `{typed}` is not one container's"))
                    .why(format!("{} and {} begin with it", first.name, second.name))
                    .todo("give more of the id, or the name"))
            }
            (only, _) => Ok(only),
        }
    }

    fn nothing(&self, typed: &str, own: &[Listed]) -> Fault {
        let fault = Fault::not_found(format!("no container `{}`", printable(typed)))
            .detail("container", typed);
        // An admin means somebody's, and has to say whose.
        if self.admin && !typed.is_empty() {
            let all = self.docker.list().unwrap_or_default();
            let named = |one: &&Listed| {
                container::parse(&one.name).is_some_and(|(short, _)| short == typed)
            };
            let theirs: Vec<String> =
                all.iter().filter(named).map(|one| printable(&one.name)).collect();
            if let Some((last, first)) = theirs.split_last() {
                let (names, are) = match first {
                    [] => (last.clone(), "is"),
                    first => (format!("{} and {last}", first.join(", ")), "are"),
                };
                return fault.why(format!("{names} {are} called so")).todo("give the full name");
            }
        }
        let names = own.iter().map(|one| self.short(&one.name));
        let near = names
            .map(|name| (strsim::jaro_winkler(typed, name), name))
            .filter(|(alike, _)| *alike >= ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match (near, own.is_empty()) {
            (Some((_, near)), _) => {
                fault.why(format!("did you mean `{}`?", printable(near))).detail("nearest", near)
            }
            (None, true) => fault.why("you have no containers"),
            (None, false) => fault.why("none of yours has such a name or id"),
        }
        .todo("`container-list` shows your containers")
    }
}

/// The door's refusal of somebody else's, with the owner that it names.
fn foreign(typed: &str, mut fault: Fault) -> Fault {
    let said = fault.what.strip_prefix("Docker refuses: ").unwrap_or(&fault.what);
    // The door's words hold three lines already.
    let what = said.lines().next().unwrap_or_default().to_owned();
    fault.why = format!("`{}` is not yours", printable(typed));
    fault.what = what;
    fault.todo("`container-list` shows your own")
}
