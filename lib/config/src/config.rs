//! The config as the rest of ds01 asks it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_units::{Span, Stamp};

use crate::check::{self, Members};
use crate::draft::{Draft, ExemptionDraft, Level, Settings};
use crate::file::Spot;
use crate::keys::Field;
use crate::limits::{Aggregate, Exemption, Limits, Policies, Source};
use crate::load::{self, Reading};
use crate::notes::{self, Diagnostic, Severity};
use crate::policy::{Access, Door, GpuPolicy, Strategy, Unowned, Weight};
use crate::resolve::{self, Person};
use crate::typed;
use crate::value::Value;

/// A group of people with limits of its own.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    /// In the order of the config, those of `groups/<group>.members` after it.
    pub members: Vec<String>,
    /// What each member's slice may consume, but for overrides.
    pub aggregate: Aggregate,
    /// What the group's slice may consume, all members together; never GPUs.
    pub total: Aggregate,
    pub policies: Policies,
    pub(crate) level: Level,
}

/// The whole config, free of errors.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) defaults: Level,
    pub(crate) policies: Settings,
    pub(crate) types: Vec<(String, Settings)>,
    groups: Vec<Group>,
    default_group: usize,
    members: Members,
    overrides: HashMap<String, Level>,
    exemptions: Vec<Exemption>,
    gpu: GpuPolicy,
    access: Access,
    /// The names of the files, as sources show them.
    files: Vec<String>,
    path: PathBuf,
}

/// A config looked at as a whole: what is wrong with it, and itself if nothing is.
#[derive(Debug)]
pub struct Report {
    pub diagnostics: Vec<Diagnostic>,
    /// `None` as soon as one of the diagnostics is an error.
    pub config: Option<Config>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

impl Report {
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|one| one.severity == Severity::Error).count()
    }
    pub fn warnings(&self) -> usize {
        self.diagnostics.len() - self.errors()
    }
}

impl Config {
    /// The site's config with the files beside it. Any error in any of them is the fault
    /// of the whole: a broken config grants nothing.
    pub fn load(site: &Site) -> Result<Self, Fault> {
        Self::read(&site.config())
    }

    /// The same from another file; the others are looked for beside it.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let mut reading = load::gather(path);
        let members = check::whole(&mut reading);
        if reading.notes.any_error() {
            let shown = reading.notes.shown(&reading.files);
            return Err(notes::fault(path, &shown));
        }
        Ok(Self::new(reading, members, path))
    }

    /// Everything that is wrong or odd about the config at `path`, in one run. `account`
    /// tells whether a name is one on this machine.
    pub fn check(path: &Path, now: Stamp, account: &dyn Fn(&str) -> bool) -> Report {
        Self::report(load::gather(path), path, now, account)
    }

    /// The same for a text, without the files that would stand beside it.
    pub fn check_text(text: &[u8], now: Stamp) -> Report {
        let path = Path::new("resource-limits.yaml");
        Self::report(load::gather_text(text), path, now, &|_| true)
    }

    fn report(
        mut reading: Reading,
        path: &Path,
        now: Stamp,
        account: &dyn Fn(&str) -> bool,
    ) -> Report {
        let members = check::whole(&mut reading);
        check::oddities(&mut reading, &members, now, Some(account));
        let there = reading.files.iter().filter(|file| file.path.exists());
        let files = there.map(|file| file.path.clone()).collect();
        let broken = reading.notes.any_error();
        let diagnostics = std::mem::take(&mut reading.notes).shown(&reading.files);
        let config = (!broken).then(|| Self::new(reading, members, path));
        Report { diagnostics, config, files }
    }

    fn new(reading: Reading, members: Members, path: &Path) -> Self {
        let Reading { draft, files, .. } = reading;
        let files: Vec<_> = files.into_iter().map(|file| file.name).collect();
        let mut groups = groups(&draft, &members);
        let wanted = draft.default_group.as_ref().map_or("default", |group| &group.name);
        let default_group = groups.iter().position(|group| group.name == wanted);
        // Without a default group whoever is in none has the defaults, in a group and so a
        // slice of its own (pitfall 19: no slice without a parent).
        let default_group = default_group.unwrap_or_else(|| {
            let level = Level { place: format!("groups.{wanted}"), ..Level::default() };
            groups.push(group(&draft, wanted.to_owned(), Vec::new(), level));
            groups.len() - 1
        });
        Self {
            exemptions: draft.exemptions.iter().map(|one| exemption(one, &files)).collect(),
            gpu: gpu(&draft.gpu),
            access: access(&draft.access),
            defaults: draft.defaults,
            policies: draft.policies,
            types: draft.types,
            overrides: draft.overrides.into_iter().collect(),
            groups,
            default_group,
            members,
            files,
            path: path.to_owned(),
        }
    }

    /// The file it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The limits of `user`; somebody the config does not name has the default group's.
    pub fn resolve(&self, user: &str, now: Stamp) -> Limits {
        Person::new(self, user, now).limits()
    }

    /// Everybody the config names: members and overrides, sorted.
    pub fn users(&self) -> Vec<&str> {
        let mut users: Vec<_> = self.members.keys().chain(self.overrides.keys()).collect();
        users.sort_unstable();
        users.dedup();
        users.into_iter().map(String::as_str).collect()
    }

    /// All groups in the order of the file, the default group included.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }
    /// The group of `user`.
    pub fn group_of(&self, user: &str) -> &Group {
        &self.groups[self.members.get(user).copied().unwrap_or(self.default_group)]
    }
    /// The group of whoever is in none.
    pub fn default_group(&self) -> &Group {
        &self.groups[self.default_group]
    }
    /// Whether `user` is listed in `groups.admin`; root and `admin_group` are for the
    /// caller to know.
    pub fn is_admin(&self, user: &str) -> bool {
        self.members.get(user).is_some_and(|group| self.groups[*group].name == "admin")
    }
    /// Where each limit of a group's `total` comes from, by its key.
    pub fn total_sources(&self, group: &Group) -> Vec<(&'static str, Source)> {
        let said = |(field, name): &(Field, &'static str)| {
            let (_, spot) = group.level.total.get(*field)?;
            Some((name.trim_start_matches("aggregate."), self.source_at(&group.level.place, spot)))
        };
        resolve::AGGREGATE.iter().filter_map(said).collect()
    }
    pub fn gpu(&self) -> &GpuPolicy {
        &self.gpu
    }
    pub fn access(&self) -> &Access {
        &self.access
    }
    /// What the Docker door lets `user` do.
    pub fn door(&self, user: &str) -> Door {
        // It has no end in time, so the moment does not matter.
        Person::new(self, user, Stamp::from_secs(0)).door()
    }

    pub(crate) fn over(&self, user: &str) -> Option<&Level> {
        self.overrides.get(user)
    }
    pub(crate) fn source_at(&self, place: &str, spot: Spot) -> Source {
        source(&self.files, place, spot)
    }
    /// The exemptions of `user` that hold at `now`.
    pub(crate) fn exemptions_of(&self, user: &str, now: Stamp) -> impl Iterator<Item = &Exemption> {
        self.exemptions
            .iter()
            .filter(move |one| one.user == user && one.expires_on.is_none_or(|until| now < until))
    }
}

