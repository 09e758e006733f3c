//! `POST /build`: everything it may do stands in the query.

use crate::ask::Case;
use crate::facts::{Answer, Ask, Stop};
use crate::images::own_image;
use crate::json::{self, Value};
use crate::url::Query;
use crate::{Denial, clamp, labels};

/// The keys of a build.
pub const KEYS: &[&str] = &[
    "dockerfile",
    "t",
    "extrahosts",
    "remote",
    "q",
    "nocache",
    "cachefrom",
    "pull",
    "rm",
    "forcerm",
    "memory",
    "memswap",
    "cpushares",
    "cpusetcpus",
    "cpusetmems",
    "cpuperiod",
    "cpuquota",
    "buildargs",
    "shmsize",
    "squash",
    "labels",
    "networkmode",
    "platform",
    "target",
    "outputs",
    "version",
    "session",
    "buildid",
    "ulimits",
    "cgroupparent",
    "isolation",
];

/// Judges a build, and sets label, slice and limits in its query.
pub fn judge(case: &Case, query: &mut Query) -> Result<(), Stop> {
    let tags: Vec<String> = query.all("t").map(str::to_owned).collect();
    for tag in tags.iter().filter(|tag| !tag.is_empty()) {
        own_image(case, tag)?;
    }
    let network = query.get("networkmode").unwrap_or_default();
    if !["", "default", "none", "bridge"].contains(&network) {
        return Err(refused(
            "build.network",
            "networkmode",
            "a build joins the default network or none",
        ));
    }
    if !["", "client-session"].contains(&query.get("remote").unwrap_or_default()) {
        return Err(refused(
            "build.remote",
            "remote",
            "the daemon would fetch it from the host's own network",
        ));
    }
    if !query.get("ulimits").is_none_or(|text| ["", "null", "[]"].contains(&text)) {
        return Err(refused(
            "build.ulimits",
            "ulimits",
            "limits of a build are those of your containers",
        ));
    }
    outputs(query.get("outputs").unwrap_or_default())?;
    let mut own = match query.get("labels").unwrap_or_default() {
        "" => Value::Null,
        text => json::parse(text.as_bytes())?,
    };
    labels::own(case.who, &mut own)?;
    query.set("labels", String::from_utf8(json::write(&own)).unwrap_or_default());
    let Answer::Granted(limits) = case.answer(Ask::Limits)? else {
        return Err(Denial::new(500, "door.facts", "the limits could not be read").into());
    };
    clamp::build(query, limits);
    Ok(())
}

/// BuildKit's exporters: to the client, never into the shared images under any name.
fn outputs(text: &str) -> Result<(), Stop> {
    if ["", "null", "[]"].contains(&text) {
        return Ok(());
    }
    let list = json::parse(text.as_bytes())?;
    let fine = list.as_list().is_some_and(|list| {
        list.iter().all(|output| {
            let members = output.as_object().map(Vec::as_slice).unwrap_or_default();
            members.iter().all(|(key, _)| key == "Type" || key == "Attrs")
                && ["local", "tar"]
                    .contains(&output.get("Type").and_then(Value::as_text).unwrap_or_default())
        })
    });
    if fine {
        return Ok(());
    }
    Err(refused("build.outputs", "outputs", "an exporter could name an image that is not yours"))
}

fn refused(code: &'static str, key: &str, why: &str) -> Stop {
    Denial::forbidden(code, format!("a build may not set `{key}` to this"))
        .why(why)
        .todo("leave it out")
        .into()
}
