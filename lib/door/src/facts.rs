//! What a decision must know and cannot read from the request: who owns a name, where a
//! path leads, what admission grants. A decision that lacks one says which
//! ([`Stop::Need`]), is given the answer and made again; it never guesses.

use ds01_units::{Bytes, Limit};

use crate::Denial;
use crate::create::Wish;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A container by name, id or a prefix of its id.
    Container(String),
    Exec(String),
    Volume(String),
    Network(String),
    Image(String),
    /// Whether there is an image of this name in the person's own name space.
    OwnImage(String),
    /// The names of all images.
    Images,
    /// The address ranges that networks may have, and those that the host has in use.
    Subnets,
    /// Where a path leads when this person follows it.
    Path(String),
    /// Limits, slice and GPUs for a create; asked last, since it may lease.
    Grant(Box<Wish>),
    /// The limits alone, for an update or a build.
    Limits,
    /// Where the binds of this container's full id come from, for a start.
    BindsOf(String),
    /// Whether this container's full id may have its GPUs back.
    GpusOf(String),
}

/// Whose something is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    User(String),
    Nobody,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The daemon knows no such thing; its words, for the client.
    Missing(Vec<u8>),
    Container {
        id: String,
        owner: Owner,
    },
    Exec {
        owner: Owner,
    },
    /// `users` own the containers that use it; asked only where nobody owns it.
    Volume {
        owner: Owner,
        users: Vec<Owner>,
    },
    Network {
        id: String,
        name: String,
        owner: Owner,
    },
    Image {
        id: String,
        tags: Vec<String>,
        labels: Vec<(String, String)>,
    },
    Names(Vec<String>),
    /// `pools` are empty where the daemon has its presets.
    Subnets {
        pools: Vec<String>,
        routes: Vec<String>,
    },
    /// Every link resolved; what does not exist yet stands below what does.
    Path(String),
    Paths(Vec<String>),
    Granted(Grant),
    Refused(Denial),
}

/// What admission gives a new container.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// The user's slice.
    pub cgroup_parent: String,
    pub cpus: Limit<f64>,
    pub memory: Limit<Bytes>,
    pub memory_swap: Limit<Bytes>,
    pub pids: Limit<u64>,
    pub shm: Option<Bytes>,
    /// UUIDs of the leased devices; empty for none.
    pub gpus: Vec<String>,
    /// Further labels that admission sets, under `ds01.`.
    pub labels: Vec<(String, String)>,
    /// For the create response's `Warnings`.
    pub warnings: Vec<String>,
    /// The container's name, where the client gives none: what has a lease has a name.
    pub name: Option<String>,
    /// What commits or aborts the lease.
    pub lease: Option<String>,
}

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub struct Facts(Vec<(Ask, Answer)>);

impl Facts {
    pub fn add(&mut self, ask: Ask, answer: Answer) {
        self.0.push((ask, answer));
    }
    pub fn get(&self, ask: &Ask) -> Option<&Answer> {
        let same = |known: &Ask| match (known, ask) {
            // What an own image was found to be need not be asked again.
            (Ask::OwnImage(known), Ask::Image(name)) => known == name,
            _ => known == ask,
        };
        self.0.iter().find(|(known, _)| same(known)).map(|(_, answer)| answer)
    }
    /// The grant, if one was given: whoever stops in between must give it back.
    pub fn grant(&self) -> Option<&Grant> {
        self.0.iter().find_map(|(_, answer)| match answer {
            Answer::Granted(grant) => Some(grant),
            _ => None,
        })
    }
}

/// Why a decision is not made.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    Need(Ask),
    Deny(Denial),
    /// The daemon's own 404, which is what the client would have seen.
    Missing(Vec<u8>),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}
