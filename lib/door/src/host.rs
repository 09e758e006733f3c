//! The fields of HostConfig: one table says of each whether it is set, clamped, refused,
//! judged or passed.

use crate::ask::Case;
use crate::create::containers;
use crate::facts::Stop;
use crate::json::Value;
use crate::{Denial, binds};

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

pub fn judge_host(
    case: &Case,
    host: &mut Value,
    new_volumes: &mut Vec<String>,
) -> Result<(), Stop> {
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
