//! Protocol buffers, read by a table and written again from what was read, as JSON is: what
//! a table does not name is refused, dropped or kept aside, and never looked at by nobody.

use crate::Denial;
use crate::who::UnknownFields;

/// A message of the table.
#[derive(Debug)]
pub struct Message {
    pub name: &'static str,
    pub fields: &'static [Field],
}

#[derive(Debug)]
pub struct Field {
    pub number: u32,
    pub name: &'static str,
    pub kind: Kind,
    /// May come more than once.
    pub many: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Integers of all kinds, booleans and enumerations.
    Number,
    Text,
    Bytes,
    Message(&'static Message),
    /// Entries of key 1 and value 2; no key comes twice.
    Map(&'static Message),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    Message(Parsed),
    /// A field that no table names, its tag included.
    Unknown(Vec<u8>),
}

/// A message that was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    schema: &'static Message,
    fields: Vec<(u32, Value)>,
}

impl PartialEq for Parsed {
    fn eq(&self, other: &Self) -> bool {
        self.schema.name == other.schema.name && self.fields == other.fields
    }
}

const DEEPEST: u32 = 32;
/// An empty field takes two bytes on the wire and thirty times that in memory.
const MOST_FIELDS: usize = 200_000;

/// Reads a message.
pub fn parse(
    bytes: &[u8],
    schema: &'static Message,
    unknown: UnknownFields,
) -> Result<Parsed, Denial> {
    Reader { unknown, left: MOST_FIELDS }.message(bytes, schema, 0)
}

/// Writes it.
pub fn write(message: &Parsed) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in &message.fields {
        match value {
            Value::Number(value) => {
                varint(&mut out, u64::from(*number) << 3);
                varint(&mut out, *value);
            }
            Value::Text(text) => delimited(&mut out, *number, text.as_bytes()),
            Value::Bytes(bytes) => delimited(&mut out, *number, bytes),
            Value::Message(inner) => delimited(&mut out, *number, &write(inner)),
            Value::Unknown(raw) => out.extend_from_slice(raw),
        }
    }
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn delimited(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    varint(out, u64::from(number) << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

struct Reader {
    unknown: UnknownFields,
    left: usize,
}

impl Reader {
    fn message(
        &mut self,
        mut bytes: &[u8],
        schema: &'static Message,
        depth: u32,
    ) -> Result<Parsed, Denial> {
        if depth > DEEPEST {
            return Err(malformed(schema, "messages lie too deep in one another"));
        }
        let mut fields: Vec<(u32, Value)> = Vec::new();
        while !bytes.is_empty() {
            self.left =
                self.left.checked_sub(1).ok_or_else(|| malformed(schema, "too many fields"))?;
            let start = bytes;
            let tag = take_varint(&mut bytes, schema)?;
            let number = u32::try_from(tag >> 3)
                .ok()
                .filter(|number| (1..1 << 29).contains(number))
                .ok_or_else(|| malformed(schema, "a field has no number"))?;
            let payload = take(&mut bytes, (tag & 7) as u8, schema)?;
            let Some(field) = schema.fields.iter().find(|field| field.number == number) else {
                match self.unknown {
                    UnknownFields::Deny => return Err(unknown(schema, number)),
                    UnknownFields::Strip => {}
                    UnknownFields::Pass => {
                        let raw = start[..start.len() - bytes.len()].to_vec();
                        fields.push((number, Value::Unknown(raw)));
                    }
                }
                continue;
            };
            // The daemon would take the last, or both together.
            if !field.many && fields.iter().any(|(seen, _)| *seen == number) {
                return Err(malformed(schema, &format!("`{}` comes twice", field.name)));
            }
            let value = self.value(payload, field, schema, depth)?;
            fields.push((number, value));
        }
        let parsed = Parsed { schema, fields };
        parsed.no_key_twice()?;
        Ok(parsed)
    }

    fn value(
        &mut self,
        payload: Payload,
        field: &Field,
        schema: &Message,
        depth: u32,
    ) -> Result<Value, Denial> {
        Ok(match (field.kind, payload) {
            (Kind::Number, Payload::Number(number)) => Value::Number(number),
            (Kind::Text, Payload::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => {
                    return Err(malformed(schema, &format!("`{}` is not UTF-8", field.name)));
                }
            },
            (Kind::Bytes, Payload::Bytes(bytes)) => Value::Bytes(bytes.to_vec()),
            (Kind::Message(inner) | Kind::Map(inner), Payload::Bytes(bytes)) => {
                Value::Message(self.message(bytes, inner, depth + 1)?)
            }
            _ => {
                return Err(malformed(
                    schema,
                    &format!("`{}` is of another type on the wire", field.name),
                ));
            }
        })
    }
}

/// What stands behind a tag.
enum Payload<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Numbers of a fixed width, which no field that we read has.
    Fixed,
}

fn take<'a>(bytes: &mut &'a [u8], wire: u8, schema: &Message) -> Result<Payload<'a>, Denial> {
    Ok(match wire {
        0 => Payload::Number(take_varint(bytes, schema)?),
        1 => cut(bytes, 8, schema).map(|_| Payload::Fixed)?,
        2 => {
            let length = take_varint(bytes, schema)?;
            Payload::Bytes(cut(bytes, length, schema)?)
        }
        5 => cut(bytes, 4, schema).map(|_| Payload::Fixed)?,
        _ => return Err(malformed(schema, "a field is of a kind that is out of use")),
    })
}

