//! `POST /containers/create`, field by field: one table says of every field of HostConfig
//! whether it is set, clamped, refused, judged or passed.

use crate::ask::Case;
use crate::facts::{Answer, Ask, Grant, Stop};
use crate::json::Value;
use crate::{Denial, binds, clamp, gpu, labels};

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
}

/// A create as it goes to the daemon.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    pub body: Value,
    /// Volumes to make and label first.
    pub volumes: Vec<String>,
    pub grant: Option<Grant>,
    /// The name the door gives, where the client gives none.
    pub name: Option<String>,
}

/// A rule for one field.
#[derive(Clone, Copy)]
enum Rule {
    /// The user's own affair, or only about the container itself.
    Pass,
    /// Set or lowered from the grant; see `clamp`.
    Limit,
    /// Nothing but absent, zero, empty.
    Refuse(&'static str, &'static str),
    /// Not even an empty list, which means something: no path masked.
    RefusePresent(&'static str, &'static str),
    /// One of these texts.
    OneOf(&'static [&'static str], &'static str),
    Judge(fn(&Case, &mut Judged) -> Result<(), Stop>),
}

/// The field under judgement.
struct Judged<'a> {
    value: &'a mut Value,
    new_volumes: &'a mut Vec<String>,
}

const ESCAPE: &str = "it reaches beyond the container, into the host or other people's work";

const HOST: &[(&str, Rule)] = &[
    ("Binds", Rule::Judge(|case, field| binds::binds(case, field.value, field.new_volumes))),
    ("ContainerIDFile", Rule::Pass),
    ("LogConfig", Rule::Judge(log_config)),
    ("NetworkMode", Rule::Judge(network_mode)),
    ("PortBindings", Rule::Pass),
    ("AutoRemove", Rule::Pass),
    ("VolumeDriver", Rule::OneOf(&["", "local"], "create.volume_driver")),
    ("VolumesFrom", Rule::Judge(|case, field| containers(case, field.value))),
    ("ConsoleSize", Rule::Pass),
    ("Annotations", Rule::Refuse("create.annotations", ESCAPE)),
    ("CapAdd", Rule::Judge(capabilities)),
    ("CapDrop", Rule::Pass),
    ("Capabilities", Rule::Refuse("create.capability", ESCAPE)),
    ("CgroupnsMode", Rule::OneOf(&["", "private"], "create.namespace")),
    ("Dns", Rule::Pass),
    ("DnsOptions", Rule::Pass),
    ("DnsSearch", Rule::Pass),
    ("ExtraHosts", Rule::Pass),
    ("GroupAdd", Rule::Judge(groups)),
    ("IpcMode", Rule::Judge(ipc_mode)),
    ("Cgroup", Rule::Refuse("create.namespace", ESCAPE)),
    ("Links", Rule::Judge(|case, field| containers(case, field.value))),
    ("OomScoreAdj", Rule::Judge(oom_score)),
    ("PidMode", Rule::Judge(|case, field| shared_space(case, field.value, "pid", &[""]))),
    ("Privileged", Rule::Refuse("create.privileged", "a privileged container is root on the host")),
    ("PublishAllPorts", Rule::Pass),
    ("ReadonlyRootfs", Rule::Pass),
    ("SecurityOpt", Rule::Judge(security)),
    ("StorageOpt", Rule::Judge(storage)),
    // Judged with the memory limit, behind the grant.
    ("Tmpfs", Rule::Limit),
    ("Mounts", Rule::Judge(|case, field| binds::mounts(case, field.value, field.new_volumes))),
    ("UTSMode", Rule::OneOf(&[""], "create.namespace")),
    ("UsernsMode", Rule::OneOf(&[""], "create.namespace")),
    ("ShmSize", Rule::Limit),
    ("Sysctls", Rule::Refuse("create.sysctls", "kernel settings are the admins'")),
    ("Runtime", Rule::OneOf(&["", "runc", "nvidia"], "create.runtime")),
    ("Isolation", Rule::OneOf(&["", "default"], "create.isolation")),
    ("MaskedPaths", Rule::RefusePresent("create.masked_paths", ESCAPE)),
    ("ReadonlyPaths", Rule::RefusePresent("create.masked_paths", ESCAPE)),
    ("Init", Rule::Pass),
    ("CpuShares", Rule::Pass),
    ("Memory", Rule::Limit),
    ("NanoCpus", Rule::Limit),
    ("CgroupParent", Rule::Judge(cgroup_parent)),
    ("BlkioWeight", Rule::Pass),
    ("BlkioWeightDevice", Rule::Pass),
    ("BlkioDeviceReadBps", Rule::Pass),
    ("BlkioDeviceWriteBps", Rule::Pass),
    ("BlkioDeviceReadIOps", Rule::Pass),
    ("BlkioDeviceWriteIOps", Rule::Pass),
    ("CpuPeriod", Rule::Limit),
    ("CpuQuota", Rule::Limit),
    ("CpuRealtimePeriod", Rule::Refuse("create.realtime", "real-time work stops everybody else's")),
    (
        "CpuRealtimeRuntime",
        Rule::Refuse("create.realtime", "real-time work stops everybody else's"),
    ),
    ("CpusetCpus", Rule::Pass),
    ("CpusetMems", Rule::Pass),
    ("Devices", Rule::Refuse("create.devices", "devices are given by the GPU ledger only")),
    (
        "DeviceCgroupRules",
        Rule::Refuse("create.devices", "devices are given by the GPU ledger only"),
    ),
    // Read as a wish, replaced by what is leased.
    ("DeviceRequests", Rule::Limit),
    ("KernelMemory", Rule::Pass),
    ("KernelMemoryTCP", Rule::Pass),
    ("MemoryReservation", Rule::Pass),
    ("MemorySwap", Rule::Limit),
    ("MemorySwappiness", Rule::Pass),
    ("OomKillDisable", Rule::Refuse("create.oom", "the host runs out of memory instead")),
    ("PidsLimit", Rule::Limit),
    ("Ulimits", Rule::Judge(ulimits)),
    ("CpuCount", Rule::Pass),
    ("CpuPercent", Rule::Pass),
    ("IOMaximumIOps", Rule::Pass),
    ("IOMaximumBandwidth", Rule::Pass),
    ("RestartPolicy", Rule::Pass),
];

