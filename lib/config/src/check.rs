//! Whether what the files say fits together. A fault here names the line to change.

use std::collections::HashMap;

use ds01_units::Stamp;

use crate::draft::{Draft, Level, Settings};
use crate::file::Spot;
use crate::keys::{self, Field};
use crate::load::Reading;
use crate::resolve;
use crate::value::Value;

/// Group of each member, by the group's number.
pub(crate) type Members = HashMap<String, usize>;

/// What must hold for the config to grant anything; returns who is in which group.
pub(crate) fn whole(reading: &mut Reading) -> Members {
    let members = membership(reading);
    let Reading { draft, notes, partial, .. } = reading;
    if let (Some(wanted), false) = (&draft.default_group, *partial)
        && !draft.groups.iter().any(|group| group.name == wanted.name)
    {
        let names = draft.groups.iter().map(|group| group.name.as_str());
        let help = match keys::nearest(&wanted.name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match names.collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => "there are no groups: add it to `groups`".to_owned(),
                list => format!("the groups are: {list}"),
            },
        };
        notes.error(wanted.spot, format!("there is no group `{}`", wanted.name), help);
    }
    for (level, below) in levels(draft, &members) {
        one_level(level, &below, notes);
    }
    exemptions(draft, notes);
    members
}

/// What is odd and still grants what it says. `account` tells whether a name is one on this
/// machine; without it nobody is taken for nobody.
pub(crate) fn oddities(
    reading: &mut Reading,
    members: &Members,
    now: Stamp,
    account: Option<&dyn Fn(&str) -> bool>,
) {
    let Reading { draft, notes, partial, .. } = reading;
    if let (Some((_, spot)), Some((_, other))) =
        (draft.policies.get(Field::MaxContainers), draft.defaults.limits.get(Field::MaxContainers))
    {
        let message = "this has no effect";
        notes.warning(spot, message, format!("line {} in defaults says it already", other.line));
    }
    let strange = |name: &str| {
        !members.contains_key(name) && account.is_some_and(|is_account| !is_account(name))
    };
    // A name is compared with every other; a few such answers show what is the matter.
    let mut answers = 20;
    let mut near = |name: &str| {
        answers -= i32::from(answers > 0);
        let names = members.keys().filter(|_| answers > 0).map(String::as_str);
        match keys::nearest(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "it will hold once there is such an account".to_owned(),
        }
    };
    if *partial {
        return;
    }
    for (name, level) in &draft.overrides {
        if notes.is_full_of_warnings() {
            return;
        }
        if strange(name) {
            let message = format!("nobody is called {name}: no group's member, no account here");
            notes.warning(level.spot, message, near(name));
        }
    }
    for exemption in &draft.exemptions {
        if let Some((Value::Word(name), spot)) = exemption.settings.get(Field::Username)
            && strange(name)
        {
            let message = format!("nobody is called {name}: no group's member, no account here");
            notes.warning(spot, message, near(name));
        }
        if let Some((Value::Moment(until), spot)) = exemption.settings.get(Field::ExpiresOn)
            && *until <= now
        {
            notes.warning(spot, "this exemption has expired", "remove it, or give it a new date");
        }
    }
}

fn membership(reading: &mut Reading) -> Members {
    let Reading { draft, files, notes, .. } = reading;
    let count = draft.groups.iter().map(|group| group.members.len()).sum();
    let mut seen: HashMap<&str, (usize, Spot)> = HashMap::with_capacity(count);
    for (number, group) in draft.groups.iter().enumerate() {
        for member in &group.members {
            let Some((other, first)) = seen.insert(&member.name, (number, member.spot)) else {
                continue;
            };
            let at = format!("{}:{}", files[first.file as usize].name, first.line);
            if other == number {
                let message = format!("{} is listed twice in {}", member.name, group.name);
                notes.warning(member.spot, message, format!("already at {at}"));
            } else {
                let message = format!("{} is in two groups", member.name);
                let help = format!("already in {} at {at}; keep one", draft.groups[other].name);
                notes.error(member.spot, message, help);
            }
        }
    }
    seen.into_iter().map(|(name, (group, _))| (name.to_owned(), group)).collect()
}

