//! A strict reader of JSON. What the daemon would read leniently is refused here, since it
//! could be read in two ways: bytes that are no UTF-8, a key twice, a second document, a
//! lone surrogate. Numbers keep their digits.

use std::fmt::Write as _;

use crate::Denial;

/// The largest body that is read to be judged.
pub const LARGEST: usize = 4 << 20;
const DEEPEST: usize = 64;

/// A JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

/// The members of an object in the order of the document.
pub type Object = Vec<(String, Value)>;

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
    pub fn int(number: i64) -> Self {
        Self::Number(number.to_string())
    }
    pub fn texts(list: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(list.into_iter().map(Self::text).collect())
    }
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
    /// The member of an object; `None` also where this is none.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match self {
            Self::Object(object) => object.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }
    /// Sets a member; what is no object becomes one.
    pub fn set(&mut self, key: &str, value: Value) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
            return;
        }
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        if let Self::Object(object) = self {
            object.push((key.to_owned(), value));
        }
    }
    pub fn remove(&mut self, key: &str) {
        if let Self::Object(object) = self {
            object.retain(|(k, _)| k != key);
        }
    }
    /// The member as an object, made where it is absent.
    pub fn within(&mut self, key: &str) -> &mut Value {
        if !matches!(self.get(key), Some(Self::Object(_))) {
            self.set(key, Self::Object(Vec::new()));
        }
        let Self::Object(object) = self else { return self };
        let at = object.iter().position(|(k, _)| k == key).unwrap_or_default();
        &mut object[at].1
    }
    /// What asks the daemon for nothing: null, false, zero, an empty text, list or object.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Bool(true) => false,
            Self::Number(digits) => digits == "0",
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Object(object) => object.is_empty(),
        }
    }
}

fn malformed(what: impl Into<String>) -> Denial {
    Denial::malformed("json.malformed", format!("the body is not acceptable JSON: {}", what.into()))
}

/// Reads one document.
pub fn parse(bytes: &[u8]) -> Result<Value, Denial> {
    if bytes.len() > LARGEST {
        return Err(Denial::new(413, "json.too_large", "the body is larger than 4 MiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() {
        return Err(malformed("something follows the document"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    fn take(&mut self, wanted: &str) -> Result<(), Denial> {
        if !self.text[self.at..].starts_with(wanted) {
            return Err(malformed(format!("`{wanted}` expected at byte {}", self.at)));
        }
        self.at += wanted.len();
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Denial> {
        if depth > DEEPEST {
            return Err(malformed("it is nested more than 64 deep"));
        }
        self.blanks();
        match self.peek() {
            Some(b'n') => self.take("null").map(|()| Value::Null),
            Some(b't') => self.take("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.take("false").map(|()| Value::Bool(false)),
            Some(b'"') => Ok(Value::Text(self.text_value()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[') => self.list(depth),
            Some(b'{') => self.object(depth),
            _ => Err(malformed(format!("a value expected at byte {}", self.at))),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Denial> {
        self.take("[")?;
        let mut list = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            self.blanks();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Value::List(list));
            }
            self.take(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Denial> {
        self.take("{")?;
        let mut object: Object = Vec::new();
        // A list finds a second key fast enough for what people send; the set is for a
        // body made to be slow.
        let mut seen = std::collections::HashSet::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(object));
        }
        loop {
            self.blanks();
            let key = self.text_value()?;
            if !seen.insert(key.clone()) {
                return Err(malformed(format!("it holds the key `{key}` twice")));
            }
            self.blanks();
            self.take(":")?;
            object.push((key, self.value(depth + 1)?));
            self.blanks();
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Value::Object(object));
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Result<Value, Denial> {
        let start = self.at;
        let bad = || malformed(format!("no number at byte {start}"));
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        let leading_zero = whole > 1 && self.text.as_bytes()[self.at - whole] == b'0';
        if whole == 0 || leading_zero {
            return Err(bad());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(bad());
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(bad());
            }
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn text_value(&mut self) -> Result<String, Denial> {
        self.take("\"")?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest
                .find(|c: char| c == '"' || c == '\\' || c < ' ')
                .ok_or_else(|| malformed("a text without an end"))?;
            out.push_str(&rest[..end]);
            self.at += end + 1;
            match rest.as_bytes()[end] {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                _ => return Err(malformed("a control character in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Denial> {
        let kind = self.peek().ok_or_else(|| malformed("a text without an end"))?;
        if kind != b'u' {
            let found = match kind {
                b'"' | b'\\' | b'/' => char::from(kind),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                _ => return Err(malformed(format!("an unknown escape at byte {}", self.at))),
            };
            self.at += 1;
            return Ok(found);
        }
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with('\\') {
            self.at += 1;
            let second = self.hex4()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(malformed("half a surrogate pair"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| malformed("half a surrogate pair"))
    }

    /// `uXXXX` behind a backslash.
    fn hex4(&mut self) -> Result<u32, Denial> {
        self.take("u")?;
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let valid = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !valid {
            return Err(malformed("a \\u without four hex digits"));
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| malformed("a \\u without four hex digits"))
    }
}

/// Writes a document without blanks.
pub fn write(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_value(&mut out, value);
    out.into_bytes()
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(digits) => out.push_str(digits),
        Value::Text(text) => write_text(out, text),
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (i, (key, item)) in object.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_text(out, key);
                out.push(':');
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn again(text: &str) -> Option<String> {
        parse(text.as_bytes()).ok().map(|value| String::from_utf8(write(&value)).unwrap())
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"a":9223372036854775807,"b":[1.50,-0,1e9],"c":"é\"\u0001"}"#;
        assert_eq!(again(text).as_deref(), Some(text));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,\"a\":2}",
            "{} {}",
            "01",
            "1.",
            "+1",
            "nul",
            "'a'",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\x41\"",
            "\"\u{1}\"",
            "{\"a\" 1}",
            "[1 2]",
            "\u{feff}{}",
            "NaN",
        ] {
            assert_eq!(again(bad), None, "{bad}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse("[".repeat(10_000).as_bytes()).is_err());
        assert!(parse(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
        assert_eq!(parse(&vec![b' '; LARGEST + 1]).unwrap_err().status, 413);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes);
        }
        #[test]
        fn nearly_json_never_panics(text in "[\\[\\]{}\":,\\\\u0-9a-f .eE+-]{0,60}") {
            if let Some(once) = again(&text) {
                prop_assert_eq!(again(&once), Some(once.clone()));
                // serde_json reads what we wrote.
                prop_assert!(serde_json::from_str::<serde_json::Value>(&once).is_ok());
            }
        }
        #[test]
        fn every_text_survives(text in ".{0,40}") {
            let value = Value::text(text);
            prop_assert_eq!(parse(&write(&value)).unwrap(), value);
        }
    }
}
