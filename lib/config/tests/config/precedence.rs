//! user_overrides over groups over defaults over what is built in, field by field.

use ds01_units::{Bytes, Limit, Span};

use crate::{Lab, now};

#[test]
fn without_a_word_a_cautious_lab_holds() {
    let limits = Lab::new("defaults: {}\n").limits("alice");
    assert_eq!((limits.max_slots, limits.max_gpu_equivalents), (Limit::Max(1.0), Limit::None));
    assert_eq!(limits.memory, limits.memory_swap);
    assert_eq!(limits.max_containers, Limit::Max(3));
    assert_eq!(limits.idle_timeout, Limit::Max(Span::hours(48)));
    assert_eq!(limits.source("memory"), "built-in");
}

#[test]
fn both_generations_of_keys_mean_the_same() {
    let old = Lab::new("defaults: {gpus: 2, cpus: 6, memory: 24g, idle_timeout: 30m}\n");
    let new = Lab::new(
        "defaults:\n  max_gpus_per_user: 2\n  max_cpus: 6\n  memory: \"24G\"\n  idle_timeout_h: 0.5\n",
    );
    let seed = Lab::new(
        "defaults: {max_mig_instances: 2.0, max_cpus: 6, memory: 24GiB, idle_timeout_m: 30}\n",
    );
    let mut limits = [old, new, seed].map(|lab| lab.limits("alice"));
    for one in &mut limits {
        one.sources = Default::default();
    }
    assert_eq!(limits[0], limits[1]);
    assert_eq!(limits[0], limits[2]);
    assert_eq!(limits[0].idle_timeout, Limit::Max(Span::minutes(30)));
}

#[test]
fn null_is_no_limit_and_never_the_level_below() {
    let lab = Lab::new(
        "defaults: {max_cpus: 8, pids_limit: 100, idle_timeout: 48h, memory: 32g}\n\
         groups:\n  free:\n    members: [alice]\n    max_cpus: null\n    pids_limit: ~\n    idle_timeout:\n    memory: unlimited\n",
    );
    let limits = lab.limits("alice");
    assert!(limits.max_cpus.is_none() && limits.pids_limit.is_none());
    assert!(limits.idle_timeout.is_none() && limits.memory.is_none());
    assert_eq!(limits.source("max_cpus"), "groups.free (resource-limits.yaml:5)");
}

#[test]
fn a_hold_of_nothing_is_nothing_and_not_for_ever() {
    // Pitfall 20.
    let limits = Lab::new("defaults: {gpu_hold_after_stop: 0, container_hold_after_stop_h: 0}\n")
        .limits("alice");
    assert_eq!(limits.gpu_hold_after_stop, Limit::Max(Span::ZERO));
    assert_eq!(limits.container_hold_after_stop, Limit::Max(Span::ZERO));
}

#[test]
fn a_level_that_gives_the_quota_in_one_unit_decides_the_other_too() {
    let lab = Lab::new(
        "defaults: {max_mig_instances: 1}\n\
         groups:\n  a: {members: [alice], max_gpu_equivalents: 2.5}\n\
         user_overrides:\n  bob: {max_gpus_per_user: 3}\n",
    );
    let alice = lab.limits("alice");
    assert_eq!((alice.max_slots, alice.max_gpu_equivalents), (Limit::None, Limit::Max(2.5)));
    let bob = lab.limits("bob");
    assert_eq!((bob.max_slots, bob.max_gpu_equivalents), (Limit::Max(3.0), Limit::None));
}

#[test]
fn the_slices_gpu_limit_holds_where_it_is_lower() {
    let lab = Lab::new(
        "groups:\n  a: {members: [alice], max_gpu_equivalents: 4, aggregate: {gpu_limit: 2.0}}\n  \
         b: {members: [bob], max_gpu_equivalents: 1, aggregate: {gpu_limit: 2.0}}\n",
    );
    assert_eq!(lab.limits("alice").max_gpu_equivalents, Limit::Max(2.0));
    assert_eq!(lab.limits("bob").max_gpu_equivalents, Limit::Max(1.0));
}

#[test]
fn swap_follows_memory_that_is_set_above_it() {
    let lab = Lab::new(
        "defaults: {memory: 32g, memory_swap: 32g}\n\
         groups:\n  a: {members: [alice], memory: 64g}\n  b: {members: [bob], memory_swap: null}\n",
    );
    assert_eq!(lab.limits("alice").memory_swap, Limit::Max(Bytes(64 << 30)));
    assert_eq!(lab.limits("bob").memory_swap, Limit::None);
}

#[test]
fn the_hosts_ipc_and_a_size_never_come_together() {
    let lab = Lab::new(
        "defaults: {shm_size: 8g}\n\
         groups:\n  a: {members: [alice], ipc_mode: host}\n\
         user_overrides:\n  alice: {priority: 5}\n  bob: {ipc_mode: private}\n",
    );
    let alice = lab.limits("alice");
    assert_eq!((alice.ipc_host, alice.shm_size), (true, None));
    assert!(!lab.limits("bob").ipc_host);
}

