use super::*;
use crate::facts::{Answer, Facts};
use proptest::prelude::*;

fn person(user: &str, uid: u32) -> Who {
    Who { uid, gid: uid, user: user.into(), role: Role::Ordinary }
}
fn alice() -> Who {
    person("alice", 1001)
}
fn writes(name: &str) -> Result<String, &'static str> {
    written(name, &alice(), &Words::default()).map_err(|denial| denial.code)
}

#[test]
fn a_name_without_an_owner_becomes_ones_own() {
    for (name, own) in [
        ("built", "ds01-alice/built"),
        ("built:1", "ds01-alice/built:1"),
        ("python:3.13", "ds01-alice/python:3.13"),
        ("library/built", "ds01-alice/built"),
        ("docker.io/built", "ds01-alice/built"),
        ("index.docker.io/library/built:x", "ds01-alice/built:x"),
        ("library/a/b", "ds01-alice/library/a/b"),
        ("reg.lab/library/a", "reg.lab/ds01-alice/library/a"),
        ("org/app", "ds01-alice/org/app"),
        ("docker.io/org/app:2", "ds01-alice/org/app:2"),
        ("ghcr.io/org/app:2", "ghcr.io/ds01-alice/org/app:2"),
        ("reg.lab:5000/app", "reg.lab:5000/ds01-alice/app"),
        ("localhost/app", "localhost/ds01-alice/app"),
        ("ds01-bob", "ds01-alice/ds01-bob"),
        ("docker.io/docker.io/ds01-bob/x", "ds01-alice/docker.io/ds01-bob/x"),
        ("reg.lab/docker.io/ds01-alice/x", "reg.lab/ds01-alice/docker.io/ds01-alice/x"),
        ("cafe", "ds01-alice/cafe"),
        ("20261128", "ds01-alice/20261128"),
        // What is one's own already stays as it is typed.
        ("ds01-alice/x", "ds01-alice/x"),
        ("ds01-1001/x:1", "ds01-1001/x:1"),
        ("docker.io/ds01-alice/x", "docker.io/ds01-alice/x"),
        ("reg.lab:5000/ds01-alice/x", "reg.lab:5000/ds01-alice/x"),
    ] {
        assert_eq!(writes(name).as_deref(), Ok(own), "{name}");
    }
    for (user, uid, own) in [
        ("h.baker@hertie-school.lan", 4711, "ds01-4711/built"),
        ("212345", 212_345, "ds01-212345/built"),
        ("anna-lena", 7, "ds01-anna-lena/built"),
    ] {
        let who = person(user, uid);
        assert_eq!(written("built", &who, &Words::default()).unwrap(), own);
        assert!(is_own(own, &who, &Words::default()));
    }
}

#[test]
fn what_is_somebody_elses_or_no_name_is_not_written() {
    for name in ["ds01-bob/x", "docker.io/ds01-bob/x", "reg.lab/ds01-bob/x:1", "ds01-tools/x"] {
        assert_eq!(writes(name), Err("image.name_space"), "{name}");
    }
    let id = "f".repeat(64);
    let long = "x/".repeat(118) + "long";
    for name in [
        "",
        "Built",
        "a//b",
        "/a",
        "a/",
        "a:",
        "a:x y",
        "a:.x",
        "-a",
        "a@b",
        "UPPER/x",
        "ä",
        "a..b",
        "reg.lab:x/a",
        "-r.lab/a",
        "a/../b",
        "a\u{0}b",
        &id,
        &id[..12],
        "sha256:abc",
        "[::1]:5000/x",
        &format!("sha256:{id}"),
        &long,
        "a:b:c",
        "*",
    ] {
        assert_eq!(writes(name), Err("image.name"), "{name}");
    }
}

#[test]
fn a_filter_finds_ones_own_as_well() {
    let of = |text: &str| pattern(text, &alice(), &Words::default());
    for (text, own) in [
        ("built", Some("ds01-alice/built")),
        ("py*:3.1?", Some("ds01-alice/py*:3.1?")),
        ("*/*", Some("ds01-alice/*/*")),
        ("ghcr.io/*", Some("ghcr.io/ds01-alice/*")),
        ("ds01-*/x", None),
        ("ds01-alice/x", None),
        ("", None),
    ] {
        assert_eq!(of(text).as_deref(), own, "{text}");
    }
}

