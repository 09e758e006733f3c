//! The three example configs that ship mean what their readers take them to mean.

use ds01_config::{Config, Limits};
use ds01_units::{Bytes, Limit, Span};

use crate::now;

fn example(name: &str) -> Config {
    let path = format!("{}/../../share/examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let report = Config::check(path.as_ref(), now(), &|_| false);
    let shown: String = report.diagnostics.iter().map(|one| one.render()).collect();
    assert_eq!(shown, "", "{name}");
    report.config.unwrap()
}

fn gib(count: u64) -> Limit<Bytes> {
    Limit::Max(Bytes(count << 30))
}
fn hours(count: u64) -> Limit<Span> {
    Limit::Max(Span::hours(count))
}
fn of(config: &Config, user: &str) -> Limits {
    config.resolve(user, now())
}

#[test]
fn in_the_small_lab_everybody_has_one_gpu_and_two_containers() {
    let config = example("small-lab.yaml");
    assert_eq!(config.users().len(), 10);
    for user in config.users() {
        let limits = of(&config, user);
        assert_eq!(limits.group, "students");
        assert_eq!(limits.max_slots, Limit::Max(1.0));
        assert_eq!(limits.max_cpus, Limit::Max(8.0));
        assert_eq!(limits.memory, gib(32));
        assert_eq!(limits.idle_timeout, hours(48));
        assert_eq!(limits.max_containers, Limit::Max(2));
        assert!(limits.source("max_containers").starts_with("policies (small-lab.yaml:"));
    }
}

#[test]
fn with_mixed_use_each_group_has_its_own() {
    let config = example("mixed-use.yaml");
    let (student, phd) = (of(&config, "student2"), of(&config, "phd1"));
    assert_eq!((student.max_cpus, student.memory), (Limit::Max(6.0), gib(24)));
    assert_eq!((student.idle_timeout, phd.idle_timeout), (hours(24), hours(72)));
    let professor = of(&config, "prof_jones");
    assert_eq!((professor.max_slots, professor.memory), (Limit::Max(2.0), gib(64)));
    assert_eq!(professor.idle_timeout, Limit::None);
    let guest = of(&config, "guest");
    assert_eq!((guest.group.as_str(), guest.memory), ("default", gib(32)));
}

#[test]
fn an_override_is_above_the_group_and_keeps_it() {
    let config = example("groups-and-overrides.yaml");
    let bob = of(&config, "bob");
    assert_eq!((bob.group.as_str(), bob.overridden), ("students", true));
    assert_eq!((bob.max_slots, bob.max_cpus), (Limit::Max(2.0), Limit::Max(16.0)));
    assert_eq!((bob.memory, bob.priority), (gib(64), 100));
    // From the group and the defaults still:
    assert_eq!(bob.aggregate.cpu_quota, Some(9600.0));
    assert_eq!(bob.shm_size, Some(Bytes(8 << 30)));
    assert_eq!(bob.source("memory"), "user_overrides.bob (groups-and-overrides.yaml:47)");
    assert_eq!(bob.source("aggregate.cpu_quota"), "groups.students (groups-and-overrides.yaml:23)");
    assert_eq!(bob.source("shm_size"), "defaults (groups-and-overrides.yaml:8)");
    assert_eq!(bob.source("policies.network_idle_threshold"), "built-in");
    let root = of(&config, "root");
    assert!(root.admin && root.max_slots.is_none());
    assert!(!bob.admin);
}

/// The man page's literal blocks.
fn blocks(page: &str) -> Vec<String> {
    let literal = |rest: &str| rest.split_once(".Ed").map(|(block, _)| block.to_owned());
    let blocks = page.split(".Bd -literal").skip(1).filter_map(literal);
    blocks.map(|block| block.split_once('\n').unwrap().1.replace(r"\(dq", "\"")).collect()
}

#[test]
fn the_man_pages_examples_are_sound_and_no_key_is_missing_there() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../man/resource-limits.yaml.5");
    let page = std::fs::read_to_string(path).unwrap();
    let [exemptions, config]: [String; 2] = blocks(&page).try_into().unwrap();
    let lab = crate::Lab::new(config).with("lifecycle-exemptions.yaml", exemptions);
    assert!(lab.messages().is_empty(), "{:?}", lab.messages());
    assert!(lab.limits("alice").idle_timeout.is_none());
    assert_eq!(lab.limits("bob").memory, gib(64));

    let schema = ds01_config::schema();
    for (section, definition) in schema["$defs"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().unwrap() {
            if property.get("deprecated").is_none() && key != "category" {
                assert!(page.contains(key.as_str()), "{key} of {section} is not in the man page");
            }
        }
    }
}