#[test]
fn policies_of_an_override_stand_above_the_groups_and_the_general_ones() {
    let lab = Lab::new(
        "policies: {cpu_idle_threshold: 1, idle_detection_window: 7, grace_period_m: 10, sigterm_grace_s: 20, keepalive_max_duration_h: 5}\n\
         groups:\n  a: {members: [alice, bob], policies: {cpu_idle_threshold: 2}}\n\
         user_overrides:\n  bob: {policies: {cpu_idle_threshold: 3%}}\n",
    );
    let [alice, bob] = ["alice", "bob"].map(|user| lab.limits(user).policies);
    assert_eq!((alice.cpu_idle_threshold, bob.cpu_idle_threshold), (2.0, 3.0));
    assert_eq!((bob.idle_detection_window, bob.gpu_idle_threshold), (7, 5.0));
    assert_eq!((bob.grace_period, bob.sigterm_grace), (Span::minutes(10), Span::from_secs(20)));
    assert_eq!(bob.keepalive_max, Span::hours(5));
    let config = lab.read().unwrap();
    assert_eq!(config.group("a").unwrap().policies.cpu_idle_threshold, 2.0);
}

#[test]
fn a_kind_of_container_has_a_lifetime_and_an_unknown_one_is_never_without() {
    // Pitfall 25.
    let lab = Lab::new(
        "defaults: {idle_timeout: 48h, max_runtime: 96h}\n\
         container_types:\n  devcontainer: {idle_timeout: null, max_runtime: 168h}\n  docker: {idle_timeout: 30m, sigterm_grace: 5s}\n\
         user_overrides:\n  bob: {idle_timeout: 72h}\n",
    );
    let alice = lab.limits("alice");
    let hours = |count| Limit::Max(Span::hours(count));
    assert_eq!(alice.lifecycle("devcontainer").idle_timeout, Limit::None);
    assert_eq!(alice.lifecycle("devcontainer").max_runtime, hours(168));
    let docker = alice.lifecycle("docker");
    assert_eq!(
        (docker.idle_timeout, docker.max_runtime),
        (Limit::Max(Span::minutes(30)), hours(96))
    );
    assert_eq!(docker.sigterm_grace, Span::from_secs(5));
    assert_eq!(
        alice.lifecycle_source("docker", "idle_timeout"),
        "container_types.docker (resource-limits.yaml:4)"
    );
    assert_eq!(
        alice.lifecycle_source("docker", "max_runtime"),
        "defaults (resource-limits.yaml:1)"
    );
    assert_eq!(alice.lifecycle_source("api", "sigterm_grace"), "built-in");
    let api = alice.lifecycle("api");
    assert_eq!((api.idle_timeout, api.max_runtime), (hours(48), hours(96)));
    assert_eq!(lab.limits("bob").lifecycle("docker").idle_timeout, hours(72));

    let lab = Lab::new("container_types: {unknown: {idle_timeout: 15m}}\n");
    let alice = lab.limits("alice");
    assert_eq!(alice.lifecycle("api").idle_timeout, Limit::Max(Span::minutes(15)));
    assert_eq!(alice.lifecycle("orchestration").idle_timeout, hours(48));
}

#[test]
fn sections_of_remarks_alone_say_nothing() {
    // Pitfall 20: an empty gpu_allocation crashed every allocation.
    let lab = Lab::new(
        "defaults:\n  # none yet\ngpu_allocation:\n  # strategy: pack\npolicies: null\ngroups:\n  a:\n  b: {members: }\nuser_overrides: ~\n",
    );
    let config = lab.read().unwrap();
    assert_eq!(config.gpu().strategy, ds01_config::Strategy::LeastAllocated);
    assert_eq!(
        config.groups().map(|group| &*group.name).collect::<Vec<_>>(),
        ["a", "b", "default"]
    );
}

#[test]
fn anchors_and_merge_keys_work_and_what_is_written_beats_what_is_merged() {
    let lab = Lab::new(
        "x-base: &base\n  memory: 24g\n  cpus: 4\n\
         defaults:\n  <<: *base\n  max_cpus: 6\n\
         groups:\n  a: &a {members: [alice], priority: 20}\n  b:\n    <<: [*a, *base]\n    members: [bob]\n    memory: 48g\n",
    );
    let (alice, bob) = (lab.limits("alice"), lab.limits("bob"));
    assert_eq!((alice.memory, alice.max_cpus), (Limit::Max(Bytes(24 << 30)), Limit::Max(6.0)));
    assert_eq!((bob.memory, bob.priority), (Limit::Max(Bytes(48 << 30)), 20));
    assert_eq!(bob.max_cpus, Limit::Max(4.0));
    assert_eq!(alice.source("memory"), "defaults (resource-limits.yaml:2)");
}

#[test]
fn the_winner_and_every_loser_can_be_asked_for() {
    let lab = Lab::new(
        "defaults: {memory: 1g}\ngroups:\n  a: {members: [alice], memory: 2g}\nuser_overrides:\n  alice: {memory: 3g}\n",
    );
    let config = lab.read().unwrap();
    let why = config.explain("alice", "memory", now()).unwrap();
    let values: Vec<_> = why.candidates.iter().map(|one| (&*one.value, one.holds)).collect();
    assert_eq!(values, [("3g", true), ("2g", false), ("1g", false), ("32g", false)]);
    assert_eq!(why.source.to_string(), "user_overrides.alice (resource-limits.yaml:5)");
    assert_eq!(config.explain("alice", "idle_timeout_h", now()).unwrap().value, "48");
    assert_eq!(config.explain("alice", "cpus", now()).unwrap().field, "max_cpus");
    let fault = config.explain("alice", "memmory", now()).unwrap_err();
    assert_eq!(fault.why, "did you mean `memory`?");
    for one in config.explain_all("alice", now()) {
        assert!(one.candidates[0].holds && !one.key.is_empty(), "{}", one.field);
    }
}
