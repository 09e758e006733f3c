//! What the door runs of ds01's own tools, and what it does not.

use proptest::prelude::*;

use super::*;
use crate::json::{parse, write};

fn who(user: &str, role: Role) -> Who {
    Who { uid: 1001, gid: 1001, user: user.into(), role }
}

fn ask_as(role: Role, tool: &str, line: &str) -> Result<Vec<String>, Denial> {
    let body = Value::Object(vec![("args".into(), Value::texts(line.split_whitespace()))]);
    errand(tool, &body, &who("alice", role)).map(|errand| errand.args)
}

fn ask(tool: &str, line: &str) -> Result<Vec<String>, Denial> {
    ask_as(Role::Ordinary, tool, line)
}

fn refused(tool: &str, line: &str) -> (u16, &'static str) {
    let denial = ask(tool, line).expect_err(line);
    (denial.status, denial.code)
}

#[test]
fn a_line_is_written_in_one_form() {
    for (tool, line, written) in [
        ("gpu-queue", "join", "join"),
        ("gpu-queue", "join --gpus 2 -ojson", "join --gpus=2 --output=json"),
        ("gpu-queue", "-o=json -q join --for=4h", "join --output=json --quiet --for=4h"),
        ("gpu-queue", "leave -qy 7 mine", "leave --quiet --yes -- 7 mine"),
        ("gpu-queue", "leave -- -7", "leave -- -7"),
        ("gpu-queue", "remove --all", "remove --all"),
        ("gpu-queue", "join --user alice", "join --user=alice"),
        ("gpu-queue", "join --container --user=bob", "join --container=--user=bob"),
        ("gpu-queue", "position --json", "position --json"),
        ("gpu-reserve", "list --timeline", "list --timeline"),
        ("gpu-reserve", "add --gpus 1 --for 2h", "add --gpus=1 --for=2h"),
        ("check-limits", "", ""),
        ("check-limits", "alice", "-- alice"),
        ("gpu-avail", "--count 2", "--count=2 -- alice"),
        ("limits-resolve", "--get max_cpus", "--get=max_cpus -- alice"),
        ("ds01-events", "-n5", "--last=5 --user=alice"),
        ("ds01-events", "--user alice --type gpu", "--user=alice --type=gpu"),
    ] {
        assert_eq!(ask(tool, line).unwrap().join(" "), written, "{tool} {line}");
    }
}

#[test]
fn nothing_else_is_run() {
    for tool in
        ["gpu-alloc", "sh", "", "../bin/sh", "gpu-queue/", "GPU-QUEUE", "slice-make", "ds01"]
    {
        let denial = ask(tool, "").expect_err(tool);
        assert_eq!((denial.status, denial.code), (404, "gate.tool"), "{tool}");
    }
    for (tool, line) in [
        ("gpu-queue", ""),
        ("gpu-queue", "pass"),
        ("gpu-queue", "--gpus 1 join"),
        ("gpu-queue", "join extra"),
        ("gpu-queue", "join --gpus"),
        ("gpu-queue", "join --dry-run=no"),
        ("gpu-queue", "join --root=/tmp"),
        ("gpu-queue", "list --dry-run"),
        ("gpu-queue", "join -x"),
        ("gpu-queue", "join -qx"),
        ("gpu-queue", "join --use=bob"),
        ("limits-resolve", "--config=/etc/shadow"),
        ("limits-resolve", "--all"),
        ("ds01-events", "--file=/etc/shadow"),
        ("ds01-events", "--follow"),
        ("ds01-events", "-f"),
        ("ds01-events", "alice"),
        ("check-limits", "--cgroup-root=/home/alice"),
        ("check-limits", "alice alice"),
        ("gpu-reserve", "steal"),
        ("gpu-reserve", "list 1"),
        ("gpu-queue", "join --guided"),
    ] {
        assert_eq!(refused(tool, line), (403, "gate.argument"), "{tool} {line}");
    }
}

#[test]
fn nobody_else_is_named() {
    for (tool, line) in [
        ("gpu-queue", "join --user bob"),
        ("gpu-queue", "join --user=bob"),
        ("gpu-queue", "join --user=alice --user=bob"),
        ("gpu-queue", "leave --user bob --all"),
        ("gpu-queue", "list --user=bob"),
        ("gpu-queue", "join --user="),
        ("gpu-queue", "join --user=1002"),
        ("gpu-reserve", "add --user bob --for 1h"),
        ("check-limits", "bob"),
        ("gpu-avail", "bob"),
        ("gpu-avail", "-- bob"),
        ("limits-resolve", "alice bob"),
        ("limits-resolve", "-"),
        ("ds01-events", "--user bob"),
        ("ds01-events", "--user=alice --user=bob"),
    ] {
        assert_eq!(refused(tool, line), (403, "gate.foreign_user"), "{tool} {line}");
    }
}

