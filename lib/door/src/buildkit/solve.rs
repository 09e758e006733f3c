//! What a build asks for: where it runs, what it may reach, under which names its result is
//! kept.

use crate::ask::{Case, owned_by};
use crate::build;
use crate::buildkit::{Ids, llb, meant};
use crate::facts::{Answer, Ask, Stop};
use crate::json::{self, Value};
use crate::own::{self, is_foreign, own_space};
use crate::proto::Parsed;
use crate::who::UnknownFields;
use crate::{Denial, labels};
use ds01_units::Bytes;

type Pairs = Vec<(String, String)>;

/// `Control/Solve`: a build as a whole.
pub fn solve(case: &Case, message: &mut Parsed, ids: &mut Ids) -> Result<(), Stop> {
    ids.session(message.text("Session"));
    entitlements(case, message)?;
    if message.number("EnableSessionExporter") != 0 {
        return Err(refused(
            "build.outputs",
            "EnableSessionExporter",
            "what is exported would be named where the door does not read it",
        ));
    }
    let old = exporter(case, message.text("Exporter"), message.map("ExporterAttrs"))?;
    message.set_map("ExporterAttrs", old);
    for one in message.messages_mut("Exporters") {
        let attrs = exporter(case, one.text("Type"), one.map("Attrs"))?;
        one.set_map("Attrs", attrs);
    }
    for cache in message.messages_mut("Cache") {
        let old = cache.text("ExportRef").to_owned();
        if !old.is_empty() {
            let own = written(case, &old)?;
            cache.set("ExportRef", own);
        }
        imports_of(case, cache, "ImportRefs")?;
        for one in cache.messages_mut("Exports") {
            export(case, one)?;
        }
        for one in cache.messages_mut("Imports") {
            imported(case, one)?;
        }
    }
    frontend(case, message, ids)?;
    meant::own_first(case, message)
}

/// `LLBBridge/Solve`: a part of a build that is under way.
pub fn within(case: &Case, message: &mut Parsed, ids: &mut Ids) -> Result<(), Stop> {
    imports_of(case, message, "ImportCacheRefs")?;
    for one in message.messages_mut("CacheImports") {
        imported(case, one)?;
    }
    frontend(case, message, ids)
}

/// What both have: the frontend's attributes, steps of the client's own, and inputs.
fn frontend(case: &Case, message: &mut Parsed, ids: &mut Ids) -> Result<(), Stop> {
    if !["", "dockerfile.v0", "gateway.v0"].contains(&message.text("Frontend")) {
        return Err(refused("build.frontend", "Frontend", "the door knows two of them"));
    }
    let attrs = attributes(case, message.map("FrontendAttrs"))?;
    message.set_map("FrontendAttrs", attrs);
    let slice = slice(case)?;
    let space = own_space(case.who);
    let inputs = message.messages("FrontendInputs").flat_map(|one| one.messages("value"));
    for definition in message.messages("Definition").chain(inputs) {
        llb::Steps { case, slice: &slice, space: &space, ids }.judge(definition)?;
    }
    Ok(())
}

pub fn image(case: &Case, message: &mut Parsed, ids: &mut Ids) -> Result<(), Stop> {
    ids.session(message.text("SessionID"));
    readable(case, message.text("Ref"))
}

pub fn source(case: &Case, message: &mut Parsed, ids: &mut Ids) -> Result<(), Stop> {
    message.messages("Source").try_for_each(|source| llb::source(case, source, ids))
}

/// What a frontend gives back may carry steps too.
pub fn returned(case: &Case, message: &mut Parsed, ids: &mut Ids) -> Result<(), Stop> {
    let slice = slice(case)?;
    let space = own_space(case.who);
    for result in message.messages("result") {
        let many = result.messages("refs").flat_map(|refs| refs.messages("refs"));
        let attested = result.messages("attestations").flat_map(|one| one.messages("value"));
        let attested = attested.flat_map(|one| one.messages("attestation"));
        let refs = result
            .messages("ref")
            .chain(many.flat_map(|one| one.messages("value")))
            .chain(attested.flat_map(|one| one.messages("ref")));
        for definition in refs.flat_map(|one| one.messages("def")) {
            llb::Steps { case, slice: &slice, space: &space, ids }.judge(definition)?;
        }
    }
    Ok(())
}

/// Where the person's slice lies: BuildKit takes a directory of the cgroup tree, where
/// Docker takes a unit's name.
fn slice(case: &Case) -> Result<String, Stop> {
    let Answer::Granted(limits) = case.answer(Ask::Limits)? else {
        return Err(Denial::new(500, "door.facts", "the limits could not be read").into());
    };
    let place = ds01_names::SliceName::parse(&limits.cgroup_parent)
        .map_or_else(|| limits.cgroup_parent.clone(), |slice| slice.cgroup());
    Ok(format!("/{place}"))
}

