//! The `filters` of lists, events and prunes: read once, sent on once in one form.

use crate::Denial;
use crate::json::{self, Value};

/// Few enough to compare each with each.
const MOST: usize = 1000;

/// Key to values, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(pub Vec<(String, Vec<String>)>);

impl Filters {
    /// Both generations: `{"label":["a"]}` and `{"label":{"a":true}}`.
    pub fn parse(text: &str) -> Result<Self, Denial> {
        let bad = || Denial::malformed("http.filters", "`filters` is not a map of lists");
        if text.is_empty() {
            return Ok(Self::default());
        }
        let value = json::parse(text.as_bytes()).map_err(|_| bad())?;
        let object = match value {
            Value::Object(object) => object,
            Value::Null => return Ok(Self::default()),
            _ => return Err(bad()),
        };
        let read = |(key, value): (String, Value)| {
            let values = match value {
                Value::List(list) => list
                    .iter()
                    .map(|item| item.as_text().map(str::to_owned))
                    .collect::<Option<Vec<_>>>()?,
                Value::Object(map) => map
                    .into_iter()
                    .map(|(value, set)| matches!(set, Value::Bool(_)).then_some(value))
                    .collect::<Option<Vec<_>>>()?,
                _ => return None,
            };
            Some((key, values))
        };
        let filters: Self =
            object.into_iter().map(read).collect::<Option<_>>().map(Self).ok_or_else(bad)?;
        if filters.0.iter().any(|(_, values)| values.len() > MOST) {
            return Err(bad().why("more than 1,000 values for one key"));
        }
        Ok(filters)
    }

    pub fn values_mut(&mut self, key: &str) -> impl Iterator<Item = &mut String> {
        self.0.iter_mut().filter(move |(k, _)| k == key).flat_map(|(_, values)| values)
    }

    pub fn add(&mut self, key: &str, value: String) {
        match self.0.iter_mut().find(|(k, _)| k == key) {
            Some((_, values)) if values.contains(&value) => {}
            Some((_, values)) => values.push(value),
            None => self.0.push((key.to_owned(), vec![value])),
        }
    }

    /// The newer form; a value twice in the older one is there once.
    pub fn write(&self) -> String {
        let map = |values: &Vec<String>| {
            let mut seen: Vec<&String> = Vec::new();
            for value in values {
                if !seen.contains(&value) {
                    seen.push(value);
                }
            }
            Value::Object(seen.into_iter().map(|v| (v.clone(), Value::Bool(true))).collect())
        };
        let all = self.0.iter().map(|(key, values)| (key.clone(), map(values))).collect();
        String::from_utf8(json::write(&Value::Object(all))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_generations_become_one() {
        for text in [r#"{"label":["a=b","a=b","c"]}"#, r#"{"label":{"a=b":true,"c":true}}"#] {
            assert_eq!(Filters::parse(text).unwrap().write(), r#"{"label":{"a=b":true,"c":true}}"#);
        }
        for bad in ["[", "[]", r#"{"a":1}"#, r#"{"a":["x"],"a":["y"]}"#, r#"{"a":[1]}"#] {
            assert!(Filters::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(key in "[a-z]{1,5}", values in proptest::collection::vec(".{0,8}", 0..4)) {
            let mut filters = Filters::default();
            for value in values { filters.add(&key, value); }
            prop_assert_eq!(Filters::parse(&filters.write()).unwrap(), filters);
        }
    }
}
