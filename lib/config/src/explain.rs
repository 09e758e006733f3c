//! Why a limit is what it is: every value it could have, and which one holds.

use ds01_fault::Fault;
use ds01_units::Stamp;
use serde::Serialize;

use crate::config::Config;
use crate::keys::{self, Field, KEYS, Section};
use crate::limits::Source;
use crate::resolve::{AGGREGATE, LIMITS, POLICIES, Person, name_of};
use crate::value::Value;

/// One field of one user, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub user: String,
    /// The name it has in `Limits`.
    pub field: &'static str,
    /// The key to write in the config.
    pub key: &'static str,
    /// The value as the config writes it, in the unit of the name asked for if that has one.
    pub value: String,
    pub source: Source,
    /// All values, the one that holds first.
    pub candidates: Vec<Choice>,
}

/// A value the field could have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    pub holds: bool,
    pub value: String,
    pub source: Source,
    /// Why it has this value without saying so; may be empty.
    pub note: &'static str,
}

impl Config {
    /// Explains `field`, by its name in [`Limits`](crate::Limits) or any name the config
    /// has for it.
    pub fn explain(&self, user: &str, field: &str, now: Stamp) -> Result<Explanation, Fault> {
        let (field, unit) = lookup(field).ok_or_else(|| unknown(field))?;
        Ok(self.explain_field(user, field, unit, now))
    }

    /// Explains every field, in the order of [`Limits`](crate::Limits).
    pub fn explain_all(&self, user: &str, now: Stamp) -> Vec<Explanation> {
        let all = LIMITS.iter().chain(&AGGREGATE).chain(&POLICIES);
        all.map(|(field, _)| self.explain_field(user, *field, None, now)).collect()
    }

    fn explain_field(
        &self,
        user: &str,
        field: Field,
        unit: Option<f64>,
        now: Stamp,
    ) -> Explanation {
        let mut candidates: Vec<_> = Person::new(self, user, now)
            .candidates(field)
            .iter()
            .map(|one| Choice {
                holds: false,
                value: words(field, &one.value, unit),
                source: one.source(self),
                note: one.note,
            })
            .collect();
        if candidates.is_empty() {
            let source = Source { place: "built-in".into(), ..Source::default() };
            let value = words(field, &Value::Unlimited, unit);
            candidates.push(Choice { holds: false, value, source, note: "" });
        }
        candidates[0].holds = true;
        let key = KEYS.iter().find(|key| key.field == field).map_or("", |key| key.name());
        Explanation {
            user: user.to_owned(),
            field: name_of(field),
            key,
            value: candidates[0].value.clone(),
            source: candidates[0].source.clone(),
            candidates,
        }
    }
}

/// The field of this name, and the seconds of the unit that the name carries.
fn lookup(name: &str) -> Option<(Field, Option<f64>)> {
    let mut all = LIMITS.iter().chain(&AGGREGATE).chain(&POLICIES);
    if let Some((field, _)) = all.find(|(_, known)| *known == name) {
        return Some((*field, None));
    }
    [Section::Override, Section::Aggregate, Section::Policies].into_iter().find_map(|section| {
        let written = keys::find(section, name)?;
        let field = written.key.field;
        (!name_of(field).is_empty()).then_some((field, written.unit.map(|(_, seconds)| seconds)))
    })
}

fn unknown(name: &str) -> Fault {
    let fields = || LIMITS.iter().chain(&AGGREGATE).chain(&POLICIES).map(|(_, known)| *known);
    let spellings = KEYS.iter().flat_map(|key| key.names.iter().copied());
    let near = keys::nearest(name, fields().chain(spellings.filter(|key| lookup(key).is_some())));
    let all: Vec<_> = fields().collect();
    let why = match near {
        _ if ["user", "group", "admin", "slice"].contains(&name) => {
            format!("it is no limit but a field of the answer: -o {name}")
        }
        Some(near) => format!("did you mean `{near}`?"),
        None => String::new(),
    };
    Fault::usage(format!("there is no limit called `{name}`"))
        .why(why)
        .todo(format!("name one of {}", all.join(", ")))
}

/// A value in the words the config has for it.
fn words(field: Field, value: &Value, unit: Option<f64>) -> String {
    match (value, field) {
        (Value::Unlimited, Field::IdleTimeout | Field::MaxRuntime) => "never".into(),
        (Value::Unlimited, Field::GpuHold | Field::ContainerHold) => "indefinite".into(),
        (Value::Unlimited, Field::IpcMode) => "private".into(),
        (Value::Unlimited, Field::ShmSize) => "none".into(),
        (Value::Time(span), _) => match unit {
            Some(seconds) => (span.secs_f64() / seconds).to_string(),
            None => span.to_string(),
        },
        _ => value.to_string(),
    }
}