fn cut<'a>(bytes: &mut &'a [u8], length: u64, schema: &Message) -> Result<&'a [u8], Denial> {
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len());
    let length = length.ok_or_else(|| malformed(schema, "it ends in the middle"))?;
    let (part, rest) = bytes.split_at(length);
    *bytes = rest;
    Ok(part)
}

fn take_varint(bytes: &mut &[u8], schema: &Message) -> Result<u64, Denial> {
    let mut value = 0u64;
    for at in 0..10 {
        let Some((&byte, rest)) = bytes.split_first() else {
            return Err(malformed(schema, "it ends in the middle"));
        };
        *bytes = rest;
        // The tenth byte holds the one bit that is left.
        if at == 9 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(malformed(schema, "a number is too large"))
}

fn malformed(schema: &Message, what: &str) -> Denial {
    Denial::malformed("grpc.message", format!("the message {} cannot be read: {what}", schema.name))
        .why("the daemon could read it otherwise than the Docker door")
}

fn unknown(schema: &Message, number: u32) -> Denial {
    Denial::forbidden(
        "build.unknown_field",
        format!("field {number} of {} is not known to the Docker door", schema.name),
    )
    .why("what it asks for cannot be judged, so it is not passed on")
    .todo("use a build client of the daemon's own age, or ask an admin (`unknown_fields`)")
}

impl Parsed {
    /// A message of nothing but what its fields are set to.
    pub fn new(schema: &'static Message) -> Self {
        Self { schema, fields: Vec::new() }
    }

    pub fn schema(&self) -> &'static Message {
        self.schema
    }

    fn no_key_twice(&self) -> Result<(), Denial> {
        let maps = self.schema.fields.iter().filter(|field| matches!(field.kind, Kind::Map(_)));
        for field in maps {
            let mut keys: Vec<&str> =
                self.messages(field.name).map(|one| one.text("key")).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            if keys.len() < all {
                return Err(malformed(
                    self.schema,
                    &format!("a key of `{}` comes twice", field.name),
                ));
            }
        }
        Ok(())
    }

    fn number_of(&self, name: &str) -> u32 {
        // Zero is no field's number: what the table does not name is found nowhere.
        self.schema.fields.iter().find(|field| field.name == name).map_or(0, |field| field.number)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &Value> {
        let number = self.number_of(name);
        self.fields.iter().filter(move |(n, _)| *n == number).map(|(_, value)| value)
    }

    /// A text, empty where it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.texts(name).next().unwrap_or_default()
    }

    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name).filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub fn number(&self, name: &str) -> u64 {
        let number = |value: &Value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        self.all(name).find_map(number).unwrap_or(0)
    }

    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    pub fn bytes(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.all(name).filter_map(|value| match value {
            Value::Bytes(bytes) => Some(bytes.as_slice()),
            _ => None,
        })
    }

    pub fn messages(&self, name: &str) -> impl Iterator<Item = &Parsed> {
        self.all(name).filter_map(|value| match value {
            Value::Message(message) => Some(message),
            _ => None,
        })
    }

    pub fn messages_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Parsed> {
        let number = self.number_of(name);
        self.fields.iter_mut().filter_map(move |(n, value)| match value {
            Value::Message(message) if *n == number => Some(message),
            _ => None,
        })
    }

    /// The entries of a map of texts.
    pub fn map(&self, name: &str) -> Vec<(String, String)> {
        let entry = |one: &Parsed| (one.text("key").to_owned(), one.text("value").to_owned());
        self.messages(name).map(entry).collect()
    }

    /// Puts one value in the place of all of the name's.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let number = self.number_of(name);
        self.fields.retain(|(n, _)| *n != number);
        self.fields.push((number, Value::Text(value.into())));
    }

    /// Puts texts in the place of all of the name's.
    pub fn set_all(&mut self, name: &str, values: Vec<String>) {
        let number = self.number_of(name);
        self.fields.retain(|(n, _)| *n != number);
        self.fields.extend(values.into_iter().map(|value| (number, Value::Text(value))));
    }

    pub fn add_number(&mut self, name: &str, number: u64) {
        self.fields.push((self.number_of(name), Value::Number(number)));
    }

    /// Adds one more message under a name.
    pub fn add(&mut self, name: &str, message: Parsed) {
        self.fields.push((self.number_of(name), Value::Message(message)));
    }

    /// Puts entries in the place of those of a map of texts.
    pub fn set_map(&mut self, name: &str, entries: Vec<(String, String)>) {
        let Some(field) = self.schema.fields.iter().find(|field| field.name == name) else {
            return;
        };
        let Kind::Map(entry) = field.kind else { return };
        self.fields.retain(|(number, _)| *number != field.number);
        for (key, value) in entries {
            let mut one = Self::new(entry);
            one.set("key", key);
            one.set("value", value);
            self.fields.push((field.number, Value::Message(one)));
        }
    }
}