fn source(files: &[String], place: &str, spot: Spot) -> Source {
    let file = files.get(spot.file as usize).cloned().unwrap_or_default();
    Source { place: place.to_owned(), file, line: spot.line }
}

fn groups(draft: &Draft, members: &Members) -> Vec<Group> {
    let named: usize = draft.groups.iter().map(|one| one.members.len()).sum();
    let repeated = named > members.len();
    let each = draft.groups.iter();
    each.map(|one| {
        let names = one.members.iter().map(|member| member.name.clone());
        // A name that is listed twice, which is a warning, is one member all the same.
        let mut seen = HashSet::new();
        let fresh = |name: &String| !repeated || seen.insert(name.clone());
        group(draft, one.name.clone(), names.filter(fresh).collect(), one.level.clone())
    })
    .collect()
}

fn group(draft: &Draft, name: String, members: Vec<String>, level: Level) -> Group {
    let first = |field: Field, levels: [&Settings; 2]| {
        let said = levels.into_iter().find_map(|settings| settings.get(field));
        said.map(|(value, _)| value.clone())
            .or_else(|| resolve::built_in(field))
            .unwrap_or(Value::Unlimited)
    };
    let slices = [&level.aggregate, &draft.defaults.aggregate];
    let aggregate = typed::aggregate(&mut |field| first(field, slices));
    let total = typed::aggregate(&mut |field| {
        level.total.get(field).map_or(Value::Unlimited, |(value, _)| value.clone())
    });
    let own = [&level.policies, &draft.policies];
    let policies = typed::policies(&mut |field| first(field, own));
    Group { name, members, aggregate, total, policies, level }
}

fn exemption(draft: &ExemptionDraft, files: &[String]) -> Exemption {
    let text = |field| draft.settings.word(field).unwrap_or_default().to_owned();
    let from = |name: &str| draft.from.iter().any(|word| word.trim_end_matches("_h") == name);
    Exemption {
        user: text(Field::Username),
        idle_timeout: from("idle_timeout"),
        max_runtime: from("max_runtime"),
        reason: text(Field::Reason),
        approved_by: Some(text(Field::ApprovedBy)).filter(|name| !name.is_empty()),
        expires_on: match draft.settings.get(Field::ExpiresOn) {
            Some((Value::Moment(until), _)) => Some(*until),
            _ => None,
        },
        source: source(files, "exemptions", draft.spot),
        spot: draft.spot,
    }
}

fn gpu(settings: &Settings) -> GpuPolicy {
    let flag = |field| settings.get(field).is_some_and(|(value, _)| typed::flag(value));
    let time = |field, or: Span| {
        let said = settings.get(field).map(|(value, _)| typed::span(value));
        said.and_then(|limit| limit.max().copied()).unwrap_or(or)
    };
    GpuPolicy {
        enable_mig: flag(Field::EnableMig),
        mig_profile: settings.word(Field::MigProfile).map(str::to_owned),
        strategy: match settings.word(Field::Strategy) {
            Some("pack") => Strategy::Pack,
            _ => Strategy::LeastAllocated,
        },
        reclaim_held: flag(Field::ReclaimHeld),
        weight: match settings.word(Field::Weight) {
            Some("max") => Weight::Max,
            _ => Weight::Compute,
        },
        fair_share_half_life: time(Field::HalfLife, Span::hours(7 * 24)),
        queue_patience: time(Field::QueuePatience, Span::hours(7 * 24)),
        claim: time(Field::Claim, Span::minutes(10)),
        pending_deadline: time(Field::PendingDeadline, Span::minutes(3)),
    }
}

fn access(settings: &Settings) -> Access {
    Access {
        unowned: match settings.word(Field::Unowned) {
            Some("open") => Unowned::Open,
            Some("admin") => Unowned::Admin,
            _ => Unowned::Visible,
        },
        admin_group: settings.word(Field::AdminGroup).unwrap_or("ds01-admin").to_owned(),
    }
}
