use ds01_units::{Bytes, Limit};

use super::*;
use crate::facts::{Answer, Ask, Grant};
use crate::who::Role;

fn alice() -> Who {
    Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary }
}

fn limits() -> Grant {
    Grant {
        cgroup_parent: "ds01-students-alice.slice".into(),
        cpus: Limit::Max(8.0),
        memory: Limit::Max(Bytes(32 << 30)),
        memory_swap: Limit::Max(Bytes(32 << 30)),
        pids: Limit::Max(4096),
        shm: Some(Bytes(1 << 30)),
        gpus: Vec::new(),
        labels: Vec::new(),
        warnings: Vec::new(),
        name: None,
        lease: None,
    }
}

const SLICE: &str = "/ds01.slice/ds01-students.slice/ds01-students-alice.slice";

fn judged(path: &str, message: &Parsed, words: &Words) -> Result<(Parsed, Ids), Denial> {
    let metadata = Metadata { build: Some("b1"), session: None };
    let (call, _) = begin(path, metadata)?;
    let mut facts = Facts::default();
    facts.add(Ask::Limits, Answer::Granted(limits()));
    let names =
        ["debian:12", "ds01-bob/x:1", "ds01-alice/built:latest", "reg:5000/ds01-alice/a/b:2"];
    facts.add(Ask::Images, Answer::Names(names.map(str::to_owned).to_vec()));
    match judge(call, metadata, &proto::write(message), &alice(), words, &facts) {
        Ok((bytes, ids)) => {
            Ok((proto::parse(&bytes, message.schema(), UnknownFields::Deny).unwrap(), ids))
        }
        Err(Stop::Deny(denial)) => Err(denial),
        Err(other) => panic!("{other:?}"),
    }
}

const SOLVE: &str = "/moby.buildkit.v1.Control/Solve";
const WITHIN: &str = "/moby.buildkit.v1.frontend.LLBBridge/Solve";

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn a_solve(attrs: &[(&str, &str)]) -> Parsed {
    let mut solve = Parsed::new(&messages::SOLVE);
    solve.set("Ref", "r1");
    solve.set("Session", "s1");
    solve.set("Frontend", "dockerfile.v0");
    solve.set_map("FrontendAttrs", pairs(attrs));
    solve
}

fn with_exporter(kind: &str, attrs: &[(&str, &str)]) -> Parsed {
    let mut solve = a_solve(&[]);
    let mut exporter = Parsed::new(&messages::EXPORTER);
    exporter.set("Type", kind);
    exporter.set_map("Attrs", pairs(attrs));
    solve.add("Exporters", exporter);
    solve
}

fn code(result: Result<(Parsed, Ids), Denial>) -> &'static str {
    result.expect_err("it was let through").code
}

#[test]
fn a_build_gets_owner_slice_and_caches_of_its_own() {
    let solve = a_solve(&[
        ("target", "x"),
        ("label:version", "1"),
        ("label:ds01.gpu.uuids", "forged"),
        ("cgroup-parent", "/"),
        ("build-arg:BUILDKIT_CACHE_MOUNT_NS", "mine"),
        ("shm-size", "99999999999"),
    ]);
    let (sent, ids) = judged(SOLVE, &solve, &Words::default()).unwrap();
    let mut attrs = sent.map("FrontendAttrs");
    attrs.sort();
    let expected = pairs(&[
        ("build-arg:BUILDKIT_CACHE_MOUNT_NS", "ds01-alice/mine"),
        ("cgroup-parent", SLICE),
        ("label:ds01.uid", "1001"),
        ("label:ds01.user", "alice"),
        ("label:version", "1"),
        ("shm-size", "1073741824"),
        ("target", "x"),
    ]);
    assert_eq!(attrs, expected);
    assert_eq!((ids.sessions, ids.builds), (vec!["s1".to_owned()], vec!["r1".to_owned()]));
}