#[test]
fn an_admin_names_anybody_and_a_dashboard_looks_at_anybody() {
    let admin = |tool, line| ask_as(Role::Admin, tool, line).unwrap().join(" ");
    assert_eq!(admin("gpu-queue", "join --user bob"), "join --user=bob");
    assert_eq!(admin("ds01-events", "-n 3"), "--last=3");
    assert_eq!(admin("limits-resolve", ""), "");
    let service = |tool, line| ask_as(Role::Service, tool, line);
    assert_eq!(service("ds01-events", "--user bob").unwrap(), ["--user=bob"]);
    for (tool, line) in
        [("gpu-queue", "join"), ("gpu-queue", "leave --all"), ("gpu-reserve", "cancel 1")]
    {
        assert_eq!(service(tool, line).unwrap_err().code, "who.service");
    }
    assert_eq!(ask_as(Role::Nobody, "gpu-queue", "list").unwrap_err().code, "who.nobody");
}

#[test]
fn the_body_is_what_is_documented() {
    let read = |tool: &str, body: &str, role| {
        errand(tool, &parse(body.as_bytes()).unwrap(), &who("alice", role))
    };
    for body in [
        "[]",
        "null",
        r#"{"args": "join"}"#,
        r#"{"args": [1]}"#,
        r#"{"args": ["join"], "user": "bob"}"#,
        r#"{"args": ["join"], "Args": ["leave"]}"#,
        r#"{"args": ["join"], "stdin": 1}"#,
        r#"{"args": ["a\u0000b"]}"#,
        r#"{"args": ["a\nb"]}"#,
    ] {
        let denial = read("gpu-queue", body, Role::Ordinary).expect_err(body);
        assert_eq!((denial.status, denial.code), (400, "gate.body"), "{body}");
    }
    let many = write(&Value::Object(vec![("args".into(), Value::texts(vec!["1"; 65]))]));
    let long = format!(r#"{{"args": ["{}"]}}"#, "x".repeat(LONGEST_ARG + 1));
    for body in [String::from_utf8(many).unwrap(), long] {
        assert_eq!(read("gpu-queue", &body, Role::Admin).unwrap_err().code, "gate.body");
    }
    // Names on stdin are names all the same.
    let body = r#"{"args": [], "stdin": "bob\n"}"#;
    assert_eq!(read("limits-resolve", body, Role::Ordinary).unwrap_err().status, 403);
    assert_eq!(read("limits-resolve", body, Role::Admin).unwrap().stdin.unwrap(), "bob\n");
    assert_eq!(read("gpu-queue", body, Role::Admin).unwrap_err().status, 403);
    assert!(read("check-limits", "{}", Role::Ordinary).is_ok());
}

proptest! {
    /// Whatever is asked, what an ordinary person's tool reads names nobody but them.
    #[test]
    fn no_line_of_an_ordinary_person_speaks_of_somebody_else(
        tool in prop::sample::select(TOOLS.iter().map(|(name, _)| *name).collect::<Vec<_>>()),
        line in prop::collection::vec(
            prop::sample::select(vec![
                "join", "leave", "list", "add", "--user", "--user=bob", "bob", "alice", "--",
                "-o", "-q", "-qo", "--gpus", "--get", "--", "-", "--type", "-n", "--user=alice",
            ]),
            0..6,
        ),
    ) {
        let body = Value::Object(vec![("args".into(), Value::texts(line))]);
        if let Ok(errand) = errand(tool, &body, &who("alice", Role::Ordinary)) {
            let names = errand.args.iter().position(|arg| arg == "--");
            let (flags, names) = errand.args.split_at(names.unwrap_or(errand.args.len()));
            // Every flag carries its value, so that none can swallow the next.
            prop_assert!(flags.iter().skip(usize::from(tool.starts_with("gpu-") && tool != "gpu-avail"))
                .all(|flag| flag.starts_with("--") && flag.len() > 2), "{flags:?}");
            prop_assert!(!flags.iter().any(|flag| flag == "--user=bob"));
            if tool != "gpu-queue" && tool != "gpu-reserve" {
                prop_assert!(names.iter().skip(1).all(|name| name == "alice"), "{names:?}");
            }
        }
    }
}
