//! Looking up facts in the words of a decision: whose a container is, whether a volume or a
//! network may be used.

use crate::facts::{Answer, Ask, Facts, Owner, Stop};
use crate::who::{Role, Unowned, Who, Words};
use crate::{Denial, json};

/// All that a decision is made from, besides the request.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub who: &'a Who,
    pub words: &'a Words,
    pub facts: &'a Facts,
}

impl<'a> Case<'a> {
    pub fn answer(&self, ask: Ask) -> Result<&'a Answer, Stop> {
        // No container, volume or network has a slash in its name; images do, and
        // `docker inspect` looks for all of these.
        if let Ask::Container(name) | Ask::Volume(name) | Ask::Network(name) = &ask
            && name.contains('/')
        {
            return Err(Stop::Missing(missing(&format!("No such object: {name}"))));
        }
        match self.facts.get(&ask) {
            None => Err(Stop::Need(ask)),
            Some(Answer::Missing(words)) => Err(Stop::Missing(words.clone())),
            Some(Answer::Refused(denial)) => Err(Stop::Deny(denial.clone())),
            Some(answer) => Ok(answer),
        }
    }

    pub fn is_admin(&self) -> bool {
        self.who.role == Role::Admin
    }

    /// The full id of a container this person may look at, or touch.
    pub fn container(&self, name: &str, touches: bool) -> Result<String, Stop> {
        match self.answer(Ask::Container(self.meant(Ask::Container, name)?))? {
            Answer::Container { id, owner } => {
                self.own("container", owner, touches)?;
                Ok(id.clone())
            }
            _ => Err(unanswered("container")),
        }
    }

    pub fn exec(&self, id: &str, touches: bool) -> Result<(), Stop> {
        match self.answer(Ask::Exec(id.to_owned()))? {
            Answer::Exec { owner } => self.own("container", owner, touches),
            _ => Err(unanswered("exec")),
        }
    }

    /// Whether somebody may do what only the owner may.
    pub fn own(&self, what: &'static str, owner: &Owner, touches: bool) -> Result<(), Stop> {
        if self.is_admin() || (self.who.role == Role::Service && !touches) {
            return Ok(());
        }
        match owner {
            Owner::User(user) if *user == self.who.user => Ok(()),
            Owner::User(user) => Err(owned_by(what, user)),
            Owner::Nobody => match self.words.unowned {
                Unowned::Open => Ok(()),
                Unowned::Visible if !touches => Ok(()),
                _ => Err(Denial::forbidden(
                    "owner.nobody",
                    format!("Permission denied: this {what} has no owner"),
                )
                .why("only admins may use what carries no owner's label (`unowned`)")
                .todo("ask an admin to say whose it is")
                .into()),
            },
        }
    }

    /// The name to forward for a volume that is used, and whether it must be made first.
    pub fn volume(&self, name: &str) -> Result<(String, bool), Stop> {
        let name = self.meant(Ask::Volume, &self.volume_name(name))?;
        if self.is_admin() {
            return Ok((name, false));
        }
        match self.answer(Ask::Volume(name.clone())) {
            Err(Stop::Missing(_)) => Ok((name, true)),
            Err(stop) => Err(stop),
            Ok(Answer::Volume { owner, users }) => {
                self.own_volume(owner, users, true)?;
                Ok((name, false))
            }
            Ok(_) => Err(unanswered("volume")),
        }
    }

    pub fn own_volume(&self, owner: &Owner, users: &[Owner], touches: bool) -> Result<(), Stop> {
        if *owner == Owner::Nobody {
            // Anonymous volumes carry no label; they are whose containers use them.
            let me = Owner::User(self.who.user.clone());
            if let Some(other) = users.iter().find(|user| **user != me) {
                return self.own("volume", other, touches);
            }
            if !users.is_empty() {
                return Ok(());
            }
        }
        self.own("volume", owner, touches)
    }

    /// `vscode` is one name for everybody in the editor's own settings, so each person has
    /// their own behind it.
    pub fn volume_name(&self, name: &str) -> String {
        let private = self.who.role == Role::Ordinary
            && self.words.private_volumes.iter().any(|private| private == name);
        if private { format!("{name}-{}", self.who.uid) } else { name.to_owned() }
    }

    /// The id of a network this person may use; the predefined ones keep their names.
    pub fn network(&self, name: &str) -> Result<String, Stop> {
        match name {
            "" | "default" | "bridge" | "none" => return Ok(name.to_owned()),
            "host" => return self.host_network().map(|()| name.to_owned()),
            _ => {}
        }
        match self.answer(Ask::Network(self.meant(Ask::Network, name)?))? {
            Answer::Network { name, .. } if name == "bridge" || name == "none" => Ok(name.clone()),
            Answer::Network { name, .. } if name == "host" => {
                self.host_network().map(|()| name.clone())
            }
            Answer::Network { id, owner, .. } => {
                self.own("network", owner, true)?;
                Ok(id.clone())
            }
            _ => Err(unanswered("network")),
        }
    }

    fn host_network(&self) -> Result<(), Stop> {
        if self.words.host_network || self.is_admin() {
            return Ok(());
        }
        Err(Denial::forbidden("create.host_network", "the host's network is not for containers")
            .why("the policy of your group does not allow `--network host`")
            .todo("publish the ports you need with -p, or use a network of your own")
            .into())
    }

    /// Where a path leads.
    pub fn path(&self, path: &str) -> Result<&'a str, Stop> {
        match self.answer(Ask::Path(path.to_owned()))? {
            Answer::Path(real) => Ok(real),
            _ => Err(unanswered("path")),
        }
    }
}

pub fn owned_by(what: &str, user: &str) -> Stop {
    // The words that the earlier system's users know; clients print nothing else.
    let code = if what == "container" { "owner.foreign" } else { "owner.foreign_object" };
    Denial::forbidden(code, format!("Permission denied: {what} owned by {user}")).into()
}

/// An answer of the wrong kind: a fault of ours that must never allow anything.
fn unanswered(what: &str) -> Stop {
    Denial::new(500, "door.facts", format!("the owner of this {what} could not be found out"))
        .into()
}

/// The daemon's way to say that something is not there.
pub fn missing(message: &str) -> Vec<u8> {
    let body = json::Value::Object(vec![("message".into(), json::Value::text(message))]);
    let mut bytes = json::write(&body);
    bytes.push(b'\n');
    bytes
}
