//! The slices of a config, and bringing a systemd that is played here to have them.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;

use ds01_config::Config;
use ds01_fault::Fault;
use ds01_names::SliceName;
use ds01_site::Site;
use ds01_slices::{Action, Live, Manager, Outcome, Property, Work, ensure, plan, unit};
use ds01_units::{Bytes, Stamp};

const CONFIG: &str = "\
defaults: {max_mig_instances: 1}
default_group: students
groups:
  students:
    members: [alice, anna-lena]
    aggregate: {cpu_quota: \"150%\", memory_max: 2g, memory_high: 1g, tasks_max: 512, io_weight: 100}
  researchers:
    members: [carol]
    total: {memory_max: 8g}
user_overrides:
  carol: {aggregate: {tasks_max: 64}}
";

/// A systemd in memory, with the loading of unit files that the real one does.
struct Played {
    units: std::path::PathBuf,
    running: RefCell<BTreeMap<String, Live>>,
    /// What was asked of it, in words.
    asked: RefCell<Vec<String>>,
}

impl Played {
    fn tasks(&self, slice: &str, tasks: Option<u64>) {
        self.running.borrow_mut().get_mut(slice).expect("it runs").tasks = tasks;
    }
    fn asked(&self) -> Vec<String> {
        self.asked.borrow_mut().drain(..).collect()
    }
    fn load(&self, name: &SliceName) -> Live {
        let text = fs::read_to_string(self.units.join(name.as_str())).unwrap_or_default();
        let value = |key: &str| {
            let prefix = format!("{key}=");
            text.lines().find_map(|line| line.strip_prefix(&prefix))
        };
        let number = |key| value(key).and_then(|text| text.parse().ok());
        let quota = value("CPUQuota").and_then(|text| text.strip_suffix('%')?.parse::<u64>().ok());
        Live {
            id: name.to_string(),
            load: "loaded".into(),
            active: false,
            cpu_quota_usec: quota.map(|percent| percent * 10_000),
            memory_high: number("MemoryHigh"),
            memory_max: number("MemoryMax"),
            tasks_max: number("TasksMax"),
            io_weight: number("IOWeight"),
            tasks: None,
            prepared: value("CPUWeight").is_some(),
        }
    }
}

impl Manager for Played {
    fn show(&self, names: &[SliceName]) -> Result<HashMap<String, Live>, Fault> {
        let running = self.running.borrow();
        let live = |name: &SliceName| {
            running.get(name.as_str()).cloned().unwrap_or_else(|| self.load(name))
        };
        Ok(names.iter().map(|name| (name.to_string(), live(name))).collect())
    }
    fn running(&self) -> Result<Vec<SliceName>, Fault> {
        Ok(self.running.borrow().keys().filter_map(|name| SliceName::parse(name)).collect())
    }
    fn set(&self, name: &SliceName, properties: &[Property]) -> Result<(), Fault> {
        self.asked.borrow_mut().push(format!("set {name}"));
        let mut running = self.running.borrow_mut();
        let live = running.get_mut(name.as_str()).expect("only running slices need to be set");
        live.prepared = true;
        for property in properties {
            match *property {
                Property::CpuQuota(quota) => live.cpu_quota_usec = quota.map(|quota| quota * 100),
                Property::MemoryHigh(bytes) => live.memory_high = bytes.map(|Bytes(n)| n),
                Property::MemoryMax(bytes) => live.memory_max = bytes.map(|Bytes(n)| n),
                Property::TasksMax(count) => live.tasks_max = count,
                Property::IoWeight(weight) => live.io_weight = weight,
            }
        }
        Ok(())
    }
    fn start(&self, names: &[SliceName]) -> Result<(), Fault> {
        for name in names {
            self.asked.borrow_mut().push(format!("start {name}"));
            let live = Live { active: true, tasks: Some(0), ..self.load(name) };
            self.running.borrow_mut().insert(name.to_string(), live);
        }
        Ok(())
    }
    fn stop(&self, name: &SliceName) -> Result<(), Fault> {
        self.asked.borrow_mut().push(format!("stop {name}"));
        let stopped = self.running.borrow_mut().remove(name.as_str());
        assert_eq!(
            stopped.expect("it ran").tasks,
            Some(0),
            "a slice was stopped with people in it"
        );
        Ok(())
    }
}

struct Lab {
    site: Site,
    played: Played,
    _root: tempfile::TempDir,
}

fn lab() -> Lab {
    let root = tempfile::tempdir().expect("a directory");
    let site = Site::at(root.path());
    fs::create_dir_all(site.etc()).expect("a directory");
    let played =
        Played { units: site.units(), running: RefCell::default(), asked: RefCell::default() };
    let lab = Lab { site, played, _root: root };
    lab.config(CONFIG);
    lab
}

impl Lab {
    fn config(&self, text: &str) {
        fs::write(self.site.etc().join("resource-limits.yaml"), text).expect("a file");
    }
    fn read(&self) -> Config {
        Config::load(&self.site).expect("a config without errors")
    }
    fn all(&self) -> Vec<Outcome> {
        let config = self.read();
        let work = Work::for_all(&self.site, &config, Some(&self.played)).expect("a plan");
        work.apply(Some(&self.played)).expect("it is applied")
    }
    fn user(&self, user: &str) -> Vec<Outcome> {
        let config = self.read();
        let work = Work::for_users(&self.site, &config, Some(&self.played), &[user]);
        work.expect("a plan").apply(Some(&self.played)).expect("it is applied")
    }
    fn units(&self) -> Vec<String> {
        let entries = fs::read_dir(self.site.units()).into_iter().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }
}

/// What was done, without what was kept.
fn done(outcomes: &[Outcome]) -> Vec<(Action, &str)> {
    outcomes
        .iter()
        .filter(|outcome| outcome.action != Action::Keep)
        .map(|outcome| (outcome.action, outcome.slice.as_str()))
        .collect()
}

#[test]
fn the_config_says_which_slices_there_are_and_where_their_limits_come_from() {
    let lab = lab();
    let slices = plan::of_all(&lab.read(), Stamp::from_secs(0));
    let names: Vec<_> = slices.iter().map(|slice| slice.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ds01.slice",
            "ds01-students.slice",
            "ds01-researchers.slice",
            "ds01-researchers-carol.slice",
            "ds01-students-alice.slice",
            "ds01-students-anna\\x2dlena.slice",
        ]
    );
    assert_eq!(slices[1].caps, ds01_slices::Caps::default(), "a group without a total only counts");
    assert_eq!(slices[2].caps.memory_max, Some(Bytes(8 << 30)));
    assert_eq!(
        slices[2].sources,
        [("memory_max", "groups.researchers (resource-limits.yaml:9)".to_owned())]
    );
    let alice = &slices[4];
    assert_eq!((alice.caps.cpu_quota, alice.caps.memory_max), (Some(150.0), Some(Bytes(2 << 30))));
    assert_eq!(alice.sources[0].1, "groups.students (resource-limits.yaml:6)");
    assert_eq!(
        slices[3].sources,
        [("tasks_max", "user_overrides.carol (resource-limits.yaml:11)".to_owned())]
    );
}

