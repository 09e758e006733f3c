//! A person's own image names. A name in which nobody's name space stands (`built`,
//! `org/app`, `ghcr.io/org/app`) is the caller's own when it is written, and means the
//! caller's own first when it is read: `docker build -t built .` makes `ds01-alice/built`,
//! `docker run built` starts that, and where alice has no such image, the shared one. So
//! two people may use one name, and nobody makes a `python:3.13` that others start.
//!
//! Pure; whether an image is there is asked as every other fact is.

use ds01_names::image as names;

use crate::Denial;
use crate::ask::Case;
use crate::facts::{Ask, Stop};
use crate::who::{Role, Who, Words};

/// Docker's default registry is left out of a name; both spell it.
const HUB: [&str; 2] = ["docker.io", "index.docker.io"];
/// What Docker takes for a name at most, its default registry counted.
const LONGEST: usize = 255;
/// As long as the ids that `docker images` prints, hexadecimal digits are an id.
const SHORTEST_ID: usize = 12;

/// An image's name in its parts, as Docker reads it. `docker.io/library/x`, `library/x`
/// and `x` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The registry, where it is not Docker's own.
    pub host: Option<&'a str>,
    pub path: &'a str,
    /// Tag and digest, with the signs before them.
    pub rest: &'a str,
}

impl<'a> Reference<'a> {
    /// Cuts a name up without judging its parts.
    pub fn cut(name: &'a str) -> Self {
        let (host, rest) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (Some(first).filter(|host| !HUB.contains(host)), rest)
            }
            _ => (None, name),
        };
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let end = rest[last..].find([':', '@']).map_or(rest.len(), |at| last + at);
        let (path, tag) = rest.split_at(end);
        let path = match path.strip_prefix("library/") {
            Some(single) if host.is_none() && !single.contains('/') => single,
            _ => path,
        };
        Self { host, path, rest: tag }
    }

    /// Whether Docker would take it for an id, or for the beginning of one.
    pub fn is_id(&self) -> bool {
        let hex = self.path.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.host.is_none() && (self.path == "sha256" || (hex && self.path.len() >= SHORTEST_ID))
    }

    /// Whose name space it lies in, if in anybody's.
    pub fn space(&self) -> Option<&'a str> {
        let (space, _) = self.path.split_once('/')?;
        space.starts_with("ds01-").then_some(space)
    }

    /// What Docker would not take.
    fn fault(&self) -> Option<String> {
        if let Some(host) = self.host.filter(|host| !is_host(host)) {
            return Some(format!("`{}` is no registry", host.escape_debug()));
        }
        if let Some(bad) = self.path.split('/').find_map(|part| names::check(part).err()) {
            return Some(bad.to_string());
        }
        let (tag, digest) = self
            .rest
            .split_once('@')
            .map_or((self.rest, None), |(tag, digest)| (tag, Some(digest)));
        if tag.strip_prefix(':').map_or(!tag.is_empty(), |tag| !is_tag(tag)) {
            return Some(format!("`{}` is no tag", tag.escape_debug()));
        }
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return Some(format!("`{}` is no digest", digest.escape_debug()));
        }
        None
    }

    /// The same name in this person's name space of the same registry.
    fn of(&self, who: &Who) -> String {
        let host = self.host.map(|host| format!("{host}/")).unwrap_or_default();
        format!("{host}{}/{}{}", names::namespace(&who.user, who.uid), self.path, self.rest)
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.split('.').all(label) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(kind, hex)| {
        kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether the image lies in the user's own name space or one that the policy adds.
pub fn is_own(image: &str, who: &Who, words: &Words) -> bool {
    let path = Reference::cut(image).path;
    let below = |space: &String| {
        let space = space.trim_end_matches('/');
        !space.is_empty() && path.strip_prefix(space).is_some_and(|rest| rest.starts_with('/'))
    };
    in_own_space(path, who) || words.image_names.iter().any(below)
}

fn in_own_space(path: &str, who: &Who) -> bool {
    // A registry's name as the first part of a path is no registry's.
    path.starts_with("ds01-") && names::is_own(path, &who.user, who.uid)
}

/// Whether the image lies in another person's name space.
pub fn is_foreign(image: &str, who: &Who) -> bool {
    let reference = Reference::cut(image);
    reference.space().is_some() && !in_own_space(reference.path, who)
}

/// The name that an image gets where this person writes `name`: always their own.
pub fn written(name: &str, who: &Who, words: &Words) -> Result<String, Denial> {
    if who.role != Role::Ordinary || is_own(name, who, words) {
        return Ok(name.to_owned());
    }
    let reference = Reference::cut(name);
    if let Some(space) = reference.space() {
        return Err(Denial::forbidden(
            "image.name_space",
            format!("the image name `{name}` is not yours"),
        )
        .why(format!(
            "what lies under {space}/ is somebody else's; nobody replaces a name that others run"
        ))
        .todo(format!("use {}/NAME, or a name without ds01- before the slash", own_space(who))));
    }
    let bad = |why: String| {
        Denial::malformed(
            "image.name",
            format!("an image cannot be called `{}`", name.escape_debug()),
        )
        .why(why)
        .todo("choose another name, such as `my-image:1`")
    };
    if let Some(why) = reference.fault() {
        return Err(bad(why));
    }
    if reference.is_id() {
        return Err(bad(
            "it looks like an image's id, and would stand in front of that image".into()
        ));
    }
    let own = reference.of(who);
    if own.len() - reference.rest.len() + HUB[0].len() + 1 > LONGEST {
        return Err(bad(format!(
            "with your name space {} before it, it is longer than Docker allows",
            own_space(who)
        )));
    }
    Ok(own)
}

/// The own name that `name` means first where this person reads it; none for what says
/// itself whose it is, for ids, and for what is no name.
pub fn first(name: &str, who: &Who, words: &Words) -> Option<String> {
    if who.role != Role::Ordinary || Reference::cut(name).space().is_some() {
        return None;
    }
    written(name, who, words).ok().filter(|own| own != name)
}

/// The pattern of own names beside a pattern of names, for filters: `py*` is also
/// `ds01-alice/py*`.
pub fn pattern(text: &str, who: &Who, words: &Words) -> Option<String> {
    let reference = Reference::cut(text);
    let shared = who.role == Role::Ordinary
        && reference.space().is_none()
        && !reference.path.is_empty()
        && !is_own(text, who, words);
    shared.then(|| reference.of(who))
}

/// The name to forward where an image is read: the own one if there is one, else as it is.
pub fn read(case: &Case, name: &str) -> Result<String, Stop> {
    let Some(own) = first(name, case.who, case.words) else { return Ok(name.to_owned()) };
    match case.answer(Ask::OwnImage(own.clone())) {
        Ok(_) => Ok(own),
        Err(Stop::Missing(_)) => Ok(name.to_owned()),
        Err(stop) => Err(stop),
    }
}

/// The user's name space, for messages.
pub fn own_space(who: &Who) -> String {
    names::namespace(&who.user, who.uid)
}

#[cfg(test)]
mod tests {
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
}
