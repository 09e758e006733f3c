//! `POST /build`: everything it may do stands in the query.

use crate::ask::Case;
use crate::decide::Body;
use crate::facts::{Answer, Ask, Stop};
use crate::json::{self, Value};
use crate::own::{is_own, own_space, read, written};
use crate::url::Query;
use crate::who::Who;
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
    let mut tags = Vec::new();
    for tag in query.all("t").filter(|tag| !tag.is_empty()) {
        tags.push(written(tag, case.who, case.words)?);
    }
    query.set_all("t", tags);
    images(case, query)?;
    if query.get("version") == Some("2") {
        let mut arguments = match query.get("buildargs").unwrap_or_default() {
            "" => Value::Null,
            text => json::parse(text.as_bytes())?,
        };
        let given = arguments.get(CACHES).and_then(Value::as_text).map(str::to_owned);
        arguments.set(CACHES, Value::Text(caches(case.who, given.as_deref())));
        query.set("buildargs", String::from_utf8(json::write(&arguments)).unwrap_or_default());
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

/// The build argument that BuildKit takes for the name space of mounted caches.
pub const CACHES: &str = "BUILDKIT_CACHE_MOUNT_NS";

/// What keeps the caches of two people apart that are mounted under one name.
pub fn caches(who: &Who, given: Option<&str>) -> String {
    let space = own_space(who);
    match given.filter(|given| !given.is_empty()) {
        Some(given) => format!("{space}/{given}"),
        None => space,
    }
}

/// The body of a build. In a Dockerfile that comes with it, own images are told in full;
/// BuildKit fetches its files another way.
pub fn context(case: &Case, query: &Query) -> Result<Body, Stop> {
    if query.get("version") == Some("2") || query.get("remote").is_some_and(|text| !text.is_empty())
    {
        return Ok(Body::Stream);
    }
    let Answer::Names(all) = case.answer(Ask::Images)? else {
        return Err(Denial::new(500, "door.facts", "the images could not be listed").into());
    };
    let own = all.iter().filter(|name| is_own(name, case.who, case.words));
    let images: Vec<String> = own.cloned().collect();
    if images.is_empty() {
        return Ok(Body::Stream);
    }
    Ok(Body::Context { dockerfile: query.get("dockerfile").unwrap_or_default().to_owned(), images })
}

/// Images that a build is told of: those whose layers may be used again, and those that
/// arguments name. A `FROM` stands in the Dockerfile, which the daemon reads.
fn images(case: &Case, query: &mut Query) -> Result<(), Stop> {
    for (key, named) in
        [("cachefrom", (|_| true) as fn(&str) -> bool), ("buildargs", names_an_image)]
    {
        let text = query.get(key).unwrap_or_default();
        if ["", "null", "[]", "{}"].contains(&text) {
            continue;
        }
        let mut value = json::parse(text.as_bytes())?;
        let texts: Vec<&mut String> = match &mut value {
            Value::List(list) => list.iter_mut().filter_map(as_text).collect(),
            Value::Object(map) => map
                .iter_mut()
                .filter(|(key, _)| named(key))
                .filter_map(|(_, value)| as_text(value))
                .collect(),
            _ => Vec::new(),
        };
        for text in texts {
            *text = read(case, text)?;
        }
        query.set(key, String::from_utf8(json::write(&value)).unwrap_or_default());
    }
    Ok(())
}

fn as_text(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether a build argument of this name holds the name of an image, for a `FROM`:
/// `BASE_IMAGE`, `_DEV_CONTAINERS_BASE_IMAGE`, `IMAGE`. Others are words of any kind, and
/// one that happens to be an image's name must stay as it is.
pub fn names_an_image(argument: &str) -> bool {
    argument.to_ascii_uppercase().ends_with("IMAGE")
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