#[test]
fn slices_come_with_first_use_and_a_second_run_changes_nothing() {
    let lab = lab();
    let first = lab.user("alice");
    assert_eq!(
        done(&first),
        [
            (Action::Create, "ds01.slice"),
            (Action::Create, "ds01-students.slice"),
            (Action::Create, "ds01-students-alice.slice"),
        ]
    );
    assert_eq!(lab.units(), ["ds01-students-alice.slice", "ds01-students.slice", "ds01.slice"]);
    // The unit file has the limits, so nothing needs to be set, and never a reload.
    let started = ["ds01.slice", "ds01-students.slice", "ds01-students-alice.slice"];
    assert_eq!(lab.played.asked(), started.map(|name| format!("start {name}")));
    assert_eq!(lab.played.running.borrow()["ds01-students-alice.slice"].tasks_max, Some(512));

    assert_eq!(done(&lab.user("alice")), []);
    assert_eq!(lab.played.asked(), [""; 0]);
    // Then everybody; after that nothing again. Whoever the config does not name stays.
    lab.user("dave");
    assert_eq!(lab.all().iter().filter(|done| done.action == Action::Create).count(), 3);
    lab.played.asked();
    assert_eq!(done(&lab.all()), []);
    assert_eq!(lab.played.asked(), [""; 0]);
}

