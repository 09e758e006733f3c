//! `POST /containers/create`: names, labels, networks and devices; HostConfig is judged by
//! the table in `host`.

use crate::ask::Case;
use crate::facts::{Answer, Ask, Grant, Stop};
use crate::host::judge_host;
use crate::json::Value;
use crate::own::read;
use crate::{Denial, clamp, gpu, labels, taken};

/// What a create asks admission for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Wish {
    /// The container's name, where the client gives one.
    pub name: Option<String>,
    /// Which door it came through: `docker`, `compose`, `devcontainer`, …
    pub interface: String,
    pub gpus: gpu::Wanted,
    /// `ds01.request.profile`.
    pub profile: Option<String>,
    /// Whose it is to be, where an admin makes it for somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The container, by name or id, that this one is to take the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A create as it goes to the daemon.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    pub body: Value,
    /// Volumes to make and label first.
    pub volumes: Vec<String>,
    pub grant: Option<Grant>,
    /// The name the door gives, where the client gives none or another's.
    pub name: Option<String>,
}

/// Judges a create and gives the body to send. `now` is for the label.
pub fn create(
    case: &Case,
    mut body: Value,
    name: Option<&str>,
    user_agent: &str,
    now: &str,
) -> Result<Created, Stop> {
    let interface = labels::interface(body.get("Labels").unwrap_or(&Value::Null), user_agent);
    let typed = name;
    if let Some(name) = name {
        check_name(case, name)?;
    }
    let name = name.map(|name| case.given(Ask::Container, name)).transpose()?;
    labels::own(case.who, body.within("Labels"))?;
    let mut new_volumes = Vec::new();
    let grant = if case.is_admin() {
        admins_gpus(case, &mut body, name.as_deref(), interface)?
    } else {
        judge_host(case, body.within("HostConfig"), &mut new_volumes)?;
        endpoints(case, &mut body)?;
        let wanted = gpu::wanted(&body)?;
        gpu::refuse_other_ways(&body)?;
        let inherited = inherited_labels(case, &mut body)?;
        let request = |key: &str| body.get("Labels")?.get(key)?.as_text().map(str::to_owned);
        let wish = Wish {
            name: name.clone(),
            interface: interface.to_owned(),
            gpus: wanted,
            profile: request("ds01.request.profile"),
            owner: None,
            replaces: request(labels::REPLACES),
        };
        // Last, since it may lease: nothing behind it refuses but the grant's own limits.
        let Answer::Granted(given) = case.answer(Ask::Grant(Box::new(wish)))? else {
            return Err(Denial::new(500, "door.facts", "admission gave no answer").into());
        };
        clamp::apply(body.within("HostConfig"), given)?;
        gpu::give(&mut body, given);
        let labels = body.within("Labels");
        for key in inherited {
            labels.set(&key, Value::text(""));
        }
        labels.set("aime.mlc.USER", Value::text(&case.who.user));
        labels.set("ds01.slice", Value::text(&given.cgroup_parent));
        for (key, value) in &given.labels {
            labels.set(key, Value::text(value));
        }
        Some(given.clone())
    };
    let labels = body.within("Labels");
    labels.set("ds01.managed", Value::text("true"));
    labels.set("ds01.interface", Value::text(interface));
    labels.set("ds01.created_at", Value::text(now));
    let name = name.or_else(|| grant.as_ref().and_then(|grant| grant.name.clone()));
    if let Some(name) = &name {
        labels.set("ds01.name", Value::text(name));
    }
    if let Some(typed) = typed.filter(|typed| name.as_deref() != Some(typed)) {
        taken::alias(&mut body, typed);
    }
    Ok(Created { body, volumes: new_volumes, grant, name })
}

/// An admin's request passes as it is, but a GPU that the ledger does not know to be taken
/// would be given to the next who asks. So an admin leases too, without limits; only what
/// watches the whole board, and says so by its label, passes by.
fn admins_gpus(
    case: &Case,
    body: &mut Value,
    name: Option<&str>,
    interface: &str,
) -> Result<Option<Grant>, Stop> {
    let watches = body.get("Labels").and_then(|labels| labels.get(labels::MONITORING));
    if watches.and_then(Value::as_text) == Some("true") {
        return Ok(None);
    }
    // What is no request for a GPU is the daemon's to judge.
    let Ok(gpus) = gpu::wanted(body) else { return Ok(None) };
    if gpus == gpu::Wanted::None {
        return Ok(None);
    }
    let label = |key: &str| body.get("Labels")?.get(key)?.as_text().map(str::to_owned);
    let wish = Wish {
        name: name.map(str::to_owned),
        interface: interface.to_owned(),
        gpus,
        profile: label("ds01.request.profile"),
        owner: label(labels::USER).filter(|owner| *owner != case.who.user),
        replaces: None,
    };
    let Answer::Granted(given) = case.answer(Ask::Grant(Box::new(wish)))? else {
        return Err(Denial::new(500, "door.facts", "admission gave no answer").into());
    };
    // Where nothing is leased (`explain`, a trial of the door) nothing is replaced either.
    if given.gpus.is_empty() {
        return Ok(None);
    }
    gpu::give(body, given);
    let labels = body.within("Labels");
    for (key, value) in &given.labels {
        labels.set(key, Value::text(value));
    }
    Ok(Some(given.clone()))
}

