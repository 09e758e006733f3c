//! The JSON Schema of the config, made from the table of keys, so that editors check what
//! is typed by the rules it will be read by.

use serde_json::{Map, Value, json};

use crate::keys::{KEYS, Key, SECTIONS, SUFFIXES, Section};
use crate::value::Kind;

const SIZE: &str = r"^[0-9]+(\.[0-9]+)? ?[kKmMgGtTpP]?([iI]?[bB])?$";
// That units fall in size, limits-check sees.
const TIME: &str = r"^ *(0|([0-9]+(\.[0-9]+)? *[wdhms] *)+)$";
const NO_LIMIT: [&str; 4] = ["none", "never", "unlimited", "indefinite"];

/// The schema (draft 2020-12) of `resource-limits.yaml`.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for section in SECTIONS {
        definitions.insert(name(section).into(), object(section));
    }
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!("resource-limits.yaml of ds01"));
    schema.insert("$ref".into(), json!("#/$defs/config"));
    schema.insert("$defs".into(), Value::Object(definitions));
    Value::Object(schema)
}

fn name(section: Section) -> &'static str {
    match section {
        Section::Top => "config",
        Section::Defaults => "defaults",
        Section::Group => "group",
        Section::Override => "override",
        Section::Aggregate => "aggregate",
        Section::Total => "total",
        Section::Door => "door",
        Section::Policies => "policies",
        Section::OwnPolicies => "own_policies",
        Section::Type => "container_type",
        Section::Gpu => "gpu_allocation",
        Section::Access => "access_control",
        Section::Exemptions => "exemptions",
        Section::Exemption => "exemption",
    }
}

fn object(section: Section) -> Value {
    let mut properties = Map::new();
    for key in KEYS.iter().filter(|key| key.stands_in(section)) {
        for (index, name) in key.names.iter().enumerate() {
            let mut property = property(key, None);
            property.insert("description".into(), json!(key.about));
            if index > 0 && key.kind != Kind::Note {
                property.insert("deprecated".into(), json!(true));
                let about = format!("{} (the same as {})", key.about, key.name());
                property.insert("description".into(), json!(about));
            }
            properties.insert((*name).into(), Value::Object(property));
            if key.kind != Kind::Time {
                continue;
            }
            for (suffix, unit) in SUFFIXES.iter().map(|(suffix, _)| (suffix, &suffix[1..])) {
                let mut property = self::property(key, Some(()));
                property.insert("deprecated".into(), json!(true));
                let about = format!("{} (a number; the unit is {unit})", key.about);
                property.insert("description".into(), json!(about));
                properties.insert(format!("{name}{suffix}"), Value::Object(property));
            }
        }
    }
    let mut object = Map::new();
    // A section with remarks alone is null, and says nothing.
    object.insert("type".into(), json!(["object", "null"]));
    object.insert("properties".into(), Value::Object(properties));
    if section == Section::Top {
        object.insert("type".into(), json!("object"));
        // A place for anchors.
        object.insert("patternProperties".into(), json!({"^x-": true}));
    }
    object.insert("additionalProperties".into(), json!(false));
    Value::Object(object)
}

fn reference(section: Section) -> Value {
    json!({"$ref": format!("#/$defs/{}", name(section))})
}

/// What a key takes; `in_unit` where its name ends in a unit, so that it takes a number.
fn property(key: &Key, in_unit: Option<()>) -> Map<String, Value> {
    let amount = || vec![json!({"type": "number", "minimum": 0})];
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let mut any = match key.kind {
        _ if in_unit.is_some() => amount(),
        Kind::Section(section) => vec![reference(section)],
        Kind::MapOf(section) => {
            vec![json!({"type": ["object", "null"], "additionalProperties": reference(section)})]
        }
        Kind::ListOf(section) => {
            vec![json!({"type": ["array", "null"], "items": reference(section)})]
        }
        // An account may be called 212345.
        Kind::Names => vec![json!({
            "type": ["array", "null"],
            "items": {"type": ["string", "integer"]},
        })],
        Kind::Count { least, most } => {
            vec![json!({"type": "integer", "minimum": least, "maximum": most})]
        }
        Kind::Amount => amount(),
        Kind::Percent => {
            let mut any = amount();
            any.push(text(r"^[0-9]+(\.[0-9]+)? ?%$"));
            any
        }
        Kind::Fraction => vec![json!({"type": "number", "minimum": 0, "maximum": 1})],
        Kind::Flag => vec![json!({"type": "boolean"})],
        Kind::Size { least } => vec![text(SIZE), json!({"type": "integer", "minimum": least})],
        Kind::Time => vec![text(TIME), json!({"const": 0})],
        Kind::Quota => vec![text(r"^[0-9]+(\.[0-9]+)? ?%$")],
        Kind::Word => vec![json!({"type": ["string", "number"]})],
        Kind::Choice(words) => vec![json!({"enum": words})],
        Kind::Choices(words) => {
            vec![json!({"enum": words}), json!({"type": "array", "items": {"enum": words}})]
        }
        Kind::Texts => {
            let word = json!({"type": "string"});
            vec![word.clone(), json!({"type": "array", "items": word})]
        }
        Kind::Note => vec![json!(true)],
        Kind::Date => vec![json!({"type": "string"})],
    };
    if key.nullable {
        any.push(json!({"type": "null"}));
        any.push(json!({"enum": NO_LIMIT}));
    }
    match (any.pop(), any.is_empty()) {
        (Some(Value::Object(only)), true) => only,
        // `true`: anything goes.
        (Some(_), true) | (None, _) => Map::new(),
        (Some(last), false) => {
            any.push(last);
            Map::from_iter([("anyOf".to_owned(), Value::Array(any))])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    match inner.as_str() {
                        Some(text) if key == "$ref" => found.push(text.to_owned()),
                        _ => references(inner, found),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_a_definition_and_nothing_else_may_be_written() {
        let schema = schema();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 10);
        for reference in found {
            let definition = schema.pointer(reference.trim_start_matches('#')).unwrap();
            assert_eq!(definition["additionalProperties"], false, "{reference}");
        }
    }

    #[test]
    fn every_key_that_is_read_may_be_written() {
        let schema = schema();
        for section in SECTIONS {
            for key in KEYS.iter().filter(|key| key.stands_in(section)) {
                for name in key.names {
                    let property = &schema["$defs"][super::name(section)]["properties"][name];
                    assert!(property.is_object(), "{name} in {section:?}");
                }
            }
        }
        let hours = &schema["$defs"]["defaults"]["properties"]["idle_timeout_h"];
        assert_eq!(hours["anyOf"][0]["type"], "number");
    }
}