fn entitlements(case: &Case, message: &Parsed) -> Result<(), Stop> {
    for asked in message.texts("Entitlements").filter(|asked| !asked.is_empty()) {
        match asked {
            "network.host" if case.words.host_network => {}
            "network.host" => return Err(host_network()),
            _ => {
                return Err(Denial::forbidden(
                    "build.entitlement",
                    format!("a build may not have the entitlement `{asked}`"),
                )
                .why("it would run with rights on this machine that no container of yours has")
                .todo("leave out --allow; what needs a GPU or a device belongs into a container")
                .into());
            }
        }
    }
    Ok(())
}

fn host_network() -> Stop {
    Denial::forbidden("build.network", "the host's network is not for builds")
        .why("the policy of your group does not allow `--network host`")
        .todo("leave it out, or say --network none")
        .into()
}

/// Attributes of an image that say nothing of where it goes.
const OF_IMAGES: &[&str] = &[
    "attestation-prefix",
    "buildinfo",
    "buildinfo-attrs",
    "compression",
    "compression-level",
    "context",
    "danglingname",
    "force-compression",
    "load",
    "name-canonical",
    "oci-artifact",
    "oci-mediatypes",
    "platform-split",
    "prefer-nondist-layers",
    "preferNondistLayers",
    "push",
    "push-by-digest",
    "rewrite-timestamp",
    "source-date-epoch",
    "store",
    "tar",
    "unpack",
];

/// Where a result goes. `local`, `tar`, `oci` and `docker` go to the client, through its
/// own session; the others into the images of all, so their names must be the user's own.
fn exporter(case: &Case, kind: &str, mut attrs: Pairs) -> Result<Pairs, Stop> {
    let shared = match kind {
        "local" | "tar" | "oci" | "docker" => false,
        "" | "moby" | "image" => true,
        _ => return Err(refused("build.outputs", "output", "the door does not know this kind")),
    };
    for (key, value) in &mut attrs {
        match key.as_str() {
            "name" if shared && !value.is_empty() => *value = names(case, value)?,
            "name" | "dest" | "mode" => {}
            "dangling-name-prefix" if value == "moby-dangling" => {}
            key if OF_IMAGES.contains(&key)
                || key.starts_with("annotation")
                || key.starts_with("containerimage.") => {}
            key => unknown(case, &format!("output attribute {key}"))?,
        }
    }
    Ok(attrs)
}

/// A list of names as it is kept: each in the user's own name space.
fn names(case: &Case, list: &str) -> Result<String, Stop> {
    let names: Result<Vec<String>, Stop> =
        list.split(',').map(|name| written(case, name)).collect();
    Ok(names?.join(","))
}

fn written(case: &Case, name: &str) -> Result<String, Stop> {
    Ok(own::written(name, case.who, case.words)?)
}

fn export(case: &Case, one: &mut Parsed) -> Result<(), Stop> {
    match one.text("Type") {
        "inline" | "local" => Ok(()),
        "registry" => {
            let mut attrs = one.map("Attrs");
            for (_, name) in attrs.iter_mut().filter(|(key, _)| key == "ref") {
                *name = written(case, name)?;
            }
            one.set_map("Attrs", attrs);
            Ok(())
        }
        _ => Err(refused("build.cache", "cache-to", "the door knows inline, local and registry")),
    }
}

/// The same as an older client writes it.
fn imports_of(case: &Case, message: &mut Parsed, field: &str) -> Result<(), Stop> {
    let names: Result<Vec<String>, Stop> =
        message.texts(field).map(|name| import(case, "registry", name)).collect();
    message.set_all(field, names?);
    Ok(())
}

fn imported(case: &Case, one: &mut Parsed) -> Result<(), Stop> {
    let mut attrs = one.map("Attrs");
    import(case, one.text("Type"), "")?;
    for (_, name) in attrs.iter_mut().filter(|(key, _)| key == "ref") {
        *name = import(case, one.text("Type"), name)?;
    }
    one.set_map("Attrs", attrs);
    Ok(())
}

/// Where layers may come from; an image's name means one's own first.
fn import(case: &Case, kind: &str, name: &str) -> Result<String, Stop> {
    match kind {
        "inline" | "local" => Ok(name.to_owned()),
        "registry" => {
            readable(case, name)?;
            own::read(case, name)
        }
        _ => Err(refused("build.cache", "cache-from", "the door knows inline, local and registry")),
    }
}

/// Another person's image is not read, by any of the ways that name it to the door.
pub fn readable(case: &Case, name: &str) -> Result<(), Stop> {
    if is_foreign(name, case.who) { Err(owned_by("image", name)) } else { Ok(()) }
}

/// Attributes that pass as they are.
const HARMLESS: &[&str] = &[
    "add-hosts",
    "cmdline",
    "context",
    "contextkey",
    "contextsubdir",
    "dockerfilekey",
    "filename",
    "frontend.caps",
    "hostname",
    "image-resolve-mode",
    "multi-platform",
    "no-cache",
    "platform",
    "requestid",
    "source",
    "target",
];
const HARMLESS_KINDS: &[&str] =
    &["attest:", "vcs:", "input-metadata:", "localdir:", "local-sessionid:"];