/// A name must not be taken for an id, nor for somebody else's container.
pub fn check_name(case: &Case, name: &str) -> Result<(), Stop> {
    let name = name.strip_prefix('/').unwrap_or(name);
    let bad = |what: String, why: &str| {
        Err(Denial::forbidden("create.name", what)
            .why(why)
            .todo("choose another name, with letters beyond f or a hyphen in it")
            .into())
    };
    let hex = name.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = name.bytes().any(|b| b.is_ascii_digit());
    if hex && (name.len() >= 12 || (name.len() >= 6 && digits)) {
        return bad(
            format!("`{name}` looks like a container's id"),
            "names go before ids, so it would stand in front of another container",
        );
    }
    if case.is_admin() {
        return Ok(());
    }
    let who = case.who;
    let own = ds01_names::container::suffix(&who.user, who.uid);
    match ds01_names::container::parse(name) {
        Some((_, owner)) if !suffix_is(&owner, &own, who.uid) => bad(
            format!("`{name}` ends in another person's suffix"),
            "what stands behind `._.` is whose the container is",
        ),
        _ => Ok(()),
    }
}

fn suffix_is(owner: &ds01_names::Owner, own: &str, uid: u32) -> bool {
    match owner {
        ds01_names::Owner::Name(name) | ds01_names::Owner::Number(name) => {
            name == own || *name == uid.to_string()
        }
        ds01_names::Owner::Uid(number) => *number == uid,
    }
}

/// Labels under our prefixes that the image would pass on and that are not ours to inherit.
/// The image is the one that the name means to this person.
fn inherited_labels(case: &Case, body: &mut Value) -> Result<Vec<String>, Stop> {
    let image = body.get("Image").and_then(Value::as_text).unwrap_or_default();
    if image.is_empty() {
        return Err(Denial::malformed("create.image", "the create names no image").into());
    }
    let image = read(case, image)?;
    body.set("Image", Value::text(&image));
    match case.answer(Ask::Image(image))? {
        Answer::Image { labels, .. } => Ok(labels
            .iter()
            .map(|(key, _)| key)
            .filter(|key| labels::is_reserved(key) && *key != labels::USER)
            .cloned()
            .collect()),
        _ => Err(Denial::new(500, "door.facts", "the image's labels could not be read").into()),
    }
}

/// The networks to join, on their ids. dockerd joins each of them beside `NetworkMode`.
fn endpoints(case: &Case, body: &mut Value) -> Result<(), Stop> {
    let Some(Value::Object(map)) =
        body.get_mut("NetworkingConfig").and_then(|config| config.get_mut("EndpointsConfig"))
    else {
        return Ok(());
    };
    for (name, settings) in map.iter_mut() {
        *name = case.network(name)?;
        endpoint(case, settings)?;
    }
    // Two names of one network, or a name and an id.
    let mut names: Vec<&String> = map.iter().map(|(name, _)| name).collect();
    names.sort();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Denial::malformed("create.network", "one network is named twice").into());
    }
    Ok(())
}

/// How a container is joined to a network.
pub fn endpoint(case: &Case, settings: &mut Value) -> Result<(), Stop> {
    if let Some(links) = settings.get_mut("Links") {
        containers(case, links)?;
    }
    // What the daemon fills in; an id of another network must not be read from there.
    settings.remove("NetworkID");
    settings.remove("EndpointID");
    if settings.get("DriverOpts").is_some_and(|options| !options.is_empty()) {
        return Err(Denial::forbidden(
            "network.endpoint",
            "driver options of a network are not for users",
        )
        .why("they set kernel parameters and interfaces")
        .todo("leave them out")
        .into());
    }
    Ok(())
}

/// `NAME` or `NAME:rest`, each on the full id of an own container.
pub fn containers(case: &Case, list: &mut Value) -> Result<(), Stop> {
    let Value::List(list) = list else { return Ok(()) };
    for item in list {
        let text = item.as_text().unwrap_or_default();
        let (name, rest) = text.split_once(':').map_or((text, None), |(n, r)| (n, Some(r)));
        let id = case.container(name, true)?;
        *item = Value::Text(rest.map_or(id.clone(), |rest| format!("{id}:{rest}")));
    }
    Ok(())
}
