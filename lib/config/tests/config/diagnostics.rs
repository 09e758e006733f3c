//! Messages: the place, the line, the caret, and what was probably meant.

use crate::Lab;

#[test]
fn a_message_shows_the_line_the_caret_and_what_to_write() {
    let lab = Lab::new("defaults:\n  max_cpus: 8\n  memroy: 64g\n");
    let shown = lab.check().diagnostics[0].render();
    let (place, rest) = shown.split_once('\n').unwrap();
    assert!(place.ends_with("/resource-limits.yaml:3:3: error: unknown key `memroy`"), "{place}");
    assert_eq!(rest, " 3 |   memroy: 64g\n   |   ^^^^^^\n   = did you mean `memory`?\n");
}

#[test]
fn every_fault_of_a_file_comes_in_one_run() {
    let lab = Lab::new(
        "defaults:
  max_cpus: eight
  memory: 32
  memory: 64g
  priority: 101
  idle_timeout: 48
  allow_full_gpu: maybe
  shm_size: 8 gigs
  max_containers_per_user: 2.5
  max_mig_instances: -1
  gpus: 2
  pids_limit: [1]
default_group: student
groups:
  students: {members: alice, aggregate: {memory_max: 10g, memory_high: 12g, cpu_quota: 96}}
  bad/name: {}
user_overrides:
  bob: {shm_size: 8g, ipc_mode: host, memory_swap: 16g}
  ghost: {priority: 5}
  account: {priority: 5}
gpu_allocation: {strategy: packed}
policies: {high_demand_threshold: 80}
container_types: {docker: 30m}
acces_control: {}
",
    );
    assert_eq!(
        lab.messages(),
        [
            "2:13 error `max_cpus: eight`: not a number",
            "3:11 error `memory: 32`: 32 B is less than the least possible 6 MiB",
            "4:3 error `memory` stands twice; the first is on line 3",
            "5:13 error `priority: 101`: not in the range of 1 to 100",
            "6:17 error `idle_timeout: 48`: a duration without a unit",
            "7:19 error `allow_full_gpu: maybe`: neither true nor false",
            "8:13 error `shm_size: 8 gigs`: not a size",
            "9:28 error `max_containers_per_user: 2.5`: not a whole number",
            "10:22 error `max_mig_instances: -1`: a number below 0",
            "11:3 error `gpus` says what `max_mig_instances` on line 10 says",
            "12:15 error `pids_limit` wants one value, and this is a list",
            "13:1 error there is no group `student`",
            "15:23 error `members` wants a list, and this is a single value",
            "15:42 error `memory_high` of 12g is above `memory_max` of 10g",
            "15:88 error `cpu_quota: 96`: a quota without %",
            "16:3 error `bad/name` cannot name a group",
            "18:3 warning nobody is called bob: no group's member, no account here",
            "18:9 error `shm_size` with `ipc_mode: host`",
            "18:39 error `memory_swap` of 16g is less than `memory` of 32g",
            "19:3 warning nobody is called ghost: no group's member, no account here",
            "21:28 error `strategy: packed`: not one of the words this takes",
            "22:35 error `high_demand_threshold: 80`: beyond 1",
            "23:27 error container_types.<type> wants keys with values, and this is a single value",
            "24:1 error unknown key `acces_control`",
        ]
    );
    let report = lab.check();
    assert!(report.config.is_none());
    let helps: Vec<_> = report.diagnostics.iter().map(|one| one.help.as_str()).collect();
    assert_eq!(helps[1], "is a unit missing? write 32g");
    assert_eq!(helps[4], "write 48h, 48m or 48s");
    assert_eq!(helps[11], "did you mean `students`?");
    assert_eq!(helps[20], "did you mean pack?");
    assert_eq!(helps[23], "did you mean `access_control`?");
}

#[test]
fn keys_of_the_earlier_system_without_effect_are_warnings() {
    let lab = Lab::new(
        "defaults: {max_tasks: 100}\nenforcement: {cgroup_driver: systemd}\naccess_control: {admin_users: [eve]}\n",
    );
    assert_eq!(
        lab.messages(),
        [
            "1:12 warning `max_tasks` has no effect",
            "2:1 warning `enforcement` has no effect",
            "3:18 warning `admin_users` has no effect",
        ]
    );
    assert!(lab.read().is_ok());
}