#[cfg(test)]
impl Parsed {
    pub fn add_bytes(&mut self, name: &str, bytes: Vec<u8>) {
        self.fields.push((self.number_of(name), Value::Bytes(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::buildkit::messages::{OP, SOLVE};

    fn read(bytes: &[u8]) -> Result<Parsed, Denial> {
        parse(bytes, &SOLVE, UnknownFields::Deny)
    }

    #[test]
    fn what_was_read_is_written_again() {
        let mut solve = Parsed::new(&SOLVE);
        solve.set("Ref", "r1");
        solve.set_map("FrontendAttrs", vec![("target".into(), "x".into())]);
        let bytes = write(&solve);
        assert_eq!(bytes, b"\x0a\x02r1\x3a\x0b\x0a\x06target\x12\x01x");
        assert_eq!(read(&bytes).unwrap(), solve);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (bytes, said) in [
            (&b"\x0a\x01a\x0a\x01b"[..], "`Ref` comes twice"),
            (b"\x3a\x03\x0a\x01k\x3a\x03\x0a\x01k", "a key of `FrontendAttrs` comes twice"),
            (b"\x0a\x05a", "ends in the middle"),
            (b"\x0a\x02\xff\xfe", "not UTF-8"),
            (b"\x08\x01", "another type"),
            (b"\x0b", "out of use"),
            (b"\x00\x00", "no number"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "too large"),
        ] {
            let refused = read(bytes).unwrap_err();
            assert!(refused.lines.what.contains(said), "{bytes:?}: {}", refused.lines.what);
        }
    }

    #[test]
    fn fields_that_no_table_names_are_refused_dropped_or_kept() {
        let bytes = b"\xfa\x3f\x02hi";
        assert_eq!(read(bytes).unwrap_err().code, "build.unknown_field");
        let dropped = parse(bytes, &SOLVE, UnknownFields::Strip).unwrap();
        assert_eq!(write(&dropped), b"");
        let kept = parse(bytes, &SOLVE, UnknownFields::Pass).unwrap();
        assert_eq!(write(&kept), bytes);
    }

    #[test]
    fn depth_and_number_of_fields_have_an_end() {
        let mut deep = Vec::new();
        for _ in 0..40 {
            // Definition > Source > infos > definition, over and over.
            let mut next = Vec::new();
            for number in [3, 2, 3] {
                next = Vec::new();
                delimited(&mut next, number, &deep);
                deep.clone_from(&next);
            }
            deep = next;
        }
        let mut solve = Vec::new();
        delimited(&mut solve, 2, &deep);
        assert!(read(&solve).unwrap_err().lines.what.contains("too deep"));
        let many = b"\x4a\x00".repeat(MOST_FIELDS + 1);
        assert!(read(&many).unwrap_err().lines.what.contains("too many"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_it_reads_it_reads_again(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            for unknown in [UnknownFields::Deny, UnknownFields::Strip, UnknownFields::Pass] {
                for schema in [&SOLVE, &OP] {
                    let Ok(once) = parse(&bytes, schema, unknown) else { continue };
                    let written = write(&once);
                    prop_assert_eq!(&parse(&written, schema, UnknownFields::Pass).unwrap(), &once);
                    prop_assert_eq!(write(&parse(&written, schema, UnknownFields::Pass).unwrap()), written);
                }
            }
        }

        #[test]
        fn a_solve_is_read_as_it_was_written(
            reference in ".{0,20}",
            attrs in prop::collection::btree_map(".{0,10}", ".{0,10}", 0..5),
        ) {
            let mut solve = Parsed::new(&SOLVE);
            solve.set("Ref", reference);
            solve.set_map("FrontendAttrs", attrs.into_iter().collect());
            prop_assert_eq!(read(&write(&solve)).unwrap(), solve);
        }
    }
}
