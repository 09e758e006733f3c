//! All containers of a daemon, or of a listing that somebody piped in.

use std::collections::BTreeMap;

use ds01_fault::{Code, Fault};
use ds01_units::Stamp;
use serde::Deserialize;
use serde_json::Value;

use crate::container::or_none;
use crate::{Container, Docker, State};

/// A container, as a list shows it: enough to know whose it is and whether it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub image: String,
    pub labels: BTreeMap<String, String>,
    pub state: State,
    pub created: Stamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: String,
    #[serde(default, deserialize_with = "or_none")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "or_none")]
    image: String,
    #[serde(default, deserialize_with = "or_none")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_none")]
    state: String,
    #[serde(default)]
    created: i64,
}

impl From<Row> for Listed {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            // Links of old give further names, which hold a second slash.
            name: row
                .names
                .iter()
                .map(|name| name.trim_start_matches('/'))
                .find(|name| !name.contains('/'))
                .unwrap_or_default()
                .to_owned(),
            image: row.image,
            labels: row.labels,
            state: row.state.as_str().into(),
            created: Stamp::from_secs(row.created),
        }
    }
}

impl Docker {
    /// Every container, running or not, in one request.
    pub fn list(&self) -> Result<Vec<Listed>, Fault> {
        self.list_where(&[])
    }

    /// Those that pass every filter, such as `("label", "ds01.managed=true")`.
    pub fn list_where(&self, filters: &[(&str, &str)]) -> Result<Vec<Listed>, Fault> {
        let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in filters {
            wanted.entry(key).or_default().push(value);
        }
        let wanted = serde_json::json!(wanted).to_string();
        let mut query = vec![("all", "1")];
        if !filters.is_empty() {
            query.push(("filters", &wanted));
        }
        let rows: Vec<Row> = self.get(&["containers", "json"], &query)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The container of this name or id, if there is one.
    pub fn inspect(&self, name: &str) -> Result<Option<Container>, Fault> {
        let document: Value = match self.get(&["containers", name, "json"], &[]) {
            Err(fault) if fault.code == Code::NotFound => return Ok(None),
            other => other?,
        };
        Container::read(&document).map(Some).map_err(|error| {
            crate::fault::garbled(self.socket(), &format!("container {name}: {error}"))
        })
    }

    /// Every container, inspected. One that goes meanwhile is not there.
    pub fn containers(&self) -> Result<Vec<Container>, Fault> {
        let mut containers = Vec::new();
        for listed in self.list()? {
            containers.extend(self.inspect(&listed.id)?);
        }
        containers.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(containers)
    }
}

/// The containers of a listing on stdin: what `docker inspect $(docker ps -aq)` prints, one
/// array, or the same objects one after another.
pub fn read_listing(text: &str) -> Result<Vec<Container>, Fault> {
    let wrong = |why: String| {
        Fault::usage("this is no listing of containers")
            .why(why)
            .todo("pipe in what `docker inspect $(docker ps -aq)` prints")
    };
    let mut containers = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let document = document.map_err(|error| wrong(error.to_string()))?;
        let items = match document {
            Value::Array(items) => items,
            item => vec![item],
        };
        for item in items {
            // A line of `docker ps` has an ID too, but says nothing of GPUs: taken for an
            // inspected container, it would look like one without any.
            if item.get("HostConfig").is_none_or(|config| !config.is_object()) {
                return Err(wrong("an object in it has no HostConfig".into()));
            }
            containers.push(Container::read(&item).map_err(|error| wrong(error.to_string()))?);
        }
    }
    Ok(containers)
}
