//! Slices: `ds01.slice`, `ds01-<group>.slice`, `ds01-<group>-<user>.slice`.
//!
//! To systemd a hyphen nests one slice in another, so a hyphen within a group or a user is
//! written `\x2d`, as `systemd-escape` writes it, and so is every other byte that is not a
//! letter or a digit. A user's `.` and `@` become `_`, which admins know and can type.
//! Folding three characters into one would let `h.baker` and `h_baker` share a slice: so a
//! `_` that is in the name is escaped, and a name is folded only where [`unfold`] finds its
//! way back to it. Names that people have (`h.baker`, `anna@uni.lan`, `h.baker@uni.lan`)
//! fold, others are escaped as a whole. So no register of who came first is needed, and
//! every slice can be read back, but for the very long ones, which end in a hash.

use std::fmt;

use sha2::{Digest, Sha256};

/// The longest group or user part that is written in full. Two such parts leave room for
/// what systemd appends to a unit's name (`.d`), within the 255 bytes of a file's name.
const LONGEST: usize = 96;
/// What a cut part keeps of its beginning. With the hash it is longer than `LONGEST`, even
/// where an escape at its end had to go as a whole: so no cut part looks like a full one.
const KEPT: usize = 84;
/// Hexadecimal digits of the hash of a cut part.
const HASH: usize = 16;

const ROOT: &str = "ds01.slice";

/// The name of one of ds01's slices; nothing else can become one, so what is passed on to
/// systemd is never an option, a path or another unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceName(String);

/// What a slice's name says. A part is `None` where the name was too long to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Root,
    Group(Option<String>),
    User { group: Option<String>, user: Option<String> },
}

impl SliceName {
    /// The slice of all containers.
    pub fn root() -> Self {
        Self(ROOT.to_owned())
    }

    /// The slice of a group.
    pub fn group(group: &str) -> Self {
        Self(format!("ds01-{}.slice", written(group, escaped(group))))
    }

    /// The slice of a user in a group.
    pub fn user(group: &str, user: &str) -> Self {
        let user = written(user, folded_or_escaped(user));
        Self(format!("ds01-{}-{user}.slice", written(group, escaped(group))))
    }

    /// The slice of this unit name, if it is one of ours: exactly what [`Self::group`] or
    /// [`Self::user`] would write.
    pub fn parse(unit: &str) -> Option<Self> {
        place(unit).map(|_| Self(unit.to_owned()))
    }

    /// The innermost slice of ours in a cgroup path, such as a line of `/proc/PID/cgroup`.
    pub fn in_cgroup(path: &str) -> Option<Self> {
        path.trim_end().rsplit('/').find_map(Self::parse)
    }

    /// Which group and user it is for.
    pub fn place(&self) -> Place {
        place(&self.0).unwrap_or(Place::Root)
    }

    /// The slice it lies in; none above `ds01.slice`.
    pub fn parent(&self) -> Option<Self> {
        let stem = self.0.strip_suffix(".slice")?;
        stem.rsplit_once('-').map(|(above, _)| Self(format!("{above}.slice")))
    }

    /// Where its cgroup lies below the cgroup root: systemd nests it in its parents.
    pub fn cgroup(&self) -> String {
        match self.parent() {
            Some(parent) => format!("{}/{}", parent.cgroup(), self.0),
            None => self.0.clone(),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SliceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<std::ffi::OsStr> for SliceName {
    fn as_ref(&self) -> &std::ffi::OsStr {
        self.0.as_ref()
    }
}

fn place(unit: &str) -> Option<Place> {
    let stem = unit.strip_suffix(".slice")?;
    let mut parts = stem.split('-');
    if parts.next() != Some("ds01") {
        return None;
    }
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => Some(Place::Root),
        (Some(group), None, _) => Some(Place::Group(read(group, group_of)?)),
        (Some(group), Some(user), None) => {
            Some(Place::User { group: read(group, group_of)?, user: read(user, user_of)? })
        }
        _ => None,
    }
}

/// The part in full, or its beginning and a hash.
fn written(name: &str, part: String) -> String {
    if part.len() <= LONGEST {
        return part;
    }
    let mut end = KEPT;
    // An escape is four bytes: one that begins in the last three would be cut in two.
    if let Some(at) = part[KEPT - 3..KEPT].find('\\') {
        end = KEPT - 3 + at;
    }
    let hash: String =
        Sha256::digest(name).iter().take(HASH / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{hash}", &part[..end])
}

/// What a part stands for: `Some(None)` for a cut one, `None` for what we never write.
fn read(part: &str, decode: impl Fn(&str) -> Option<String>) -> Option<Option<String>> {
    if part.len() <= LONGEST {
        return decode(part).map(Some);
    }
    let (kept, hash) = part.split_at_checked(part.len().checked_sub(HASH + 1)?)?;
    let hash = hash.strip_prefix('_')?;
    let is_cut = (KEPT - 3..=KEPT).contains(&kept.len())
        && hash.bytes().all(|b| digit(b).is_some())
        && bytes(kept).is_some();
    is_cut.then_some(None)
}

fn group_of(part: &str) -> Option<String> {
    unescaped(part).filter(|group| escaped(group) == part)
}

fn user_of(part: &str) -> Option<String> {
    let user = unfold(part)?;
    (folded_or_escaped(&user) == part).then_some(user)
}

/// Letters, digits and `_` as they are, every other byte as `\xNN`.
fn escaped(name: &str) -> String {
    write(name, |byte| (byte == b'_').then_some('_'))
}

fn folded_or_escaped(user: &str) -> String {
    let folded = write(user, |byte| matches!(byte, b'.' | b'@').then_some('_'));
    if unfold(&folded).as_deref() == Some(user) { folded } else { write(user, |_| None) }
}

fn write(name: &str, special: impl Fn(u8) -> Option<char>) -> String {
    if name.is_empty() {
        // No account has an empty name, but a unit's name must not have an empty part.
        return "\\x".to_owned();
    }
    let mut part = String::with_capacity(name.len());
    for byte in name.bytes() {
        match special(byte) {
            Some(c) => part.push(c),
            None if byte.is_ascii_alphanumeric() => part.push(char::from(byte)),
            None => part += &format!("\\x{byte:02x}"),
        }
    }
    part
}

/// The one name a folded part stands for: `a.b`, `a@b.c`, and `a.b@c.d` with any longer
/// domain. Whoever is called otherwise (`a@b`, `a.b.c`) is escaped as a whole.
fn unfold(part: &str) -> Option<String> {
    let words: Vec<_> = part.split('_').map(unescaped).collect::<Option<_>>()?;
    Some(match words.as_slice() {
        [a, b] => format!("{a}.{b}"),
        [a, b, c] => format!("{a}@{b}.{c}"),
        [a, b, domain @ ..] => format!("{a}.{b}@{}", domain.join(".")),
        _ => words.concat(),
    })
}

fn unescaped(part: &str) -> Option<String> {
    if part == "\\x" {
        return Some(String::new());
    }
    String::from_utf8(bytes(part)?).ok()
}

fn bytes(part: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'\\', b'x', high, low, after @ ..] => {
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                after
            }
            [plain, after @ ..] if plain.is_ascii_alphanumeric() || *plain == b'_' => {
                bytes.push(*plain);
                after
            }
            _ => return None,
        }
    }
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        _ => None,
    }
}