#[test]
fn changed_limits_are_set_in_the_running_slice_and_in_the_file() {
    let lab = lab();
    lab.all();
    lab.played.asked();
    lab.config(
        &CONFIG.replace("tasks_max: 512", "tasks_max: 600").replace("memory_high: 1g, ", ""),
    );
    let outcomes = lab.all();
    let changed = ["ds01-students-alice.slice", "ds01-students-anna\\x2dlena.slice"];
    assert_eq!(done(&outcomes), changed.map(|name| (Action::Change, name)));
    let alice = outcomes.iter().find(|outcome| outcome.slice == changed[0]).expect("alice's");
    assert_eq!(
        alice.changes,
        ["rewrite the unit file", "set MemoryHigh=infinity", "set TasksMax=600"]
    );
    assert_eq!(lab.played.asked(), changed.map(|name| format!("set {name}")));
    let live = lab.played.running.borrow()[changed[0]].clone();
    assert_eq!((live.tasks_max, live.memory_high), (Some(600), None));
    let text = fs::read_to_string(lab.site.units().join(changed[0])).expect("a unit file");
    assert!(text.contains("TasksMax=600\n") && !text.contains("MemoryHigh"));

    // What an admin sets by hand is set back.
    lab.played.running.borrow_mut().get_mut(changed[0]).expect("it runs").io_weight = None;
    assert_eq!(done(&lab.user("alice")), [(Action::Change, changed[0])]);
    assert_eq!(lab.played.running.borrow()[changed[0]].io_weight, Some(100));
}

#[test]
fn somebody_who_moves_keeps_the_old_slice_until_it_is_empty() {
    let lab = lab();
    lab.all();
    lab.played.tasks("ds01-students-alice.slice", Some(3));
    lab.played.asked();
    lab.config(
        &CONFIG
            .replace("members: [alice, anna-lena]", "members: [anna-lena]")
            .replace("members: [carol]", "members: [carol, alice]"),
    );
    let (new, old) = ("ds01-researchers-alice.slice", "ds01-students-alice.slice");
    assert_eq!(done(&lab.user("alice")), [(Action::Create, new), (Action::InUse, old)]);
    assert!(lab.units().contains(&old.to_owned()), "its limits hold until then");
    // Not known is not empty.
    lab.played.tasks(old, None);
    assert_eq!(done(&lab.all()), [(Action::InUse, old)]);
    lab.played.tasks(old, Some(0));
    assert_eq!(done(&lab.user("alice")), [(Action::Remove, old)]);
    assert!(!lab.units().contains(&old.to_owned()));
    assert_eq!(lab.played.asked(), [format!("start {new}"), format!("stop {old}")]);
    assert_eq!(done(&lab.all()), []);
}

#[test]
fn a_group_that_is_gone_goes_after_its_people() {
    let lab = lab();
    lab.all();
    let set = lab.site.root().join("run/systemd/system.control/ds01-researchers-carol.slice.d");
    fs::create_dir_all(&set).expect("a directory");
    lab.config(
        &CONFIG.replace("  researchers:\n    members: [carol]\n    total: {memory_max: 8g}\n", ""),
    );
    assert_eq!(
        done(&lab.all()),
        [
            (Action::Create, "ds01-students-carol.slice"),
            (Action::Remove, "ds01-researchers-carol.slice"),
            (Action::Remove, "ds01-researchers.slice"),
        ]
    );
    assert!(!set.exists(), "what was set at run time outlived its slice");
}

