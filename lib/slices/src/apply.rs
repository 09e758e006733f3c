//! What is to be done so that the slices are as the config wants them, and doing it.
//!
//! The decision is [`Work::plan`], which changes nothing; [`Work::apply`] then writes unit
//! files, sets what differs in the running slices, starts those that are not there, and
//! takes away the stale ones that are empty. Done twice, the second time does nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use ds01_config::Config;
use ds01_fault::Fault;
use ds01_names::{Place, SliceName};
use ds01_site::Site;
use serde::Serialize;

use crate::files::{self, File};
use crate::{Caps, Live, Manager, Property, Slice, plan, unit};

/// What happens to a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Change,
    /// It is as the config wants it.
    Keep,
    /// Stale, and empty.
    Remove,
    /// Stale, but something runs in it: removed by the next run that finds it empty.
    InUse,
}

/// One slice, what the config wants of it and what was or would be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub slice: String,
    pub parent: Option<String>,
    pub group: Option<String>,
    pub user: Option<String>,
    pub action: Action,
    /// What differs from what is there, in words.
    pub changes: Vec<String>,
    pub limits: Option<Caps>,
    /// Where each limit that is set comes from.
    pub sources: BTreeMap<&'static str, String>,
    /// As given to `systemctl set-property`.
    pub properties: Vec<String>,
    pub unit_file: PathBuf,
    /// The text of the unit file; none for a slice that goes.
    pub unit: Option<String>,
    pub dry_run: bool,
}

/// The steps for one slice.
#[derive(Debug)]
struct Step {
    name: SliceName,
    /// None for a stale one.
    wanted: Option<Slice>,
    file: File,
    live: Option<Live>,
}

/// Everything that differs, and how to mend it.
#[derive(Debug)]
pub struct Work<'a> {
    site: &'a Site,
    steps: Vec<Step>,
}

impl<'a> Work<'a> {
    /// For these users: their slices, those above, and what is left of them in other groups.
    pub fn for_users<U: AsRef<str>>(
        site: &'a Site,
        config: &Config,
        manager: Option<&dyn Manager>,
        users: &[U],
    ) -> Result<Self, Fault> {
        let mut seen = HashSet::new();
        let wanted: Vec<_> = users
            .iter()
            .flat_map(|user| plan::of_user(config, user.as_ref(), site.now()))
            .filter(|slice| seen.insert(slice.name.clone()))
            .collect();
        // Of a name too long to be read back, nothing tells whose the others are: a run for
        // all finds them.
        let is_theirs = |name: &SliceName| match name.place() {
            Place::User { user: Some(of), .. } => users.iter().any(|user| user.as_ref() == of),
            _ => false,
        };
        let stale = there(site, manager)?
            .into_iter()
            .filter(|name| is_theirs(name) && !seen.contains(name))
            .collect();
        Self::plan(site, manager, wanted, stale)
    }

    /// For a container that is started again: the slice it was made in, which need not be
    /// the one that its owner's new containers go to. Without this it would come up with no
    /// limits at all. Nothing if the slice is not of that user.
    pub fn for_container(
        site: &'a Site,
        config: &Config,
        manager: Option<&dyn Manager>,
        user: &str,
        slice: &SliceName,
    ) -> Result<Option<Self>, Fault> {
        plan::of_user_in(config, user, slice, site.now())
            .map(|wanted| Self::plan(site, manager, wanted, Vec::new()))
            .transpose()
    }

    /// For all: every group, every user the config names, and whatever else is there.
    pub fn for_all(
        site: &'a Site,
        config: &Config,
        manager: Option<&dyn Manager>,
    ) -> Result<Self, Fault> {
        let now = site.now();
        let mut wanted = plan::of_all(config, now);
        let mut stale = Vec::new();
        let named: HashSet<_> = wanted.iter().map(|slice| slice.name.clone()).collect();
        for name in there(site, manager)?.into_iter().filter(|name| !named.contains(name)) {
            match plan::of_unnamed(config, &name, now) {
                // Somebody of the default group, whose slice came with their first container.
                Some(slice) => wanted.push(slice),
                None => stale.push(name),
            }
        }
        Self::plan(site, manager, wanted, stale)
    }

