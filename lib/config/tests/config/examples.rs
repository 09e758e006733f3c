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

/// All keys of the earlier system's last generation, in its own spelling.
const EARLIER: &str = "
default_group: student
enforcement: {aggregate_limits: true, cgroup_driver: systemd}
defaults:
  max_gpu_equivalents: 1.0
  max_gpu_slots_per_container: 1
  allow_full_gpu: true
  max_cpus: 32
  memory: 32g
  memory_swap: 32g
  shm_size: 16g
  pids_limit: 4096
  max_containers_per_user: 3
  max_runtime_h: 24
  idle_timeout_h: 0.5
  gpu_hold_after_stop_h: 0.25
  container_hold_after_stop_h: 0.5
  max_tasks: 32768
  priority: 10
groups:
  student:
    max_gpu_equivalents: 2.0
    aggregate: {cpu_quota: 9600%, memory_max: 96G, memory_high: 86G, tasks_max: 12288, gpu_limit: 2.0}
  researcher:
    max_gpu_equivalents: 4.0
    idle_timeout_h: 1
    policies: {cpu_idle_threshold: 3.0, idle_detection_window: 4}
  admin: {members: [root], max_gpu_equivalents: null, max_tasks: null, gpu_hold_after_stop_h: 1}
policies:
  high_demand_threshold: 0.8
  high_demand_idle_reduction: 0.5
  gpu_idle_threshold: 5
  cpu_idle_threshold: 2.0
  network_idle_threshold: 1048576
  idle_detection_window: 3
  grace_period_m: 30
  keepalive_max_duration_h: 24
  sigterm_grace_s: 60
  gpu_hold_after_manual_stop_m: 15
  created_container_timeout_m: 30
container_types:
  devcontainer: {idle_timeout_h: null, max_runtime_h: 168, sigterm_grace_s: 30}
  unknown: {idle_timeout_h: 0.25, max_runtime_h: 24, sigterm_grace_s: 30}
gpu_allocation:
  # strategy: least_allocated
monitoring: {infrastructure_label: ds01.monitoring=true}
bare_metal_access: {exempt_users: []}
access_control: {admin_group: ds01-admin, wrapper: {enforcement_mode: full}}
";

#[test]
fn the_earlier_systems_config_is_taken_over_as_it_is() {
    let lab = crate::Lab::new(EARLIER).with("groups/researcher.members", "carol\n");
    let report = lab.check();
    assert_eq!(report.errors(), 0, "{:?}", lab.messages());
    // What has no effect is said, and nothing else.
    assert_eq!(report.warnings(), 7, "{:?}", lab.messages());
    let carol = lab.limits("carol");
    assert_eq!(carol.max_gpu_equivalents, Limit::Max(4.0));
    assert_eq!((carol.idle_timeout, carol.max_runtime), (hours(1), hours(24)));
    assert_eq!(carol.gpu_hold_after_stop, Limit::Max(Span::minutes(15)));
    assert_eq!(carol.policies.idle_detection_window, 4);
    assert_eq!(carol.lifecycle("devcontainer").idle_timeout, Limit::None);
    assert_eq!(carol.lifecycle("unheard-of").sigterm_grace, Span::from_secs(30));
    let new = lab.limits("new");
    assert_eq!((new.group.as_str(), new.aggregate.cpu_quota), ("student", Some(9600.0)));
    assert_eq!(lab.limits("root").max_gpu_equivalents, Limit::None);
}