#[test]
fn a_container_that_was_made_before_its_owner_moved_has_the_limits_of_today() {
    let lab = lab();
    let config = lab.read();
    let old = SliceName::user("phd", "alice");
    let work = Work::for_container(&lab.site, &config, Some(&lab.played), "alice", &old);
    let work = work.expect("a plan").expect("alice's own");
    work.apply(Some(&lab.played)).expect("it is applied");
    assert_eq!(lab.played.running.borrow()[old.as_str()].tasks_max, Some(512));
    // Nobody gets into another's.
    let others = SliceName::user("students", "bob");
    for name in [others, SliceName::group("students"), SliceName::root()] {
        let work = Work::for_container(&lab.site, &config, None, "alice", &name);
        assert!(work.expect("an answer").is_none(), "{name}");
    }
}

#[test]
fn a_unit_file_of_somebody_elses_is_kept_and_nothing_else_is_touched() {
    let lab = lab();
    fs::create_dir_all(lab.site.units()).expect("a directory");
    let unit = |name: &str| lab.site.units().join(name);
    for name in ["ds01-students.slice", "ds01-old-eve.slice", "ds01-a-b-c.slice", "x.slice"] {
        fs::write(unit(name), "[Slice]\nTasksMax=1\n").expect("a file");
    }
    let config = lab.read();
    let work = Work::for_all(&lab.site, &config, None).expect("a plan");
    assert_eq!(work.foreign(), [unit("ds01-students.slice")]);
    work.apply(None).expect("it is applied");
    assert!(fs::read_to_string(unit("ds01-students.slice")).expect("ours").starts_with(unit::MARK));
    for name in
        ["ds01-students.slice.before-ds01", "ds01-old-eve.slice", "ds01-a-b-c.slice", "x.slice"]
    {
        assert_eq!(fs::read_to_string(unit(name)).expect(name), "[Slice]\nTasksMax=1\n");
    }
    assert_eq!(done(&lab.all()).len(), 6, "now that systemd runs, they are started");
}

#[test]
fn a_masked_slice_is_an_admins_matter() {
    let lab = lab();
    lab.all();
    lab.played.running.borrow_mut().get_mut("ds01.slice").expect("it runs").load = "masked".into();
    let config = lab.read();
    let work = Work::for_all(&lab.site, &config, Some(&lab.played)).expect("a plan");
    let fault = work.apply(Some(&lab.played)).expect_err("masked");
    assert_eq!(fault.what, "systemd cannot use ds01.slice");
}

#[test]
fn a_plan_changes_nothing() {
    let lab = lab();
    let config = lab.read();
    let work = Work::for_all(&lab.site, &config, Some(&lab.played)).expect("a plan");
    let planned = work.outcomes();
    assert!(planned.iter().all(|outcome| outcome.dry_run && outcome.action == Action::Create));
    assert_eq!((lab.units().len(), lab.played.asked().len()), (0, 0));
    let mut done = work.apply(Some(&lab.played)).expect("it is applied");
    assert!(done.iter().all(|outcome| !outcome.dry_run));
    // The same document, but for the mark.
    done.iter_mut().for_each(|outcome| outcome.dry_run = true);
    assert_eq!(done, planned);
}

#[test]
fn a_container_finds_its_slice_made_once_and_only_its_owners() {
    let lab = lab();
    let config = lab.read();
    let run = |user, slice| ensure(&lab.site, &config, Some(&lab.played), user, slice);
    assert_eq!(run("dave", None).expect("dave's").len(), 3);
    lab.played.asked();
    assert_eq!(run("dave", None).expect("dave's"), []);
    assert_eq!(lab.played.asked(), [""; 0]);

    let old = SliceName::user("phd", "dave");
    assert_eq!(run("dave", Some(&old)).expect("dave's too").len(), 2);
    let fault = run("eve", Some(&old)).expect_err("not eve's");
    assert_eq!(fault.what, "ds01-phd-dave.slice is not a slice of eve");

    let path = lab.site.units().join("ds01-students-eve.slice");
    fs::write(&path, "[Slice]\n").expect("a file");
    let fault = run("eve", None).expect_err("somebody else's file");
    assert_eq!(fault.what, "eve's slice cannot be made");
    assert_eq!(fs::read_to_string(&path).expect("untouched"), "[Slice]\n");
}