    fn plan(
        site: &'a Site,
        manager: Option<&dyn Manager>,
        wanted: Vec<Slice>,
        mut stale: Vec<SliceName>,
    ) -> Result<Self, Fault> {
        // Innermost first, so that a group's slice is empty when its turn comes.
        stale.sort_by_key(|name| (std::cmp::Reverse(depth(name)), name.clone()));
        let names: Vec<_> =
            wanted.iter().map(|slice| slice.name.clone()).chain(stale.iter().cloned()).collect();
        let mut live = live(manager, &names)?;
        let wanted = wanted.into_iter().map(|slice| (slice.name.clone(), Some(slice)));
        let steps = wanted
            .chain(stale.into_iter().map(|name| (name, None)))
            .map(|(name, wanted)| {
                let file = files::look(&unit::path(site, &name))?;
                let live = live.remove(name.as_str());
                Ok(Step { name, wanted, file, live })
            })
            .collect::<Result<_, Fault>>()?;
        Ok(Self { site, steps })
    }

    /// Unit files in the way that ds01 has not written.
    pub fn foreign(&self) -> Vec<PathBuf> {
        let foreign = self.steps.iter().filter(|step| step.file == File::Foreign);
        foreign
            .filter(|step| step.wanted.is_some())
            .map(|step| unit::path(self.site, &step.name))
            .collect()
    }

    /// What would be done.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.steps.iter().map(|step| self.outcome(step, &step.changes())).collect()
    }

    /// Does it. A foreign unit file is kept beside ours, under another name.
    pub fn apply(&self, manager: Option<&dyn Manager>) -> Result<Vec<Outcome>, Fault> {
        for step in &self.steps {
            if let Some(slice) = &step.wanted {
                files::write(self.site, &step.name, &step.file, &unit::file(slice))?;
            }
        }
        if let Some(manager) = manager {
            self.bring_up(manager)?;
        }
        let mut done = self.outcomes();
        for (step, outcome) in self.steps.iter().zip(&mut done) {
            outcome.dry_run = false;
            if outcome.action == Action::Remove && !self.remove(step, manager)? {
                outcome.action = Action::InUse;
                outcome.changes = vec!["something was started in it: left alone".to_owned()];
            }
        }
        Ok(done)
    }

    /// The running slices: those that differ are set, those that are not there started. Asked
    /// anew after the unit files are written, since a slice that was not in memory has its
    /// limits from there.
    fn bring_up(&self, manager: &dyn Manager) -> Result<(), Fault> {
        let wanted: Vec<_> = self.steps.iter().filter_map(|step| step.wanted.as_ref()).collect();
        let names: Vec<_> = wanted.iter().map(|slice| slice.name.clone()).collect();
        let live = manager.show(&names)?;
        let mut down = Vec::new();
        for slice in wanted {
            let properties = Property::all(&slice.caps);
            let now = live.get(slice.name.as_str());
            if let Some(unusable) = now.filter(|now| now.load != "loaded") {
                return Err(Fault::failed(format!("systemd cannot use {}", slice.name))
                    .why(format!("its state is `{}`", unusable.load))
                    .todo(format!("look at `systemctl status '{0}'`; `systemctl unmask '{0}'` if it is masked", slice.name)));
            }
            if !now.is_some_and(|now| now.prepared && properties.iter().all(|p| p.holds_in(now))) {
                manager.set(&slice.name, &properties)?;
            }
            if !now.is_some_and(|now| now.active) {
                down.push(slice.name.clone());
            }
        }
        if down.is_empty() { Ok(()) } else { manager.start(&down) }
    }

    /// False if something runs in it after all.
    fn remove(&self, step: &Step, manager: Option<&dyn Manager>) -> Result<bool, Fault> {
        if let Some(manager) = manager {
            // Asked once more: a container may have been started in it meanwhile, and to stop
            // a slice is to kill what runs in it.
            let live = manager.show(std::slice::from_ref(&step.name))?;
            let live = live.get(step.name.as_str());
            if live.is_some_and(|live| !is_empty(live)) {
                return Ok(false);
            }
            if live.is_some_and(|live| live.active) {
                manager.stop(&step.name)?;
            }
        }
        if step.file != File::Foreign {
            files::remove(self.site, &step.name)?;
        }
        Ok(true)
    }

    fn outcome(&self, step: &Step, changes: &[String]) -> Outcome {
        let wanted = step.wanted.as_ref();
        let (group, user) = match step.name.place() {
            Place::Root => (None, None),
            Place::Group(group) => (group, None),
            Place::User { group, user } => (group, user),
        };
        Outcome {
            slice: step.name.to_string(),
            parent: step.name.parent().map(|parent| parent.to_string()),
            group: wanted.map_or(group, |slice| slice.group.clone()),
            user: wanted.map_or(user, |slice| slice.user.clone()),
            action: step.action(),
            changes: changes.to_vec(),
            limits: wanted.map(|slice| slice.caps),
            sources: wanted.iter().flat_map(|slice| slice.sources.iter().cloned()).collect(),
            properties: wanted.map_or_else(Vec::new, |slice| {
                Property::all(&slice.caps).iter().map(Property::assignment).collect()
            }),
            unit_file: unit::path(self.site, &step.name),
            unit: wanted.map(unit::file),
            dry_run: true,
        }
    }
}