#[test]
fn images_are_kept_under_ones_own_names_only() {
    let words = Words::default();
    for (kind, name) in [
        ("moby", "ds01-alice/x"),
        ("image", "docker.io/ds01-alice/x:1,reg:5000/ds01-alice/x"),
        ("moby", ""),
        ("docker", "pytorch/pytorch"),
        ("local", ""),
    ] {
        let solve = with_exporter(kind, &[("name", name)]);
        assert!(judged(SOLVE, &solve, &words).is_ok(), "{kind} {name}");
    }
    for (kind, name, kept) in [
        ("moby", "built", "ds01-alice/built"),
        ("image", "pytorch/pytorch,ds01-alice/x", "ds01-alice/pytorch/pytorch,ds01-alice/x"),
        ("", "docker.io/library/debian:12", "ds01-alice/debian:12"),
    ] {
        let solve = with_exporter(kind, &[("name", name)]);
        let (sent, _) = judged(SOLVE, &solve, &words).unwrap();
        let attrs = sent.messages("Exporters").next().unwrap().map("Attrs");
        assert_eq!(attrs, pairs(&[("name", kept)]), "{kind} {name}");
    }
    for (kind, name, expected) in [
        ("moby", "ds01-bob/x", "image.name_space"),
        ("image", "ds01-alice/x,ds01-bob/x", "image.name_space"),
        ("moby", "ds01-alice/x,", "image.name"),
        ("moby", "Upper", "image.name"),
    ] {
        let solve = with_exporter(kind, &[("name", name)]);
        assert_eq!(code(judged(SOLVE, &solve, &words)), expected, "{kind} {name}");
    }
    let mut old = a_solve(&[]);
    old.set("Exporter", "moby");
    old.set_map("ExporterAttrs", pairs(&[("name", "ds01-bob/x")]));
    assert_eq!(code(judged(SOLVE, &old, &words)), "image.name_space");
    let prefixed = with_exporter("image", &[("dangling-name-prefix", "ds01-bob/x")]);
    assert_eq!(code(judged(SOLVE, &prefixed, &words)), "build.unknown_field");
    assert_eq!(code(judged(SOLVE, &with_exporter("s3", &[]), &words)), "build.outputs");
}

