//! A person's own image names. A name in which nobody's name space stands (`built`,
//! `org/app`, `ghcr.io/org/app`) is the caller's own when it is written, and means the
//! caller's own first when it is read: `docker build -t built .` makes `ds01-alice/built`,
//! `docker run built` starts that, and where alice has no such image, the shared one. So
//! two people may use one name, and nobody makes a `python:3.13` that others start.
//!
//! Pure; whether an image is there is asked as every other fact is.

#[cfg(test)]
mod tests;

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
    if who.role != Role::Ordinary {
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
