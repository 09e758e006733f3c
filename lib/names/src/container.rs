//! Containers: `<name>._.<user>`, or `<name>._.<uid>` where the user's name is not legal in
//! a container's name (`h.baker@uni.lan` has an `@`).

use crate::{BadName, Owner};

/// Between the name a person gave and whose it is.
pub const SEPARATOR: &str = "._.";

/// Bytes of a full name. It is a file's name too (`container-metadata/<container>.json`),
/// and file names end at 255.
const LONGEST: usize = 200;

/// Whether Docker takes this name: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
pub fn check(name: &str) -> Result<(), BadName> {
    let bad = |why: String| Err(BadName(why));
    let Some(first) = name.chars().next() else {
        return bad("a container's name cannot be empty".into());
    };
    if let Some(c) = name.chars().find(|c| !is_legal(*c)) {
        return bad(format!(
            "`{}` cannot stand in a container's name: use letters, digits, `_`, `.` and `-`",
            c.escape_debug()
        ));
    }
    if !first.is_ascii_alphanumeric() {
        return bad(format!("a container's name begins with a letter or a digit, not `{first}`"));
    }
    if name.len() < 2 {
        return bad("a container's name has at least two characters".into());
    }
    if name.len() > LONGEST {
        return bad(format!("a container's name has at most {LONGEST} characters"));
    }
    Ok(())
}

/// Whether a person may give this name to a container of theirs: legal, and not one that
/// would read as somebody's.
pub fn check_short(name: &str) -> Result<(), BadName> {
    check(name)?;
    if name.contains(SEPARATOR) {
        return Err(BadName(format!(
            "`{SEPARATOR}` separates a container's name from its owner's and cannot stand in it"
        )));
    }
    Ok(())
}

fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// What stands behind the separator for this user.
pub fn suffix(user: &str, uid: u32) -> String {
    if fits(user) { user.to_owned() } else { uid.to_string() }
}

/// Whether a user's name can stand in a container's name and be found there again.
fn fits(user: &str) -> bool {
    (1..=100).contains(&user.len())
        && user.chars().all(is_legal)
        // Either would move the separator that is read: `a` of `_.b` is `a._._.b`, and so
        // is `a._` of `b`.
        && !user.starts_with("_.")
        && !user.contains(SEPARATOR)
}

/// The full name of a user's container.
pub fn full(name: &str, user: &str, uid: u32) -> Result<String, BadName> {
    check_short(name)?;
    let full = format!("{name}{SEPARATOR}{}", suffix(user, uid));
    check(&full)?;
    Ok(full)
}

/// The name a person gave, and whose the container is by its name; nothing for a container
/// that is not named in our way. A leading slash, which Docker's API has, is ignored.
pub fn parse(full: &str) -> Option<(&str, Owner)> {
    let full = full.strip_prefix('/').unwrap_or(full);
    let (name, owner) = full.rsplit_once(SEPARATOR)?;
    if name.is_empty() || owner.is_empty() {
        return None;
    }
    let owner = if owner.bytes().all(|b| b.is_ascii_digit()) {
        Owner::Number(owner.to_owned())
    } else {
        Owner::Name(owner.to_owned())
    };
    Some((name, owner))
}
