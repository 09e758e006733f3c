//! Users and groups over time: how much of their quotas is in use when.

use std::collections::HashMap;

use crate::account::{Amount, Steps};
use crate::gaps::Room;
use crate::plan::Wait;
use crate::world::{Quota, World};

#[derive(Debug)]
struct Member {
    own: Steps,
    group: Option<usize>,
    /// Whether some window on the board is kept for this user, who sees a board of their own.
    owner: bool,
}

/// Everybody that a plan has met so far, by number.
#[derive(Debug)]
pub(crate) struct People<'a> {
    world: &'a World,
    numbers: HashMap<&'a str, u32>,
    members: Vec<Member>,
    group_numbers: HashMap<&'a str, usize>,
    groups: Vec<Steps>,
}

impl<'a> People<'a> {
    pub fn new(world: &'a World) -> Self {
        Self {
            world,
            numbers: HashMap::new(),
            members: Vec::new(),
            group_numbers: HashMap::new(),
            groups: Vec::new(),
        }
    }

    /// The user's number, a new one where needed.
    pub fn number(&mut self, name: &'a str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let account = self.world.users.get(name);
        let group = account.and_then(|account| account.group.as_deref()).map(|group| {
            *self.group_numbers.entry(group).or_insert_with(|| {
                let quota = self.world.groups.get(group).copied().unwrap_or_default();
                self.groups.push(Steps::new(quota));
                self.groups.len() - 1
            })
        });
        let own = Steps::new(account.map_or(Quota::default(), |account| account.own));
        let number = self.members.len() as u32;
        self.members.push(Member { own, group, owner: false });
        self.numbers.insert(name, number);
        number
    }

    pub fn has_a_window(&mut self, user: u32) {
        self.members[user as usize].owner = true;
    }

    pub fn owns_a_window(&self, user: u32) -> bool {
        self.members[user as usize].owner
    }

    /// Counts what the user holds from `from` until `till`.
    pub fn count(&mut self, user: u32, from: i64, till: i64, amount: Amount) {
        let member = &mut self.members[user as usize];
        let group = member.group.map(|group| &mut self.groups[group]);
        for steps in std::iter::once(&mut member.own).chain(group) {
            if !steps.is_free() {
                steps.add(from, till, amount);
            }
        }
    }

    /// The quotas that count on a level of the search.
    pub fn quotas(&self, user: u32, level: Wait) -> impl Iterator<Item = &Steps> {
        let member = &self.members[user as usize];
        let group = (level != Wait::Slots).then_some(member.group).flatten();
        let own = (level == Wait::OwnLimit).then_some(&member.own);
        group.map(|group| &self.groups[group]).into_iter().chain(own)
    }

    /// The limit that is in the way even when all runs with an end have ended.
    pub fn shut(&self, user: u32, room: Room, amount: Amount) -> Option<Wait> {
        let member = &self.members[user as usize];
        if !member.own.finally(room, amount) {
            return Some(Wait::OwnLimit);
        }
        let group = member.group.filter(|&group| !self.groups[group].finally(room, amount));
        group.map(|_| Wait::GroupLimit)
    }

    /// Has endless runs leave to this user what an entry waits for. One who waits for the
    /// own leases takes nothing from the group meanwhile.
    pub fn leave(&mut self, user: u32, waits: Wait, amount: Amount) {
        let member = &mut self.members[user as usize];
        member.own.leave(amount);
        if let (Some(group), true) = (member.group, waits != Wait::OwnLimit) {
            self.groups[group].leave(amount);
        }
    }

    /// The limit that never lets the user hold so much, if there is one.
    pub fn forbids(&self, user: u32, amount: Amount) -> Option<Wait> {
        let member = &self.members[user as usize];
        if !member.own.could(amount) {
            return Some(Wait::OwnLimit);
        }
        let group = member.group.filter(|&group| !self.groups[group].could(amount));
        group.map(|_| Wait::GroupLimit)
    }

    /// A number for everybody who stands before the same bounds on a level; none where the
    /// level adds nothing to the one before.
    pub fn level(&self, user: u32, level: Wait) -> Option<u64> {
        let member = &self.members[user as usize];
        let shared = match level {
            Wait::Nothing => None,
            Wait::Slots => Some(0),
            Wait::GroupLimit => member
                .group
                .filter(|&group| !self.groups[group].is_free())
                .map(|group| 1 + 2 * group as u64),
            Wait::OwnLimit => (!member.own.is_free()).then_some(2 + 2 * u64::from(user)),
        };
        // Who may use reserved windows starts earlier than others: what is learnt from the
        // one kind of search would be wrong for the other.
        shared.map(|level| if member.owner { (u64::from(user) + 1) << 34 | level } else { level })
    }
}