#[test]
fn what_a_container_can_never_have_is_a_warning() {
    let lab = Lab::new("defaults: {memory: 64g, aggregate: {memory_max: 32g}}\n");
    assert_eq!(
        lab.messages(),
        ["1:12 warning `memory` of 64g is above the slice's `memory_max` of 32g"]
    );
    let lab = Lab::new("defaults: {max_containers: 3}\npolicies: {max_containers_per_user: 2}\n");
    assert_eq!(lab.messages(), ["2:12 warning this has no effect"]);
}

#[test]
fn a_group_has_a_total_of_its_own_and_nobody_else_has() {
    let lab = Lab::new(
        "defaults: {total: {memory_max: 1t}}
groups:
  a: {members: [alice], total: {memory_max: 10g, memory_high: 12g}}
  b: {aggregate: {memory_max: 64g}, total: {memory_high: 32g, max_gpu_equivalents: 2}}
",
    );
    assert_eq!(
        lab.messages(),
        [
            "1:12 error unknown key `total`",
            "3:33 error `memory_high` of 12g is above `memory_max` of 10g",
            "4:63 error unknown key `max_gpu_equivalents`",
        ]
    );
    let lab = Lab::new("groups:\n  a: {members: [alice], total: {tasks_max: 9}}\n");
    let config = lab.read().unwrap();
    let group = config.group("a").unwrap();
    assert_eq!((group.total.tasks_max, group.total.memory_max), (Some(9), None));
    assert_eq!(group.aggregate.tasks_max, None, "a group's total is nobody's own");
    let (field, source) = config.total_sources(group).remove(0);
    assert_eq!(format!("{field} {source}"), "tasks_max groups.a (resource-limits.yaml:2)");
}

#[test]
fn a_broken_line_hides_nothing_above_it() {
    let lab = Lab::new(
        "default_group: later\ndefaults:\n  memroy: 1g\n  max_cpus: [1\ngroups:\n  later: {}\n",
    );
    let messages = lab.messages();
    assert_eq!(messages[0], "3:3 error unknown key `memroy`");
    assert!(messages.len() == 2 && messages[1].contains("error not YAML:"), "{messages:?}");
    // The group may well stand behind the fault, so nobody says it is missing.
    assert!(!messages.iter().any(|message| message.contains("later")), "{messages:?}");
}

#[test]
fn the_caret_stands_right_behind_tabs_and_far_out() {
    let lab = Lab::new("defaults:\t{\tmemroy: 1g}\n");
    let shown = lab.check().diagnostics[0].render();
    assert!(
        shown.contains("\n 1 | defaults:\t{\tmemroy: 1g}\n   |          \t \t^^^^^^\n"),
        "{shown}"
    );
    let lab = Lab::new(format!("defaults: {{{}memroy: 1g}}\n", " ".repeat(400)));
    let shown = lab.check().diagnostics[0].render();
    let lines: Vec<_> = shown.lines().collect();
    let at = lines[1].find("memroy").unwrap();
    assert_eq!(lines[2].find('^').unwrap(), at, "{shown}");
    assert!(lines[1].len() < 180);
}

#[test]
fn control_characters_of_a_file_never_reach_the_terminal() {
    let lab = Lab::new("defaults: {\"me\\emory\": 1g}\n");
    let fault = lab.read().unwrap_err();
    assert!(!fault.shown.contains('\x1b'), "{:?}", fault.shown);
}

#[test]
fn a_wrong_file_is_told_once_and_not_a_million_times() {
    let many: String = (0..5000).map(|n| format!("wrong{n}: 1\n")).collect();
    assert_eq!(Lab::new(many).check().diagnostics.len(), 200);
    // Nor with a line of megabytes each time.
    let line: String = (0..5000).map(|n| format!("wrong{n}: 1, ")).collect();
    let report = Lab::new(format!("defaults: {{{line}}}\n")).check();
    assert_eq!(report.diagnostics.len(), 200);
    assert!(report.diagnostics.iter().all(|one| one.source_line.len() < 200));
    let last = report.diagnostics[199].render();
    assert!(last.contains("wrong199") && last.contains("^^^^^^^^"), "{last}");
}
