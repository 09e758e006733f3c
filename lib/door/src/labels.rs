//! The labels that say whose something is. They are set here and never believed from a
//! client (pitfalls 3 and 5).

use crate::Denial;
use crate::facts::{Owner, Stop};
use crate::json::Value;
use crate::who::{Role, Who};

pub const USER: &str = "ds01.user";
/// An admin's word for what watches GPUs and uses none.
pub const MONITORING: &str = "ds01.monitoring";
/// Compose's word for the container that a new one takes the place of, once it is made.
pub const REPLACES: &str = "com.docker.compose.replace";
const LEGACY_USER: &str = "aime.mlc.USER";
const FOLDER: &str = "devcontainer.local_folder";

/// Sets whose it is, on whatever has labels. A claim to be somebody else's is refused; the
/// rest under our prefixes is dropped.
pub fn own(who: &Who, labels: &mut Value) -> Result<(), Stop> {
    let claimed = |key: &str| labels.get(key).and_then(Value::as_text).map(str::to_owned);
    if who.role == Role::Admin {
        // An admin may make something for somebody else.
        if claimed(USER).is_none_or(|user| user.is_empty()) {
            labels.set(USER, Value::text(&who.user));
            labels.set("ds01.uid", Value::Text(who.uid.to_string()));
        }
        return Ok(());
    }
    for key in [USER, LEGACY_USER] {
        if let Some(user) = claimed(key).filter(|user| *user != who.user && !user.is_empty()) {
            return Err(Denial::forbidden(
                "create.foreign_label",
                format!("the label {key}={user} names somebody else"),
            )
            .why("what you make is yours; the door sets the owner from your account")
            .todo("leave the label out")
            .into());
        }
    }
    if let Value::Object(labels) = labels {
        labels.retain(|(key, _)| !is_reserved(key) || REQUESTS.contains(&key.as_str()));
    }
    labels.set(USER, Value::text(&who.user));
    labels.set("ds01.uid", Value::Text(who.uid.to_string()));
    Ok(())
}

/// What a client may say under `ds01.`.
const REQUESTS: &[&str] = &[
    "ds01.request.gpus",
    "ds01.request.profile",
    "ds01.request.project",
    "ds01.request.interface",
];

/// Whether the label is ours to set.
pub fn is_reserved(key: &str) -> bool {
    key.starts_with("ds01.") || key.starts_with("aime.mlc.")
}

/// Whose something is by its labels. `folder_owner` says who owns a directory; the label
/// of a dev container is believed only as far as that.
pub fn owner_of<'a>(
    label: impl Fn(&str) -> Option<&'a str>,
    folder_owner: impl Fn(&str) -> Option<String>,
) -> Owner {
    let named = |key| label(key).filter(|user| !user.is_empty()).map(str::to_owned);
    named(USER)
        .or_else(|| named(LEGACY_USER))
        .or_else(|| folder_owner(label(FOLDER)?))
        .map_or(Owner::Nobody, Owner::User)
}

/// Which door of the house a container came through, for the lifecycle's timings.
pub fn interface(labels: &Value, user_agent: &str) -> &'static str {
    let label = |key: &str| labels.get(key).and_then(Value::as_text);
    match label("ds01.request.interface") {
        Some("orchestration") => return "orchestration",
        Some("atomic") => return "atomic",
        _ => {}
    }
    if label("com.docker.compose.project").is_some() {
        "compose"
    } else if label(FOLDER).is_some() {
        "devcontainer"
    } else if user_agent.starts_with("Docker-Client/") {
        "docker"
    } else {
        "api"
    }
}