impl Step {
    fn action(&self) -> Action {
        let running = self.live.as_ref().is_some_and(|live| live.active);
        match &self.wanted {
            None if self.live.as_ref().is_some_and(|live| !is_empty(live)) => Action::InUse,
            None => Action::Remove,
            Some(_) if self.changes().is_empty() => Action::Keep,
            Some(_) if self.file == File::Absent && !running => Action::Create,
            Some(_) => Action::Change,
        }
    }

    /// Each difference between what is wanted and what is there.
    fn changes(&self) -> Vec<String> {
        let mut changes = Vec::new();
        let Some(slice) = &self.wanted else {
            return vec![stale(self.live.as_ref())];
        };
        match &self.file {
            File::Absent => changes.push("write the unit file".to_owned()),
            File::Ours(text) if *text == unit::file(slice) => {}
            File::Ours(_) => changes.push("rewrite the unit file".to_owned()),
            File::Foreign => changes.push("replace a unit file that is not ds01's".to_owned()),
        }
        let Some(live) = &self.live else { return changes };
        // A slice that is not running has its limits from the unit file when it starts.
        let from_file = !live.active && !changes.is_empty();
        let differ = |property: &&Property| !from_file && !property.holds_in(live);
        let properties = Property::all(&slice.caps);
        changes.extend(properties.iter().filter(differ).map(|p| format!("set {}", p.assignment())));
        if live.active && !live.prepared {
            changes.push("count what it consumes and share the CPU by slice".to_owned());
        }
        if !live.active {
            changes.push("start".to_owned());
        }
        changes
    }
}

fn stale(live: Option<&Live>) -> String {
    match live {
        Some(live) if !is_empty(live) => match live.tasks {
            Some(1) => "stale, but 1 process runs in it: left alone".to_owned(),
            Some(tasks) => format!("stale, but {tasks} processes run in it: left alone"),
            None => "stale, but what runs in it is not counted: left alone".to_owned(),
        },
        _ => "stale, and empty".to_owned(),
    }
}

/// Whether nothing runs in it. Unknown is not empty.
fn is_empty(live: &Live) -> bool {
    !live.active || live.tasks == Some(0)
}

fn depth(name: &SliceName) -> usize {
    name.as_str().matches('-').count()
}

fn live(
    manager: Option<&dyn Manager>,
    names: &[SliceName],
) -> Result<HashMap<String, Live>, Fault> {
    manager.map_or_else(|| Ok(HashMap::new()), |manager| manager.show(names))
}

/// The slices that exist: unit files that are ours, and what is up in systemd.
fn there(site: &Site, manager: Option<&dyn Manager>) -> Result<Vec<SliceName>, Fault> {
    let mut names = files::ours(site)?;
    if let Some(manager) = manager {
        names.extend(manager.running()?);
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