#[test]
fn rights_of_the_host_are_refused_unless_the_policy_says_otherwise() {
    let closed = Words::default();
    let open = Words { host_network: true, ..Words::default() };
    let host = a_solve(&[("force-network-mode", "host")]);
    assert_eq!(code(judged(SOLVE, &host, &closed)), "build.network");
    assert!(judged(SOLVE, &host, &open).is_ok());
    assert!(judged(SOLVE, &a_solve(&[("force-network-mode", "none")]), &closed).is_ok());
    for (entitlement, words, expected) in [
        ("network.host", &closed, Some("build.network")),
        ("network.host", &open, None),
        ("security.insecure", &open, Some("build.entitlement")),
        ("device", &open, Some("build.entitlement")),
        ("device=nvidia.com/gpu", &open, Some("build.entitlement")),
    ] {
        let mut solve = a_solve(&[]);
        solve.set("Entitlements", entitlement);
        match expected {
            Some(expected) => assert_eq!(code(judged(SOLVE, &solve, words)), expected),
            None => assert!(judged(SOLVE, &solve, words).is_ok(), "{entitlement}"),
        }
    }
    for (attrs, expected) in [
        (("ulimit", "nofile=1:1"), "build.ulimits"),
        (("gateway-devel", ""), "build.unknown_field"),
        (("label:ds01.user", "bob"), "create.foreign_label"),
        (("context:base", "docker-image://ds01-bob/x"), "owner.foreign_object"),
        (("cache-from", "ds01-bob/x"), "owner.foreign_object"),
        (("cache-imports", r#"[{"Type":"s3","Attrs":{}}]"#), "build.cache"),
        (("cache-imports", r#"[{"type":"registry"}]"#), "build.cache"),
    ] {
        assert_eq!(code(judged(SOLVE, &a_solve(&[attrs]), &closed)), expected, "{attrs:?}");
        let mut within = Parsed::new(&messages::BRIDGE_SOLVE);
        within.set_map("FrontendAttrs", pairs(&[attrs]));
        assert_eq!(code(judged(WITHIN, &within, &closed)), expected, "{attrs:?}");
    }
}

#[test]
fn caches_are_written_under_ones_own_names() {
    let with = |kind: &str, name: &str| {
        let mut entry = Parsed::new(&messages::CACHE_ENTRY);
        entry.set("Type", kind);
        entry.set_map("Attrs", pairs(&[("ref", name)]));
        let mut cache = Parsed::new(&messages::CACHE);
        cache.add("Exports", entry);
        let mut solve = a_solve(&[]);
        solve.add("Cache", cache);
        judged(SOLVE, &solve, &Words::default())
    };
    assert!(with("inline", "").is_ok() && with("registry", "reg:5000/ds01-alice/c").is_ok());
    assert_eq!(code(with("registry", "reg:5000/ds01-bob/c")), "image.name_space");
    let (sent, _) = with("registry", "reg:5000/team/c").unwrap();
    let cache = sent.messages("Cache").next().unwrap();
    let attrs = cache.messages("Exports").next().unwrap().map("Attrs");
    assert_eq!(attrs, pairs(&[("ref", "reg:5000/ds01-alice/team/c")]));
    assert_eq!(code(with("s3", "")), "build.cache");
}

/// A definition of one step that runs something.
fn a_run(exec: Parsed) -> Parsed {
    let mut step = Parsed::new(&messages::OP);
    step.add("exec", exec);
    let mut definition = Parsed::new(&messages::DEFINITION);
    definition.add_bytes("def", proto::write(&step));
    definition
}

#[test]
fn steps_of_the_clients_own_are_read() {
    let parent = |parent: &str| {
        let mut meta = Parsed::new(&messages::META);
        meta.set("cgroupParent", parent);
        let mut exec = Parsed::new(&messages::EXEC);
        exec.add("meta", meta);
        exec
    };
    let flag = |name: &str, value: u64| {
        let mut exec = Parsed::new(&messages::EXEC);
        exec.add_number(name, value);
        exec
    };
    let cache = |id: &str| {
        let mut cache = Parsed::new(&messages::CACHE_MOUNT);
        cache.set("ID", id);
        let mut mount = Parsed::new(&messages::MOUNT);
        mount.add("cacheOpt", cache);
        let mut exec = Parsed::new(&messages::EXEC);
        exec.add("mounts", mount);
        exec
    };
    for (exec, expected) in [
        (parent(SLICE), None),
        (parent(""), None),
        (parent("/"), Some("build.slice")),
        (flag("network", 2), None),
        (flag("network", 1), Some("build.network")),
        (flag("security", 1), Some("build.entitlement")),
        (cache("ds01-alice/root/.cache"), None),
        (cache("ds01-bob/root/.cache"), Some("build.cache")),
        (cache("/root/.cache"), Some("build.cache")),
    ] {
        // As the build, as an input of it, and in a build within a build.
        let mut plain = a_solve(&[]);
        plain.add("Definition", a_run(exec.clone()));
        let mut input = Parsed::new(&messages::DEFINITIONS);
        input.set("key", "base");
        input.add("value", a_run(exec.clone()));
        let mut inputs = a_solve(&[]);
        inputs.add("FrontendInputs", input);
        let mut build = Parsed::new(&messages::BUILD_OP);
        build.add("def", a_run(exec));
        let mut step = Parsed::new(&messages::OP);
        step.add("build", build);
        let mut nested = Parsed::new(&messages::DEFINITION);
        nested.add_bytes("def", proto::write(&step));
        let mut inner = a_solve(&[]);
        inner.add("Definition", nested);
        for solve in [plain, inputs, inner] {
            let result = judged(SOLVE, &solve, &Words::default());
            match expected {
                None => assert!(result.is_ok(), "{result:?}"),
                Some(expected) => assert_eq!(code(result), expected),
            }
        }
    }
}

#[test]
fn a_from_means_ones_own_image_first() {
    let policy = |solve: &Parsed| {
        let (sent, _) = judged(SOLVE, solve, &Words::default()).unwrap();
        let policy = sent.messages("SourcePolicy").next().unwrap();
        let identifier = |rule: &Parsed, part: &str| {
            rule.messages(part).next().unwrap().text("identifier").to_owned()
        };
        let rules = policy.messages("rules");
        rules
            .map(|rule| (identifier(rule, "selector"), identifier(rule, "updates")))
            .collect::<Vec<_>>()
    };
    let own = [
        (
            "docker-image://docker.io/library/built:latest",
            "docker-image://docker.io/ds01-alice/built:latest",
        ),
        ("docker-image://reg:5000/a/b:2", "docker-image://reg:5000/ds01-alice/a/b:2"),
    ];
    assert_eq!(policy(&a_solve(&[])), own.map(|(a, b)| (a.to_owned(), b.to_owned())));
    // Behind what the client itself says.
    let mut solve = a_solve(&[]);
    let mut policy_of_mine = Parsed::new(&messages::POLICY);
    let mut rule = Parsed::new(&messages::RULE);
    for part in ["selector", "updates"] {
        let schema = if part == "selector" { &messages::SELECTOR } else { &messages::SOURCE_OP };
        let mut one = Parsed::new(schema);
        one.set("identifier", "docker-image://x");
        rule.add(part, one);
    }
    policy_of_mine.add("rules", rule);
    solve.add("SourcePolicy", policy_of_mine);
    let rules = policy(&solve);
    assert_eq!((rules.len(), rules[0].0.as_str()), (3, "docker-image://x"));
}

#[test]
fn a_step_reads_from_no_session_but_ones_own() {
    let mut source = Parsed::new(&messages::SOURCE_OP);
    source.set("identifier", "local://context");
    source.set_map("attrs", pairs(&[("local.session", "s7"), ("local.unique", "u")]));
    let mut step = Parsed::new(&messages::OP);
    step.add("source", source);
    let mut definition = Parsed::new(&messages::DEFINITION);
    definition.add_bytes("def", proto::write(&step));
    let mut solve = a_solve(&[]);
    solve.add("Definition", definition);
    let (_, ids) = judged(SOLVE, &solve, &Words::default()).unwrap();
    assert_eq!(ids.sessions, ["s1", "s7"]);
}

#[test]
fn what_is_not_known_or_shared_by_all_is_closed() {
    for (path, expected) in [
        ("/moby.buildkit.v1.Control/Prune", "build.closed"),
        ("/moby.buildkit.v1.Control/DiskUsage", "build.closed"),
        ("/moby.buildkit.v1.frontend.LLBBridge/NewContainer", "build.closed"),
        ("/moby.buildkit.v1.frontend.LLBBridge/ExecProcess", "build.closed"),
        ("/containerd.services.content.v1.Content/Read", "build.unknown_call"),
        ("/moby.buildkit.v1.Control/solve", "build.unknown_call"),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "build.unwanted"),
        ("", "build.unknown_call"),
    ] {
        assert_eq!(begin(path, Metadata::default()).unwrap_err().code, expected, "{path}");
    }
}

#[test]
fn records_are_asked_for_by_name() {
    let path = "/moby.buildkit.v1.Control/ListenBuildHistory";
    let mut listen = Parsed::new(&messages::LISTEN_HISTORY);
    assert_eq!(code(judged(path, &listen, &Words::default())), "build.no_ref");
    listen.set("Ref", "r1");
    let (_, ids) = judged(path, &listen, &Words::default()).unwrap();
    assert_eq!(ids.records, ["r1"]);
    listen.set("Ref", NO_RECORD);
    assert_eq!(code(judged(path, &listen, &Words::default())), "build.unwanted");
}