#[test]
fn admins_write_the_shared_names() {
    let admin = Who { role: Role::Admin, ..alice() };
    assert_eq!(written("python:3.13", &admin, &Words::default()).unwrap(), "python:3.13");
    assert_eq!(first("python:3.13", &admin, &Words::default()), None);
}

#[test]
fn a_read_name_means_ones_own_where_there_is_one() {
    let (who, words) = (alice(), Words::default());
    let mut facts = Facts::default();
    let found = Answer::Image { id: "sha256:1".into(), tags: vec![], labels: vec![] };
    facts.add(Ask::OwnImage("ds01-alice/built".into()), found);
    facts.add(Ask::OwnImage("ds01-alice/python:3.13".into()), Answer::Missing(vec![]));
    let case = Case { who: &who, words: &words, facts: &facts };
    for (name, meant) in [
        ("built", "ds01-alice/built"),
        ("docker.io/library/built", "ds01-alice/built"),
        ("python:3.13", "python:3.13"),
        ("ds01-bob/built", "ds01-bob/built"),
        ("ds01-alice/other", "ds01-alice/other"),
        ("sha256:abc", "sha256:abc"),
        ("0123456789ab", "0123456789ab"),
        ("Not A Name", "Not A Name"),
    ] {
        assert_eq!(read(&case, name), Ok(meant.to_owned()), "{name}");
    }
    assert_eq!(read(&case, "new"), Err(Stop::Need(Ask::OwnImage("ds01-alice/new".into()))));
}

fn component() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}"
}
fn name() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just(String::new()),
        Just("docker.io/".to_owned()),
        Just("library/".to_owned()),
        Just("docker.io/library/".to_owned()),
        Just("localhost/".to_owned()),
        "[a-z]{1,5}\\.[a-z]{1,3}(:[0-9]{1,4})?/",
        "ds01-[a-z]{1,5}/",
    ];
    let path = proptest::collection::vec(component(), 1..4).prop_map(|parts| parts.join("/"));
    (host, path, "(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,9})?")
        .prop_map(|(host, path, tag)| format!("{host}{path}{tag}"))
}
fn anybody() -> impl Strategy<Value = Who> {
    ("[a-z0-9][a-z0-9._@-]{0,12}", 1000u32..70000).prop_map(|(user, uid)| person(&user, uid))
}

proptest! {
    /// Whatever is typed lands in one's own name space, and only there.
    #[test]
    fn a_written_name_is_ones_own_and_nobody_elses(
        name in prop_oneof![name(), ".{0,30}"], a in anybody(), b in anybody()
    ) {
        let words = Words::default();
        if let Ok(own) = written(&name, &a, &words) {
            prop_assert!(is_own(&own, &a, &words), "{own}");
            prop_assert!(!is_foreign(&own, &a), "{own}");
            prop_assert_eq!(written(&own, &a, &words), Ok(own.clone()));
            if names::namespace(&a.user, a.uid) != names::namespace(&b.user, b.uid) && a.uid != b.uid {
                prop_assert!(!is_own(&own, &b, &words), "{own}");
                prop_assert_ne!(written(&name, &b, &words).ok(), Some(own));
            }
        }
    }

    /// The way back: what was written under a name is what the name means first.
    #[test]
    fn a_written_name_is_read_again(name in prop_oneof![name(), ".{0,30}"], who in anybody()) {
        let words = Words::default();
        match written(&name, &who, &words) {
            Ok(own) if own != name => prop_assert_eq!(first(&name, &who, &words), Some(own)),
            _ => prop_assert_eq!(first(&name, &who, &words), None),
        }
    }

    /// Two names share an own name only if Docker takes them for the same one.
    #[test]
    fn two_names_stay_two(a in name(), b in name(), who in anybody()) {
        let words = Words::default();
        let same = Reference::cut(&a) == Reference::cut(&b);
        if let (Ok(own_a), Ok(own_b)) = (written(&a, &who, &words), written(&b, &who, &words))
            && own_a != a && own_b != b
        {
            prop_assert_eq!(Reference::cut(&own_a) == Reference::cut(&own_b), same);
        }
    }
}
