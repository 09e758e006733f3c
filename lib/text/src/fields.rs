//! One field raw, for scripts: `-o gpu` or `-o user,limits.max_cpus`.

use ds01_fault::Fault;
use serde_json::Value;

/// The values of `fields` in `item`, tab-separated. A field is a key, or keys joined by
/// dots; `null` and an empty list are nothing, a list is joined by commas.
pub fn pick(item: &Value, fields: &str) -> Result<String, Fault> {
    let values: Result<Vec<_>, _> =
        fields.split(',').map(|field| raw(item, field.trim())).collect();
    Ok(values?.join("\t"))
}

fn raw(item: &Value, field: &str) -> Result<String, Fault> {
    let mut at = item;
    for key in field.split('.') {
        at = match at {
            // Below nothing there is nothing: `-o lease.gpu` of an item without a lease.
            Value::Null => return Ok(String::new()),
            Value::Object(object) => object.get(key).ok_or_else(|| unknown(field, at))?,
            Value::Array(list) => key
                .parse::<usize>()
                .ok()
                .and_then(|n| list.get(n))
                .ok_or_else(|| unknown(field, at))?,
            _ => return Err(unknown(field, at)),
        };
    }
    Ok(flat(at))
}

fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // A tab or a line end inside a value would read as the next field or item.
        Value::String(text) => text.replace(['\t', '\n', '\r'], " "),
        Value::Array(list) if list.iter().all(|item| !item.is_object() && !item.is_array()) => {
            list.iter().map(flat).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

fn unknown(field: &str, at: &Value) -> Fault {
    let known = match at {
        Value::Object(object) => object.keys().cloned().collect::<Vec<_>>().join(", "),
        _ => "none below this one".into(),
    };
    Fault::usage(format!("no field `{field}` in this answer"))
        .why(format!("its fields are: {known}"))
        .todo("name one of them, or use -o json to see the whole")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_come_raw_and_tab_separated() {
        let item = json!({"user": "alice", "max": 2.5, "none": null, "in": {"a": [1, 2]}});
        assert_eq!(pick(&item, "user,max,none,in.a,in.a.1").unwrap(), "alice\t2.5\t\t1,2\t2");
    }

    #[test]
    fn an_unknown_field_names_the_known_ones() {
        let fault = pick(&json!({"user": "alice", "gpu": 1}), "usr").unwrap_err();
        assert_eq!(fault.code, ds01_fault::Code::Usage);
        assert_eq!(fault.why, "its fields are: user, gpu");
    }

    #[test]
    fn a_value_cannot_forge_a_second_field_or_line() {
        assert_eq!(pick(&json!({"n": "a\tb\nc"}), "n").unwrap(), "a b c");
    }
}
