//! What a dry run answers: the same document and words as the real one, marked.

use serde_json::{Value, json};

/// The document; one of a dry run says that it is one.
pub fn marked(mut document: Value, dry_run: bool) -> Value {
    if let (Value::Object(object), true) = (&mut document, dry_run) {
        object.insert("dry_run".into(), json!(true));
    }
    document
}

/// The words; those of a dry run begin with what it is.
pub fn told(words: String, dry_run: bool) -> String {
    if dry_run { format!("dry run, nothing is changed:\n{words}") } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dry_run_is_marked() {
        assert_eq!(marked(json!({"a": 1}), true), json!({"a": 1, "dry_run": true}));
        assert_eq!(marked(json!({"a": 1}), false), json!({"a": 1}));
        assert_eq!(told("x".into(), false), "x");
    }
}
