//! Go's decoder finds a field by its name in any case, with Unicode folding, and the last
//! of two wins: `Hoſtconfig` is `HostConfig`. A body is read against the schema of its
//! route here, its keys renamed to the canonical ones, so that the daemon reads exactly
//! what was judged. Keys of data maps (labels, options) are data and stay as they are.

use crate::json::{Object, Value};
use crate::{Denial, UnknownFields};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Bool,
    Int,
    Text,
    /// A text, or a list of them: `Cmd`, `Entrypoint`.
    Words,
    List(&'static Kind),
    /// A data map.
    Map(&'static Kind),
    Struct(&'static Schema),
    /// Not judged by anybody: an empty object, mostly.
    Any,
}

/// The fields of one of the daemon's structs.
#[derive(Debug)]
pub struct Schema {
    /// As a message names it.
    pub name: &'static str,
    /// Several tables, where one struct embeds another.
    pub fields: &'static [&'static [(&'static str, Kind)]],
}

impl Schema {
    fn find(&self, key: &str) -> Option<(&'static str, Kind)> {
        let folded = fold(key);
        let mut all = self.fields.iter().flat_map(|table| table.iter());
        all.find(|(name, _)| fold(name) == folded).copied()
    }
}

/// The two letters beyond ASCII that fold into it, and lower case for the rest.
pub fn fold(key: &str) -> String {
    key.chars()
        .flat_map(|c| match c {
            'ſ' => 's'.to_lowercase(),
            '\u{212a}' => 'k'.to_lowercase(),
            c => c.to_lowercase(),
        })
        .collect()
}

/// The body in canonical form. Null members of a struct are left out: they mean nothing.
pub fn canonical(
    value: Value,
    schema: &'static Schema,
    unknown: UnknownFields,
) -> Result<Value, Denial> {
    of_struct(value, schema, unknown, "")
}

fn of_struct(
    value: Value,
    schema: &'static Schema,
    unknown: UnknownFields,
    place: &str,
) -> Result<Value, Denial> {
    let object = match value {
        Value::Object(object) => object,
        Value::Null => Vec::new(),
        _ => return Err(wrong(place, schema.name, "an object")),
    };
    let mut out: Object = Vec::with_capacity(object.len());
    let mut seen: std::collections::HashSet<String> = std::collections::HashSet::new();
    for (key, member) in object {
        if !seen.insert(fold(&key)) {
            let place = join(place, &key);
            return Err(Denial::malformed(
                "json.fold",
                format!("the body names `{place}` twice, in different spellings"),
            )
            .todo("send the field once"));
        }
        match schema.find(&key) {
            Some(_) | None if matches!(member, Value::Null) => {}
            Some((name, kind)) => {
                let place = join(place, name);
                out.push((name.to_owned(), of_kind(member, kind, unknown, &place)?));
            }
            None => match unknown {
                UnknownFields::Pass => out.push((key, member)),
                UnknownFields::Strip => {}
                UnknownFields::Deny => {
                    let place = join(place, &key);
                    return Err(Denial::forbidden(
                        "json.unknown_field",
                        format!("the field `{place}` is not known to the Docker door"),
                    )
                    .why("what it asks for cannot be judged, so it is not passed on")
                    .todo("leave it out, or ask an admin to look at `unknown_fields`"));
                }
            },
        }
    }
    Ok(Value::Object(out))
}

fn of_kind(value: Value, kind: Kind, unknown: UnknownFields, place: &str) -> Result<Value, Denial> {
    match (kind, value) {
        (Kind::Any, value) => Ok(value),
        (Kind::Bool, value @ Value::Bool(_)) => Ok(value),
        (Kind::Text | Kind::Words, value @ Value::Text(_)) => Ok(value),
        (Kind::Int, value @ Value::Number(_)) if value.as_int().is_some() => Ok(value),
        (Kind::Words, Value::List(list)) => each(list, Kind::Text, unknown, place),
        (Kind::List(inner), Value::List(list)) => each(list, *inner, unknown, place),
        (Kind::Map(inner), Value::Object(object)) => {
            let members = object.into_iter().map(|(key, member)| {
                let place = join(place, &key);
                // Null in a map is Go's zero value, and the key is there all the same.
                let member = match member {
                    Value::Null => Value::Null,
                    other => of_kind(other, *inner, unknown, &place)?,
                };
                Ok((key, member))
            });
            members.collect::<Result<_, Denial>>().map(Value::Object)
        }
        (Kind::Struct(schema), value) => of_struct(value, schema, unknown, place),
        (kind, _) => Err(wrong(place, "", kind.words())),
    }
}

fn each(
    list: Vec<Value>,
    kind: Kind,
    unknown: UnknownFields,
    place: &str,
) -> Result<Value, Denial> {
    let items = list.into_iter().map(|item| of_kind(item, kind, unknown, place));
    items.collect::<Result<_, Denial>>().map(Value::List)
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Text => "a text",
            Self::Words => "a text or a list of texts",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Struct(_) => "an object",
            Self::Any => "a value",
        }
    }
}

fn wrong(place: &str, name: &str, wanted: &str) -> Denial {
    let place = if place.is_empty() { name } else { place };
    Denial::malformed("json.type", format!("`{place}` must be {wanted}"))
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields;
    use crate::json;
    use proptest::prelude::*;

    fn create(text: &str, unknown: UnknownFields) -> Result<String, Denial> {
        let value = canonical(json::parse(text.as_bytes())?, &fields::CREATE, unknown)?;
        Ok(String::from_utf8(json::write(&value)).unwrap())
    }

    #[test]
    fn every_spelling_of_a_field_becomes_the_one() {
        for key in ["HostConfig", "hostconfig", "HOSTCONFIG", "Hoſtconfig"] {
            let text = format!(r#"{{"{key}":{{"privileged":true,"Networ\u212aMode":"x"}}}}"#);
            assert_eq!(
                create(&text, UnknownFields::Deny).unwrap(),
                r#"{"HostConfig":{"Privileged":true,"NetworkMode":"x"}}"#
            );
        }
    }

    #[test]
    fn two_keys_that_fold_alike_are_refused_in_structs_only() {
        let code = |text: &str| create(text, UnknownFields::Pass).err().map(|d| d.code);
        assert_eq!(code(r#"{"Image":"a","image":"b"}"#), Some("json.fold"));
        assert_eq!(code(r#"{"HostConfig":{},"Ho\u017ftConfig":null}"#), Some("json.fold"));
        assert_eq!(code(r#"{"New":1,"new":2}"#), Some("json.fold"));
        assert_eq!(code(r#"{"Labels":{"a":"1","A":"2"}}"#), None);
    }

    #[test]
    fn an_unknown_field_is_named_stripped_or_passed() {
        let text = r#"{"Image":"a","HostConfig":{"Frob":1,"Nil":null}}"#;
        let denial = create(text, UnknownFields::Deny).unwrap_err();
        assert!(denial.lines.what.contains("`HostConfig.Frob`"), "{}", denial.lines.what);
        assert_eq!(create(text, UnknownFields::Strip).unwrap(), r#"{"Image":"a","HostConfig":{}}"#);
        assert_eq!(
            create(text, UnknownFields::Pass).unwrap(),
            r#"{"Image":"a","HostConfig":{"Frob":1}}"#
        );
    }

    #[test]
    fn a_wrong_type_is_named() {
        for (text, place) in [
            (r#"{"Image":1}"#, "`Image`"),
            (r#"{"HostConfig":[]}"#, "`HostConfig`"),
            (r#"{"HostConfig":{"Memory":1.5}}"#, "`HostConfig.Memory`"),
            (r#"{"HostConfig":{"Memory":"1"}}"#, "`HostConfig.Memory`"),
            (r#"{"HostConfig":{"Memory":99999999999999999999}}"#, "`HostConfig.Memory`"),
            (r#"{"HostConfig":{"Mounts":[{"Type":1}]}}"#, "`HostConfig.Mounts.Type`"),
        ] {
            let denial = create(text, UnknownFields::Pass).unwrap_err();
            assert!(denial.lines.what.contains(place), "{text}: {}", denial.lines.what);
        }
    }

    proptest! {
        #[test]
        fn canonical_of_canonical_is_canonical(
            keys in proptest::collection::vec("(?i)(image|labels|hostconfig|binds|cmd|ſ|k|x)", 0..5),
            value in "(null|true|1|\"a\"|\\[\"a\"\\]|\\{\\}|\\{\"Binds\":\\[\"a\"\\]\\})",
        ) {
            let members: Vec<_> = keys.iter().map(|key| format!("\"{key}\":{value}")).collect();
            let text = format!("{{{}}}", members.join(","));
            for unknown in [UnknownFields::Deny, UnknownFields::Strip, UnknownFields::Pass] {
                if let Ok(once) = create(&text, unknown) {
                    prop_assert_eq!(create(&once, unknown).unwrap(), once);
                }
            }
        }
    }
}
