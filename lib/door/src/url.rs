//! The request target. dockerd matches the decoded path, so the path is decoded once here,
//! judged in that form, and sent on encoded from it again.

use crate::Denial;

/// The API version of a path, such as 1.41.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

/// Older start requests carry a HostConfig that rewrites the container to privileged.
const OLDEST: Version = Version(1, 24);

/// A target in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub version: Option<Version>,
    /// The decoded segments behind the version.
    pub segments: Vec<String>,
    pub query: Query,
}

/// Decoded pairs in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// More than any client sends, and few enough to compare each with each.
const MOST_PAIRS: usize = 500;

/// Keys the daemon reads as lists. Of any other key it reads the first, another reader may
/// take the last: two of them are refused.
const REPEATABLE: &[&str] = &["names", "t", "changes", "type", "extrahosts", "platform"];

impl Target {
    /// Reads a target as it stands in the request line.
    pub fn parse(raw: &str) -> Result<Self, Denial> {
        if let Some(bad) = raw.bytes().find(|b| !(0x21..0x7f).contains(b) || b"#\\".contains(b)) {
            return Err(malformed(format!("the byte 0x{bad:02x} may not stand in a request path")));
        }
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        let path = origin_form(path)?;
        let Some(rest) = path.strip_prefix('/') else {
            return Err(malformed("a request path begins with /"));
        };
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for segment in rest.split('/') {
                segments.push(segment_of(segment)?);
            }
        }
        let version = match segments.first() {
            Some(first) if looks_like_version(first) => Some(version_of(first)?),
            _ => None,
        };
        if version.is_some() {
            segments.remove(0);
        }
        Ok(Self { version, segments, query: Query::parse(query)? })
    }

    /// The path and query that are sent on.
    pub fn canonical(&self) -> String {
        let segments: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        self.with_segments(&segments)
    }

    fn with_segments(&self, segments: &[&str]) -> String {
        let mut out = String::new();
        if let Some(Version(major, minor)) = self.version {
            out += &format!("/v{major}.{minor}");
        }
        for segment in segments {
            out.push('/');
            encode(&mut out, segment, b"-._~:@!$'()*,=+&");
        }
        if out.is_empty() {
            out.push('/');
        }
        self.query.write(&mut out);
        out
    }

    /// Whether the version is at least this; a path without one means the daemon's own.
    pub fn at_least(&self, major: u16, minor: u16) -> bool {
        self.version.is_none_or(|own| own >= Version(major, minor))
    }
}

impl Query {
    fn parse(raw: &str) -> Result<Self, Denial> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        if raw.bytes().filter(|byte| *byte == b'&').count() > MOST_PAIRS {
            return Err(malformed("more than 500 pairs in the query"));
        }
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            // Engines built with an older Go take `;` for a separator, newer ones drop the
            // pair: two readings of one query.
            if pair.contains(';') {
                return Err(malformed("a `;` in the query must be written %3B"));
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decode(key, true)?;
            if key.is_empty() || key.chars().any(char::is_control) {
                return Err(malformed("a query key is empty or holds a control character"));
            }
            if !REPEATABLE.contains(&key.as_str()) && pairs.iter().any(|(k, _)| *k == key) {
                return Err(malformed(format!("the query names `{key}` twice")));
            }
            pairs.push((key, decode(value, true)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a key that may stand once.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
    /// Replaces every value of `key` by this one.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.remove(key);
        self.0.push((key.to_owned(), value.into()));
    }
    /// Replaces the values of a key that may repeat.
    pub fn set_all(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        self.remove(key);
        self.0.extend(values.into_iter().map(|value| (key.to_owned(), value)));
    }
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(k, _)| k != key);
    }
    /// Go's reading of a flag: anything but these is true.
    pub fn flag(&self, key: &str) -> bool {
        let value = self.get(key).unwrap_or_default().trim().to_ascii_lowercase();
        !["", "0", "no", "false", "none"].contains(&value.as_str())
    }

    fn write(&self, out: &mut String) {
        for (i, (key, value)) in self.0.iter().enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            encode(out, key, b"-._~");
            out.push('=');
            encode(out, value, b"-._~:@/,");
        }
    }
}

fn malformed(what: impl Into<String>) -> Denial {
    Denial::malformed("http.target", what)
}

/// `http://host/path` means the same to the daemon as `/path`.
fn origin_form(path: &str) -> Result<&str, Denial> {
    if path.starts_with('/') {
        return Ok(path);
    }
    let rest = path.strip_prefix("http://").ok_or_else(|| malformed("not a request path"))?;
    match rest.find('/') {
        Some(slash) if slash > 0 => Ok(&rest[slash..]),
        _ => Err(malformed("an absolute request target needs a host and a path")),
    }
}

