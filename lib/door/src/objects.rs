//! Volumes and networks.

use crate::ask::{Case, missing};
use crate::create::endpoint;
use crate::decide::{Draft, Forward, Request, Shape, body, closed};
use crate::facts::{Answer, Ask, Owner, Stop};
use crate::json::Value;
use crate::routes::Network;
use crate::{Denial, binds, fields, labels, subnets};

/// Docker's own networks.
pub const PREDEFINED: [&str; 3] = ["bridge", "none", "host"];

pub fn volume_create(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let mut body = body(request, case.words, &fields::VOLUME_CREATE)?;
    let driver = body.get("Driver").and_then(Value::as_text).unwrap_or_default().to_owned();
    binds::local_driver(&driver, body.get("DriverOpts"))?;
    if body.get("ClusterVolumeSpec").is_some() {
        return Err(closed("a cluster volume"));
    }
    let name = body.get("Name").and_then(Value::as_text).unwrap_or_default().to_owned();
    if !name.is_empty() {
        let name = case.meant(Ask::Volume, &case.volume_name(&name))?;
        let name = case.given(Ask::Volume, &name)?;
        // The daemon answers with the volume that is there, whosever it is.
        let (name, _) = case.volume(&name)?;
        body.set("Name", Value::Text(name));
    }
    labels::own(case.who, body.within("Labels"))?;
    Ok(Draft::of(request).json(&body).answered(Shape::Volume))
}

pub fn volume(case: &Case, request: &Request, name: &str, touches: bool) -> Result<Forward, Stop> {
    let name = case.meant(Ask::Volume, &case.volume_name(name))?;
    match case.answer(Ask::Volume(name.clone()))? {
        // Whoever asks whether there is one may make it: Compose does, and takes no other
        // answer than this for a no.
        Answer::Volume { owner: Owner::User(_), .. }
            if !touches && case.given(Ask::Volume, &name)? != name =>
        {
            return Err(Stop::Missing(missing(&format!("get {name}: no such volume"))));
        }
        Answer::Volume { owner, users } => case.own_volume(owner, users, touches)?,
        _ => return Err(Denial::new(500, "door.facts", "the volume's owner is not known").into()),
    }
    Ok(Draft::of(request).on(&name).plain())
}

pub fn network_create(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let mut body = body(request, case.words, &fields::NETWORK_CREATE)?;
    let refused = |what: &str, why: &str| {
        Err(Denial::forbidden("network.create", format!("{what} may not be set for a network"))
            .why(why)
            .todo("leave it out; a plain bridge network joins your containers")
            .into())
    };
    let text = |key: &str| body.get(key).and_then(Value::as_text).unwrap_or_default();
    if !["", "bridge"].contains(&text("Driver")) {
        return refused(
            "another driver than bridge",
            "other drivers reach the host's own networks",
        );
    }
    if !["", "local"].contains(&text("Scope")) {
        return refused("a scope", "there is no swarm here");
    }
    for key in ["Ingress", "ConfigOnly", "ConfigFrom"] {
        if body.get(key).is_some_and(|value| !value.is_empty()) {
            return refused(key, "there is no swarm here");
        }
    }
    const OPTIONS: &[&str] = &[
        "com.docker.network.bridge.enable_icc",
        "com.docker.network.bridge.enable_ip_masquerade",
        "com.docker.network.driver.mtu",
        "com.docker.network.enable_ipv4",
        "com.docker.network.enable_ipv6",
    ];
    let options = body.get("Options").and_then(Value::as_object);
    if let Some((key, _)) =
        options.and_then(|all| all.iter().find(|(key, _)| !OPTIONS.contains(&key.as_str())))
    {
        return refused(&key.clone(), "it may take over an interface of the host");
    }
    if let Some(ipam) = body.get("IPAM") {
        let driver = ipam.get("Driver").and_then(Value::as_text).unwrap_or_default();
        let options = ipam.get("Options").is_some_and(|options| !options.is_empty());
        if !["", "default"].contains(&driver) || options {
            return refused(
                "a driver of addresses",
                "it is a plugin, or reaches the host's own networks",
            );
        }
        subnets::judge(case, ipam)?;
    }
    let name = body.get("Name").and_then(Value::as_text).unwrap_or_default().to_owned();
    if !name.is_empty() {
        let name = case.meant(Ask::Network, &name)?;
        body.set("Name", Value::Text(case.given(Ask::Network, &name)?));
    }
    labels::own(case.who, body.within("Labels"))?;
    Ok(Draft::of(request).json(&body).plain())
}

pub fn network(case: &Case, request: &Request, name: &str, verb: Network) -> Result<Forward, Stop> {
    let draft = Draft::of(request);
    if verb == Network::Inspect || verb == Network::Remove {
        let meant = case.meant(Ask::Network, name)?;
        let Answer::Network { id, name, owner } = case.answer(Ask::Network(meant))? else {
            return Err(Denial::new(500, "door.facts", "the network's owner is not known").into());
        };
        let shared = PREDEFINED.contains(&name.as_str()) && *owner == Owner::Nobody;
        if !(shared && verb == Network::Inspect) {
            case.own("network", owner, verb == Network::Remove)?;
        }
        let shape = if verb == Network::Inspect { Shape::Network } else { Shape::Plain };
        return Ok(draft.on(id).answered(shape));
    }
    let id = case.network(name)?;
    let schema = if verb == Network::Connect {
        &fields::NETWORK_CONNECT
    } else {
        &fields::NETWORK_DISCONNECT
    };
    let mut body = body(request, case.words, schema)?;
    let container = body.get("Container").and_then(Value::as_text).unwrap_or_default().to_owned();
    body.set("Container", Value::Text(case.container(&container, true)?));
    if let Some(settings) = body.get_mut("EndpointConfig") {
        endpoint(case, settings)?;
    }
    Ok(draft.on(&id).json(&body).plain())
}
