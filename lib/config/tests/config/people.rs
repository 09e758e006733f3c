//! Who is in which group, and the files that say so.

use ds01_units::{Limit, Span, Stamp};

use crate::{Lab, now};

const GROUPS: &str = "default_group: students\ngroups:\n  students: {members: [alice]}\n  staff: {members: [carol], priority: 50}\n";

#[test]
fn members_stand_in_the_config_and_in_a_file_beside_it() {
    let lab = Lab::new(GROUPS)
        .with(
            "groups/staff.members",
            "# the institute\n\n  dave  # since May\r\nh.baker@hertie-school.lan\n212345",
        )
        .with("groups/notes.txt", "not a member list");
    let config = lab.read().unwrap();
    assert_eq!(
        config.group("staff").unwrap().members,
        ["carol", "dave", "h.baker@hertie-school.lan", "212345"]
    );
    for (user, group) in
        [("alice", "students"), ("dave", "staff"), ("212345", "staff"), ("stranger", "students")]
    {
        assert_eq!(config.group_of(user).name, group, "{user}");
    }
    assert_eq!(lab.limits("dave").priority, 50);
}

#[test]
fn numbers_and_odd_words_are_names_as_they_are_written() {
    let lab = Lab::new("groups: {a: {members: [0123, 1e3, yes, \"null\", 212345]}}\n");
    let config = lab.read().unwrap();
    assert_eq!(config.group("a").unwrap().members, ["0123", "1e3", "yes", "null", "212345"]);
}

#[test]
fn the_override_file_is_the_map_itself_or_has_the_configs_key_above_it() {
    for text in ["dave: {priority: 70}\n", "user_overrides:\n  dave: {priority: 70}\n"] {
        let lab = Lab::new(GROUPS)
            .with("groups/staff.members", "dave\n")
            .with("user-overrides.yaml", text);
        let dave = lab.limits("dave");
        assert_eq!((dave.group.as_str(), dave.priority), ("staff", 70));
        assert!(dave.source("priority").starts_with("user_overrides.dave (user-overrides.yaml:"));
    }
    // Nothing in it is no fault.
    assert!(Lab::new(GROUPS).with("user-overrides.yaml", "# none\n").read().is_ok());
}

#[test]
fn an_entry_in_both_places_is_the_files_and_a_warning() {
    let lab = Lab::new(format!("{GROUPS}user_overrides:\n  alice: {{memory: 4g}}\n"))
        .with("user-overrides.yaml", "alice: {priority: 70}\n");
    let alice = lab.limits("alice");
    assert_eq!((alice.priority, alice.memory), (70, Limit::Max(ds01_units::Bytes(32 << 30))));
    assert_eq!(lab.messages(), ["6:3 warning this entry of alice is not read"]);
}

const EXEMPTIONS: &str = "exemptions:
  - username: alice
    category: research_grant
    exempt_from: [idle_timeout_h]
    reason: Long training
    approved_by: prof
    expires_on: 2026-06-15
  - user: carol
    exempt_from: max_runtime
    expires_on: null
";

#[test]
fn an_exemption_holds_until_it_expires_and_its_day_counts_whole() {
    let lab = Lab::new(format!("{GROUPS}container_types: {{docker: {{idle_timeout: 30m}}}}\n"))
        .with("lifecycle-exemptions.yaml", EXEMPTIONS);
    let config = lab.read().unwrap();
    let at = |user, time: &str| config.resolve(user, time.parse::<Stamp>().unwrap());
    let on_the_day = at("alice", "2026-06-15T23:59:59Z");
    assert_eq!(on_the_day.idle_timeout, Limit::None);
    assert_eq!(on_the_day.lifecycle("docker").idle_timeout, Limit::None);
    assert_eq!(on_the_day.source("idle_timeout"), "exemptions (lifecycle-exemptions.yaml:2)");
    assert_eq!(on_the_day.exemptions[0].reason, "Long training");
    let after = at("alice", "2026-06-16T00:00:00Z");
    assert_eq!(after.idle_timeout, Limit::Max(Span::hours(48)));
    assert!(after.exemptions.is_empty());
    let carol = at("carol", "2099-01-01T00:00:00Z");
    assert!(carol.max_runtime.is_none() && !carol.idle_timeout.is_none());
}

#[test]
fn faults_of_every_file_come_in_one_run() {
    let lab = Lab::new("default_group: student\ngroups: {students: {members: [alice], memroy: 1}}\n")
        .with("groups/student.members", "bob\n")
        .with("groups/students.members", "two words\n")
        .with("user-overrides.yaml", "carol: {prio: 3}\n")
        .with(
            "lifecycle-exemptions.yaml",
            "exemptions:\n  - {exempt_from: [gpus]}\n  - {username: ghost, exempt_from: [max_runtime], expires_on: 2020-01-01}\n",
        );
    assert_eq!(
        lab.messages(),
        [
            "1:1 error there is no group `student`",
            "2:39 error unknown key `memroy`",
            "0:0 error there is no group `student`",
            "1:1 error `two words`: not the name of an account",
            "1:1 warning nobody is called carol: no group's member, no account here",
            "1:9 error unknown key `prio`",
            "2:5 error this exemption names nobody",
            "2:5 error this exemption is from nothing",
            "2:20 error `exempt_from: gpus`: not one of the words this takes",
            "3:6 warning nobody is called ghost: no group's member, no account here",
            "3:51 warning this exemption has expired",
        ]
    );
    let fault = lab.read().unwrap_err();
    assert_eq!(fault.code, ds01_fault::Code::Unreadable);
    assert!(fault.shown.contains("user-overrides.yaml:1:9: error: unknown key `prio`"));
}

#[test]
fn somebody_in_two_groups_is_in_none_until_it_is_mended() {
    let lab = Lab::new(GROUPS).with("groups/staff.members", "carol\nalice\n");
    assert_eq!(
        lab.messages(),
        ["1:1 warning carol is listed twice in staff", "2:1 error alice is in two groups"]
    );
    assert_eq!(
        lab.check().diagnostics[1].help,
        "already in students at resource-limits.yaml:3; keep one"
    );
    assert!(lab.read().is_err());
}

#[test]
fn the_admins_are_the_members_of_the_group_of_that_name() {
    let config =
        Lab::new("groups: {admin: {members: [root, eve]}, a: {members: [bob]}}\n").read().unwrap();
    assert!(config.is_admin("eve") && !config.is_admin("bob") && !config.is_admin("stranger"));
    assert!(config.resolve("eve", now()).admin);
}

#[test]
fn whoever_is_in_no_group_has_a_group_all_the_same() {
    // Pitfall 19: a slice must have a parent.
    let config = Lab::new("groups: {a: {members: [bob]}}\n").read().unwrap();
    assert_eq!(config.resolve("stranger", now()).group, "default");
    assert!(config.group("default").is_some());
    assert_eq!(config.users(), ["bob"]);
}