/// Each level with those below it, from its own down.
fn levels<'a>(draft: &'a Draft, members: &Members) -> Vec<(&'a Level, Vec<&'a Level>)> {
    let group_of = |name: &str| {
        let number = members.get(name).copied().or_else(|| {
            let wanted = draft.default_group.as_ref()?;
            draft.groups.iter().position(|group| group.name == wanted.name)
        });
        number.map(|number| &draft.groups[number].level)
    };
    let mut levels = vec![(&draft.defaults, vec![&draft.defaults])];
    for group in &draft.groups {
        levels.push((&group.level, vec![&group.level, &draft.defaults]));
    }
    for (name, level) in &draft.overrides {
        let chain = std::iter::once(level).chain(group_of(name)).chain([&draft.defaults]);
        levels.push((level, chain.collect()));
    }
    levels
}

/// Pairs of keys that contradict each other. A pair is only blamed on a level that says at
/// least one of the two.
fn one_level(level: &Level, chain: &[&Level], notes: &mut crate::notes::Notes) {
    let own = &level.limits;
    if let (Some((Value::Size(_), spot)), Some("host")) =
        (own.get(Field::ShmSize), own.word(Field::IpcMode))
    {
        notes.error(
            spot,
            "`shm_size` with `ipc_mode: host`",
            "Docker takes one or the other: a container on the host's IPC has the host's",
        );
    }
    let limits: Vec<_> = chain.iter().map(|level| &level.limits).collect();
    let aggregate: Vec<_> = chain.iter().map(|level| &level.aggregate).collect();
    if let Some((swap, memory, spot)) =
        above(Field::Memory, Field::MemorySwap, own, &limits, swap_follows)
    {
        let message = format!("`memory_swap` of {swap} is less than `memory` of {memory}");
        notes.error(spot, message, "it counts memory and swap together: write as much or more");
    }
    let slices = [(&level.aggregate, &aggregate[..]), (&level.total, &[&level.total])];
    for (own, chain) in slices {
        if let Some((max, high, spot)) =
            above(Field::MemoryHigh, Field::MemoryMax, own, chain, always)
        {
            let message = format!("`memory_high` of {high} is above `memory_max` of {max}");
            notes.error(spot, message, "the slice is slowed down from high, so it lies below max");
        }
    }
    let says = own.get(Field::Memory).or_else(|| level.aggregate.get(Field::MemoryMax));
    if let (Some((_, spot)), Some((_, Value::Size(memory))), Some((_, Value::Size(max)))) =
        (says, found(Field::Memory, &limits), found(Field::MemoryMax, &aggregate))
        && memory > max
    {
        let message = format!("`memory` of {memory} is above the slice's `memory_max` of {max}");
        notes.warning(spot, message, "no container will ever get so much");
    }
}

fn found<'a>(field: Field, chain: &[&'a Settings]) -> Option<(usize, &'a Value)> {
    chain
        .iter()
        .enumerate()
        .find_map(|(rank, settings)| settings.get(field).map(|(value, _)| (rank, value)))
}

/// Swap from below the level that sets memory does not count: it follows memory then.
fn swap_follows(memory: usize, swap: usize) -> bool {
    swap <= memory
}
fn always(_: usize, _: usize) -> bool {
    true
}

/// The two sizes where that of `small` exceeds that of `large`, and where to say so: the
/// values as `(large, small, spot)`.
fn above(
    small: Field,
    large: Field,
    own: &Settings,
    chain: &[&Settings],
    counts: fn(usize, usize) -> bool,
) -> Option<(ds01_units::Bytes, ds01_units::Bytes, Spot)> {
    let (_, spot) = own.get(large).or_else(|| own.get(small))?;
    let said = |field| {
        let built_in = || Some((chain.len(), resolve::built_in(field)?));
        found(field, chain).map(|(rank, value)| (rank, value.clone())).or_else(built_in)
    };
    let (small_rank, Value::Size(small)) = said(small)? else { return None };
    let (large_rank, Value::Size(large)) = said(large)? else { return None };
    (counts(small_rank, large_rank) && small > large).then_some((large, small, spot))
}

fn exemptions(draft: &Draft, notes: &mut crate::notes::Notes) {
    for exemption in &draft.exemptions {
        if exemption.settings.get(Field::Username).is_none() {
            notes.error(exemption.spot, "this exemption names nobody", "add `username: …`");
        }
        if exemption.from.is_empty() {
            let help = "add `exempt_from: [idle_timeout]`, or max_runtime";
            notes.error(exemption.spot, "this exemption is from nothing", help);
        }
    }
}