/// The attributes of a frontend, with the owner's label, slice and caches set.
fn attributes(case: &Case, attrs: Pairs) -> Result<Pairs, Stop> {
    let mut kept: Pairs = Vec::new();
    let mut own = Value::Object(Vec::new());
    let mut caches = None;
    for (key, value) in attrs {
        if let Some(label) = key.strip_prefix("label:") {
            own.set(label, Value::text(&value));
            continue;
        }
        if let Some(argument) = key.strip_prefix("build-arg:") {
            if argument == build::CACHES {
                caches = Some(value);
            } else if build::names_an_image(argument) {
                let meant = own::read(case, &value)?;
                kept.push((key, meant));
            } else {
                kept.push((key, value));
            }
            continue;
        }
        match key.as_str() {
            "cgroup-parent" => continue,
            "force-network-mode" => match value.as_str() {
                "" | "default" | "none" | "sandbox" => {}
                "host" if case.words.host_network => {}
                _ => return Err(host_network()),
            },
            "ulimit" if !value.is_empty() => {
                return Err(refused(
                    "build.ulimits",
                    "ulimit",
                    "limits of a build are those of your containers",
                ));
            }
            "shm-size" => {
                kept.push((key, shared_memory(case, &value)?));
                continue;
            }
            "cache-from" => {
                let names: Result<Vec<String>, Stop> = value
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(|name| import(case, "registry", name))
                    .collect();
                kept.push((key, names?.join(",")));
                continue;
            }
            "cache-imports" if !value.is_empty() => {
                kept.push((key, cache_imports(case, &value)?));
                continue;
            }
            "ulimit" | "cache-imports" => {}
            key if key.starts_with("context:") => {
                let meant = context(case, &value)?;
                kept.push((key.to_owned(), meant));
                continue;
            }
            key if HARMLESS.contains(&key)
                || HARMLESS_KINDS.iter().any(|kind| key.starts_with(kind)) => {}
            key => {
                unknown(case, &format!("build attribute {key}"))?;
                if case.words.unknown_fields == UnknownFields::Strip {
                    continue;
                }
            }
        }
        kept.push((key, value));
    }
    labels::own(case.who, &mut own)?;
    for (key, value) in own.as_object().into_iter().flatten() {
        kept.push((format!("label:{key}"), value.as_text().unwrap_or_default().to_owned()));
    }
    kept.push(("cgroup-parent".into(), slice(case)?));
    let caches = build::caches(case.who, caches.as_deref());
    kept.push((format!("build-arg:{}", build::CACHES), caches));
    Ok(kept)
}

/// No more than a container of the user's may have.
fn shared_memory(case: &Case, asked: &str) -> Result<String, Stop> {
    let Answer::Granted(limits) = case.answer(Ask::Limits)? else {
        return Err(Denial::new(500, "door.facts", "the limits could not be read").into());
    };
    let Some(Bytes(most)) = limits.shm else { return Ok(asked.to_owned()) };
    Ok(match asked.parse::<u64>() {
        Ok(asked) if asked <= most => asked.to_string(),
        _ => most.to_string(),
    })
}

/// A named context: a directory of the client's, an image, a URL or an input. An image's
/// name means one's own first.
fn context(case: &Case, value: &str) -> Result<String, Stop> {
    let Some(name) = value.strip_prefix("docker-image://") else { return Ok(value.to_owned()) };
    readable(case, name)?;
    Ok(format!("docker-image://{}", own::read(case, name)?))
}

/// A list of cache sources as JSON, which BuildKit reads as it reads messages.
fn cache_imports(case: &Case, text: &str) -> Result<String, Stop> {
    let mut list = json::parse(text.as_bytes())?;
    let Value::List(items) = &mut list else {
        return Err(refused("build.cache", "cache-imports", "it is no list"));
    };
    for one in items {
        for (key, _) in one.as_object().into_iter().flatten() {
            // Another spelling of the same key could say another thing.
            if key != "Type" && key != "Attrs" {
                return Err(refused("build.cache", "cache-imports", "its keys are Type and Attrs"));
            }
        }
        let kind = one.get("Type").and_then(Value::as_text).unwrap_or_default().to_owned();
        import(case, &kind, "")?;
        if let Some(name) = one.get_mut("Attrs").and_then(|attrs| attrs.get_mut("ref")) {
            *name = Value::Text(import(case, &kind, name.as_text().unwrap_or_default())?);
        }
    }
    Ok(String::from_utf8(json::write(&list)).unwrap_or_default())
}

/// What the table does not name: refused, unless the policy lets it be.
fn unknown(case: &Case, what: &str) -> Result<(), Stop> {
    if case.words.unknown_fields != UnknownFields::Deny {
        return Ok(());
    }
    Err(Denial::forbidden(
        "build.unknown_field",
        format!("the {what} is not known to the Docker door"),
    )
    .why("what it asks for cannot be judged, so it is not passed on")
    .todo("leave it out, or ask an admin if your work needs it")
    .into())
}

pub fn refused(code: &'static str, what: &str, why: &str) -> Stop {
    Denial::forbidden(code, format!("a build may not set `{what}` to this"))
        .why(why)
        .todo("leave it out")
        .into()
}