/// dockerd answers `//`, `/./` and `/../` with a redirect to somewhere else.
fn segment_of(raw: &str) -> Result<String, Denial> {
    let segment = decode(raw, false)?;
    if segment.is_empty() || segment == "." || segment == ".." {
        return Err(malformed("an empty, `.` or `..` segment may not stand in a request path"));
    }
    if segment.contains(['/', '\\']) || segment.chars().any(char::is_control) {
        return Err(malformed("an encoded slash, backslash or control character in the path"));
    }
    Ok(segment)
}

fn looks_like_version(segment: &str) -> bool {
    let rest = segment.strip_prefix('v').unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

fn version_of(segment: &str) -> Result<Version, Denial> {
    let digits = |text: &str, most: usize| -> Option<u16> {
        let fits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse().ok()).flatten()
    };
    let parsed = segment[1..]
        .split_once('.')
        .and_then(|(major, minor)| Some(Version(digits(major, 2)?, digits(minor, 3)?)));
    let version = parsed.ok_or_else(|| malformed(format!("`{segment}` is no API version")))?;
    if version < OLDEST {
        return Err(Denial::malformed("http.version", format!("API {segment} is too old"))
            .why("before 1.24 a start request may rewrite the container that it starts")
            .todo("use a client that speaks 1.24 or later, or unset DOCKER_API_VERSION"));
    }
    Ok(version)
}

fn decode(raw: &str, plus: bool) -> Result<String, Denial> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let hex = |b: u8| char::from(b).to_digit(16);
                let [high, low, tail @ ..] = rest else {
                    return Err(malformed("a `%` without two hex digits"));
                };
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Err(malformed("a `%` without two hex digits"));
                };
                rest = tail;
                bytes.push((high * 16 + low) as u8);
            }
            b'+' if plus => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| malformed("the path is not UTF-8"))?;
    if text.contains('\0') {
        return Err(malformed("a NUL in the request target"));
    }
    Ok(text)
}

fn encode(out: &mut String, text: &str, plain: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(raw: &str) -> Option<String> {
        Target::parse(raw).ok().map(|target| target.canonical())
    }

    #[test]
    fn every_spelling_of_the_list_is_the_list() {
        for raw in [
            "/v1.41/containers/json",
            "/v1%2e41/containers/json",
            "/v01.41/containers/json",
            "http://x/v1.41/containers/json",
            "/v1.41/%63ontainers/js%6Fn?",
        ] {
            assert_eq!(canonical(raw).as_deref(), Some("/v1.41/containers/json"), "{raw}");
        }
        assert_eq!(canonical("/containers/json?all=1&x").unwrap(), "/containers/json?all=1&x=");
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for raw in [
            "/containers%2Fjson",
            "/containers%2fjson",
            "/containers%5cjson",
            "//containers/json",
            "/./containers/json",
            "/containers/../images/json",
            "/containers/%2e%2e/json",
            "/containers/json/",
            "/containers/js%00on",
            "/containers/js%0aon",
            "/containers/json#x",
            "/containers/json?a=1;b=2",
            "/containers/json?limit=1&limit=2",
            "/containers/json?lim%69t=1&limit=2",
            "/containers/%zz/json",
            "/containers/%ff/json",
            "/v1.23/containers/json",
            "/v1.41.1/containers/json",
            "/v1/containers/json",
            "/v1.4100/containers/json",
            "*",
            "containers/json",
            "https://x/containers/json",
            "http:///containers/json",
            "",
        ] {
            assert_eq!(canonical(raw), None, "{raw}");
        }
    }

    #[test]
    fn the_repeatable_keys_may_repeat() {
        let target = Target::parse("/images/get?names=a&names=b%2Fc").unwrap();
        assert_eq!(target.query.all("names").collect::<Vec<_>>(), ["a", "b/c"]);
    }

    proptest! {
        #[test]
        fn canonical_of_canonical_is_canonical(raw in "/[ -~]{0,60}") {
            if let Some(once) = canonical(&raw) {
                prop_assert_eq!(canonical(&once), Some(once.clone()));
                prop_assert_eq!(Target::parse(&raw), Target::parse(&once));
            }
        }
        #[test]
        fn no_target_panics(raw in ".{0,60}") {
            let _ = Target::parse(&raw);
        }
        #[test]
        fn every_name_survives_the_way(name in "[^/\\\\\u{0}-\u{1f}\u{7f}-\u{9f}]{1,20}", value in ".{0,20}") {
            prop_assume!(name != "." && name != ".." && !value.contains('\0'));
            let mut target = Target { version: None, segments: vec!["containers".into(), name], query: Query::default() };
            target.query.set("k", value);
            prop_assert_eq!(Target::parse(&target.canonical()).unwrap(), target);
        }
    }
}