/// Judges a create and gives the body to send. `now` is for the label.
pub fn create(
    case: &Case,
    mut body: Value,
    name: Option<&str>,
    user_agent: &str,
    now: &str,
) -> Result<Created, Stop> {
    let interface = labels::interface(body.get("Labels").unwrap_or(&Value::Null), user_agent);
    if let Some(name) = name {
        check_name(case, name)?;
    }
    labels::own(case.who, body.within("Labels"))?;
    let mut new_volumes = Vec::new();
    let mut grant = None;
    if !case.is_admin() {
        judge_host(case, body.within("HostConfig"), &mut new_volumes)?;
        endpoints(case, &mut body)?;
        let wanted = gpu::wanted(&body)?;
        gpu::refuse_other_ways(&body)?;
        let inherited = inherited_labels(case, &body)?;
        let request = |key: &str| body.get("Labels")?.get(key)?.as_text().map(str::to_owned);
        let wish = Wish {
            name: name.map(str::to_owned),
            interface: interface.to_owned(),
            gpus: wanted,
            profile: request("ds01.request.profile"),
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
        grant = Some(given.clone());
    }
    let labels = body.within("Labels");
    labels.set("ds01.managed", Value::text("true"));
    labels.set("ds01.interface", Value::text(interface));
    labels.set("ds01.created_at", Value::text(now));
    let given = grant.as_ref().and_then(|grant| grant.name.clone());
    if let Some(name) = name.or(given.as_deref()) {
        labels.set("ds01.name", Value::text(name));
    }
    Ok(Created { body, volumes: new_volumes, grant, name: given })
}

fn judge_host(case: &Case, host: &mut Value, new_volumes: &mut Vec<String>) -> Result<(), Stop> {
    for (name, rule) in HOST {
        let Some(value) = host.get_mut(name) else { continue };
        match rule {
            Rule::Pass | Rule::Limit => {}
            Rule::Refuse(code, why) if !value.is_empty() => return Err(refused(name, code, why)),
            Rule::RefusePresent(code, why) => return Err(refused(name, code, why)),
            Rule::OneOf(allowed, code) => {
                if !value.as_text().is_some_and(|text| allowed.contains(&text)) {
                    return Err(refused(name, code, ESCAPE));
                }
            }
            Rule::Refuse(..) => {}
            Rule::Judge(judge) => judge(case, &mut Judged { value, new_volumes })?,
        }
    }
    Ok(())
}

fn refused(name: &str, code: &'static str, why: &str) -> Stop {
    Denial::forbidden(code, format!("HostConfig.{name} may not be set to this"))
        .why(why)
        .todo("leave it out; an admin can create such a container for you")
        .into()
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
fn inherited_labels(case: &Case, body: &Value) -> Result<Vec<String>, Stop> {
    let image = body.get("Image").and_then(Value::as_text).unwrap_or_default();
    if image.is_empty() {
        return Err(Denial::malformed("create.image", "the create names no image").into());
    }
    match case.answer(Ask::Image(image.to_owned()))? {
        Answer::Image { labels, .. } => Ok(labels
            .iter()
            .map(|(key, _)| key)
            .filter(|key| labels::is_reserved(key) && *key != labels::USER)
            .cloned()
            .collect()),
        _ => Err(Denial::new(500, "door.facts", "the image's labels could not be read").into()),
    }
}

/// `container:NAME` on the full id of an own container, or one of `plain`.
fn shared_space(case: &Case, value: &mut Value, what: &str, plain: &[&str]) -> Result<(), Stop> {
    let text = value.as_text().unwrap_or_default().to_owned();
    if let Some(name) = text.strip_prefix("container:") {
        let id = case.container(name, true)?;
        *value = Value::Text(format!("container:{id}"));
        return Ok(());
    }
    if plain.contains(&text.as_str()) {
        return Ok(());
    }
    Err(Denial::forbidden(
        "create.namespace",
        format!("the {what} name space `{text}` is not for containers"),
    )
    .why(ESCAPE)
    .todo("leave it out, or join a container of your own with container:NAME")
    .into())
}

fn ipc_mode(case: &Case, field: &mut Judged) -> Result<(), Stop> {
    if case.words.host_ipc && field.value.as_text() == Some("host") {
        return Ok(());
    }
    shared_space(case, field.value, "ipc", &["", "private", "shareable", "none"])
}

fn network_mode(case: &Case, field: &mut Judged) -> Result<(), Stop> {
    let text = field.value.as_text().unwrap_or_default().to_owned();
    if text.starts_with("container:") {
        return shared_space(case, field.value, "network", &[]);
    }
    *field.value = Value::Text(case.network(&text)?);
    Ok(())
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

fn capabilities(case: &Case, field: &mut Judged) -> Result<(), Stop> {
    for item in field.value.as_list().unwrap_or_default() {
        let given = item.as_text().unwrap_or_default();
        let upper = given.to_ascii_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if !case.words.capabilities.iter().any(|allowed| allowed == name) {
            return Err(Denial::forbidden(
                "create.capability",
                format!("the capability {given} may not be added"),
            )
            .why(format!("allowed are {}", case.words.capabilities.join(", ")))
            .todo("leave it out; ask an admin if your work cannot do without it")
            .into());
        }
    }
    Ok(())
}

fn security(case: &Case, field: &mut Judged) -> Result<(), Stop> {
    for item in field.value.as_list().unwrap_or_default() {
        let text = item.as_text().unwrap_or_default();
        // Docker takes `:` for `=`, from its early days.
        let (name, value) = text.split_once(['=', ':']).unwrap_or((text, ""));
        let fine = match (name, value) {
            ("no-new-privileges", "" | "true") => true,
            ("label", "disable") => true,
            ("seccomp", "unconfined") => case.words.seccomp_unconfined,
            ("seccomp", "builtin") | ("apparmor", "docker-default") => true,
            _ => false,
        };
        if !fine {
            return Err(Denial::forbidden(
                "create.security_opt",
                format!("the security option {} is not allowed", shortened(text)),
            )
            .why("it takes away what keeps a container in")
            .todo("leave it out; debuggers need only --cap-add SYS_PTRACE")
            .into());
        }
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

fn groups(_: &Case, field: &mut Judged) -> Result<(), Stop> {
    const HOST_GROUPS: &[&str] = &["docker", "root", "disk", "shadow", "sudo", "adm", "kmem"];
    for item in field.value.as_list().unwrap_or_default() {
        let text = item.as_text().unwrap_or_default();
        // A number is a group of the host on every mounted file.
        let plain =
            !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
        if !plain || HOST_GROUPS.contains(&text) {
            return Err(refused("GroupAdd", "create.group_add", "it would be a group of the host"));
        }
    }
    Ok(())
}

fn oom_score(_: &Case, field: &mut Judged) -> Result<(), Stop> {
    if field.value.as_int().is_none_or(|score| score < 0) {
        return Err(refused("OomScoreAdj", "create.oom", "others would be killed in its place"));
    }
    Ok(())
}

fn log_config(_: &Case, field: &mut Judged) -> Result<(), Stop> {
    let driver = field.value.get("Type").and_then(Value::as_text).unwrap_or_default();
    let options = field.value.get("Config").and_then(Value::as_object);
    const PLAIN: &[&str] = &[
        "max-size",
        "max-file",
        "compress",
        "labels",
        "labels-regex",
        "env",
        "env-regex",
        "tag",
        "mode",
        "max-buffer-size",
    ];
    let plain = options.is_none_or(|all| all.iter().all(|(key, _)| PLAIN.contains(&key.as_str())));
    if !["", "json-file", "local", "none", "journald"].contains(&driver) || !plain {
        return Err(refused(
            "LogConfig",
            "create.log_config",
            "logs would leave the host from the daemon",
        ));
    }
    Ok(())
}

fn storage(_: &Case, field: &mut Judged) -> Result<(), Stop> {
    let all = field.value.as_object().map(Vec::as_slice).unwrap_or_default();
    if all.iter().any(|(key, _)| key != "size") {
        return Err(refused(
            "StorageOpt",
            "create.storage_opt",
            "only `size` is a matter of the container",
        ));
    }
    Ok(())
}

fn cgroup_parent(_: &Case, field: &mut Judged) -> Result<(), Stop> {
    let text = field.value.as_text().unwrap_or_default();
    // It is replaced by the user's slice in any case; a path elsewhere is no mistake.
    if text.is_empty() || ds01_names::SliceName::parse(text).is_some() {
        return Ok(());
    }
    Err(refused(
        "CgroupParent",
        "create.cgroup_parent",
        "each person's containers run in their own slice",
    ))
}

fn ulimits(_: &Case, field: &mut Judged) -> Result<(), Stop> {
    for item in field.value.as_list().unwrap_or_default() {
        let name = item.get("Name").and_then(Value::as_text).unwrap_or_default();
        if ["rtprio", "rttime", "nice"].contains(&name.to_ascii_lowercase().as_str()) {
            return Err(refused(
                "Ulimits",
                "create.realtime",
                "real-time work stops everybody else's",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_host_config_has_one_rule() {
        let mut ruled: Vec<&str> = HOST.iter().map(|(name, _)| *name).collect();
        let mut known: Vec<&str> = crate::fields::host_fields().collect();
        ruled.sort_unstable();
        known.sort_unstable();
        assert_eq!(ruled, known);
    }
}
