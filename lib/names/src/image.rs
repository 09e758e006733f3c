//! Images: `ds01-<user>/<name>`, or `ds01-<uid>/<name>` where the user's name is not legal
//! in a repository's name, is a number, or has a dot in it: Docker takes `ds01-h.baker` for
//! a registry's host. Digits alone are always a uid: what is in whose
//! name space decides who may delete and push, so no two people may share one. The form
//! with the uid, which the earlier system wrote, is everybody's own as well.

use crate::{BadName, Owner};

const PREFIX: &str = "ds01-";
/// Bytes of a repository's name, the name space included.
const LONGEST: usize = 255;
/// Hosts that Docker leaves out of a name: with or without them it is the same image.
const DOCKER_HUB: [&str; 2] = ["docker.io/", "index.docker.io/"];

/// The name space that a user's images are made in; no slash.
pub fn namespace(user: &str, uid: u32) -> String {
    let is_number = user.bytes().all(|b| b.is_ascii_digit());
    if is_component(user) && !user.contains('.') && !is_number && user.len() <= 100 {
        format!("{PREFIX}{user}")
    } else {
        format!("{PREFIX}{uid}")
    }
}

/// The repository of a user's image.
pub fn full(name: &str, user: &str, uid: u32) -> Result<String, BadName> {
    check(name)?;
    let full = format!("{}/{name}", namespace(user, uid));
    if full.len() > LONGEST {
        return Err(BadName(format!(
            "an image's name has at most {LONGEST} characters, its name space included"
        )));
    }
    Ok(full)
}

/// Whether a person may call an image so, within their name space: what Docker's reference
/// grammar calls a path component, without tag or slash.
pub fn check(name: &str) -> Result<(), BadName> {
    if name.is_empty() {
        return Err(BadName("an image's name cannot be empty".into()));
    }
    let odd = |c: &char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(*c));
    if let Some(c) = name.chars().find(odd) {
        return Err(BadName(format!(
            "`{}` cannot stand in an image's name: use small letters, digits, `.`, `_` and `-`",
            c.escape_debug()
        )));
    }
    if !is_component(name) {
        return Err(BadName(
            "in an image's name `.` and `_` stand alone (or `__`), between letters or digits"
                .into(),
        ));
    }
    Ok(())
}

/// Whose image this is, and the rest of its name with tag or digest; nothing for an image
/// that lies in nobody's name space.
pub fn parse(reference: &str) -> Option<(Owner, &str)> {
    let local = DOCKER_HUB.iter().find_map(|host| reference.strip_prefix(host));
    let (space, rest) = local.unwrap_or(reference).split_once('/')?;
    let owner = space.strip_prefix(PREFIX)?;
    if rest.is_empty() || !is_component(owner) || owner.contains('.') {
        return None;
    }
    let owner = if owner.bytes().all(|b| b.is_ascii_digit()) {
        // A uid as we write it; `007` is nobody.
        Owner::Uid(owner.parse().ok().filter(|uid: &u32| uid.to_string() == owner)?)
    } else {
        Owner::Name(owner.to_owned())
    };
    Some((owner, rest))
}

/// Whether an image lies in this user's own name space, in either form.
pub fn is_own(reference: &str, user: &str, uid: u32) -> bool {
    match parse(reference) {
        Some((Owner::Name(name), _)) => name == user,
        Some((Owner::Uid(number), _)) => number == uid,
        _ => false,
    }
}

/// Small letters and digits, with single `.`, `_`, `__` or hyphens between them.
fn is_component(text: &str) -> bool {
    let is_alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.starts_with(is_alnum) && text.ends_with(is_alnum);
    ends && text
        .split(is_alnum)
        .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}
