//! What a container may have mounted: binds from allowed directories, volumes of one's own.

use crate::Denial;
use crate::ask::Case;
use crate::facts::Stop;
use crate::json::Value;

/// The filtered socket, which may be mounted; the real one never may.
pub const SOCKETS: &[&str] = &["/var/run/docker.sock", "/run/docker.sock"];
const REAL_SOCKETS: &[&str] = &["/run/docker-real.sock", "/var/run/docker-real.sock"];
/// Never mounted, whatever the policy's roots say.
const NEVER: &[&str] = &[
    "/etc",
    "/root",
    "/dev",
    "/proc",
    "/sys",
    "/boot",
    "/run",
    "/var/run",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/ds01",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
];

/// What a mount needs done, beside what is rewritten in place.
pub type NewVolumes = Vec<String>;

/// `Binds`: `source:target[:options]`.
pub fn binds(case: &Case, list: &mut Value, new: &mut NewVolumes) -> Result<(), Stop> {
    let Value::List(list) = list else { return Ok(()) };
    for item in list {
        let text = item.as_text().unwrap_or_default().to_owned();
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts[..] {
            // Only a target: an anonymous volume.
            [_target] => continue,
            [source, target] => (source, target, ""),
            [source, target, options] => (source, target, options),
            _ => return Err(bad(&text, "write source:target or source:target:options")),
        };
        let mut read_only = false;
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => read_only = true,
                "rw" | "z" | "Z" | "cached" | "delegated" | "consistent" | "nocopy" | "private"
                | "rprivate" => {}
                _ => return Err(propagation(option)),
            }
        }
        let source = if source.starts_with('/') {
            bind_source(case, source, read_only)?
        } else {
            volume(case, source, new)?
        };
        let mut forwarded = format!("{source}:{target}");
        if !options.is_empty() {
            forwarded += &format!(":{options}");
        }
        *item = Value::Text(forwarded);
    }
    Ok(())
}

fn volume(case: &Case, name: &str, new: &mut NewVolumes) -> Result<String, Stop> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() < 2
        || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        || !name.chars().all(legal)
    {
        return Err(bad(name, "a source is an absolute path or a volume's name"));
    }
    let (name, missing) = case.volume(name)?;
    if missing && !new.contains(&name) {
        new.push(name.clone());
    }
    Ok(name)
}

/// The path to mount, every link resolved, if this person may mount it.
pub fn bind_source(case: &Case, path: &str, read_only: bool) -> Result<String, Stop> {
    if SOCKETS.contains(&path) {
        return Ok(path.to_owned());
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() || !is_clean(trimmed) {
        return Err(outside(path));
    }
    let real = case.path(trimmed)?;
    let own_run = format!("/run/user/{}", case.who.uid);
    let never = NEVER.iter().any(|dir| is_below(real, dir)) && !is_below(real, &own_run);
    let over_socket = REAL_SOCKETS.iter().any(|socket| is_below(socket, real));
    if never || over_socket || !is_clean(real) {
        return Err(outside(path));
    }
    for root in &case.words.bind_roots {
        let Some(below) = root_of(case, &root.path)? else { continue };
        if !is_below(real, &below) {
            continue;
        }
        if root.read_only && !read_only {
            return Err(Denial::forbidden(
                "create.bind_read_only",
                format!("{path} may be mounted read-only"),
            )
            .why(format!("the policy gives {} to all for reading", root.path))
            .todo("add :ro to the mount, and write to your own home or /scratch")
            .into());
        }
        return Ok(real.to_owned());
    }
    Err(outside(path))
}

/// A root of the policy for this person. Only the part that is the same for everybody is
/// followed: where people may write to `/scratch`, `/scratch/alice` may be a link of
/// alice's to anywhere.
fn root_of(case: &Case, template: &str) -> Result<Option<String>, Stop> {
    let (fixed, own) = match template.find('{') {
        None => (template, ""),
        Some(at) => template.split_at(template[..at].rfind('/').unwrap_or(0)),
    };
    let own = own.replace("{user}", &case.who.user).replace("{uid}", &case.who.uid.to_string());
    // A user's name with `..` in it must not move the root.
    if !is_clean(fixed) || !(own.is_empty() || is_clean(&own)) {
        return Ok(None);
    }
    Ok(Some(format!("{}{own}", case.path(fixed)?)))
}

fn outside(path: &str) -> Stop {
    Denial::forbidden("create.bind", format!("{path} may not be mounted into a container"))
        .why("mounts may come from your own directories and the shared data, without `..` or links that lead elsewhere")
        .todo("mount something below your home, /scratch/<you> or /data (read-only)")
        .into()
}

fn propagation(option: &str) -> Stop {
    Denial::forbidden("create.mount_option", format!("the mount option `{option}` is not allowed"))
        .why("shared propagation and unknown options reach beyond the container")
        .todo("use ro, rw, cached, delegated, nocopy or none")
        .into()
}

fn bad(what: &str, how: &str) -> Stop {
    Denial::malformed("create.mount", format!("`{what}` is no mount")).todo(how).into()
}

/// Absolute, without empty, `.` and `..` parts.
fn is_clean(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && !path.chars().any(|c| c.is_control() || c == ':')
    })
}

fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `Mounts`, the structured form.
pub fn mounts(case: &Case, list: &mut Value, new: &mut NewVolumes) -> Result<(), Stop> {
    let Value::List(list) = list else { return Ok(()) };
    for mount in list {
        let kind = mount.get("Type").and_then(Value::as_text).unwrap_or_default().to_owned();
        let source = mount.get("Source").and_then(Value::as_text).unwrap_or_default().to_owned();
        for (options, of) in
            [("BindOptions", "bind"), ("VolumeOptions", "volume"), ("TmpfsOptions", "tmpfs")]
        {
            if kind != of && mount.get(options).is_some_and(|given| !given.is_empty()) {
                return Err(bad(&kind, &format!("a mount of this type has no {options}")));
            }
        }
        match kind.as_str() {
            "bind" => {
                let option = mount
                    .get("BindOptions")
                    .and_then(|options| options.get("Propagation"))
                    .and_then(Value::as_text)
                    .unwrap_or_default();
                if !["", "private", "rprivate"].contains(&option) {
                    return Err(propagation(option));
                }
                let read_only = mount.get("ReadOnly") == Some(&Value::Bool(true));
                let real = bind_source(case, &source, read_only)?;
                mount.set("Source", Value::Text(real));
            }
            "volume" => {
                if let Some(driver) =
                    mount.get("VolumeOptions").and_then(|options| options.get("DriverConfig"))
                {
                    local_driver(
                        driver.get("Name").and_then(Value::as_text).unwrap_or_default(),
                        driver.get("Options"),
                    )?;
                }
                if !source.is_empty() {
                    let name = volume(case, &source, new)?;
                    mount.set("Source", Value::Text(name));
                }
                let labels = mount.within("VolumeOptions").within("Labels");
                crate::labels::own(case.who, labels)?;
            }
            "tmpfs" => {
                let options = mount.get("TmpfsOptions");
                let listed = options.and_then(|o| o.get("Options")).and_then(Value::as_list);
                for option in listed.unwrap_or_default() {
                    let name = option.as_list().and_then(|pair| pair.first()?.as_text());
                    if !name.is_some_and(|name| TMPFS_OPTIONS.contains(&name)) {
                        return Err(propagation(name.unwrap_or_default()));
                    }
                }
            }
            other => return Err(bad(other, "mounts are of type bind, volume or tmpfs")),
        }
    }
    Ok(())
}

const TMPFS_OPTIONS: &[&str] = &[
    "ro",
    "rw",
    "exec",
    "noexec",
    "nosuid",
    "nodev",
    "noatime",
    "relatime",
    "size",
    "mode",
    "uid",
    "gid",
    "nr_inodes",
];

/// `Tmpfs`: target to options.
pub fn tmpfs(map: &Value, memory: Option<u64>) -> Result<(), Stop> {
    let Value::Object(map) = map else { return Ok(()) };
    for (_, options) in map {
        let options = options.as_text().unwrap_or_default();
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            if !TMPFS_OPTIONS.contains(&name) {
                return Err(propagation(option));
            }
            if name == "size" {
                // A percentage is of the host's memory, which no limit speaks of.
                let size: ds01_units::Bytes = value.parse().map_err(|_| propagation(option))?;
                tmpfs_size(size.0, memory)?;
            }
        }
    }
    Ok(())
}

pub fn tmpfs_size(size: u64, memory: Option<u64>) -> Result<(), Stop> {
    match memory {
        Some(most) if size > most => Err(Denial::forbidden(
            "create.tmpfs_size",
            "a tmpfs larger than the container's memory",
        )
        .why(format!("{size} bytes asked, {most} bytes of memory allowed"))
        .todo("ask for a smaller size")
        .into()),
        _ => Ok(()),
    }
}

/// The `local` driver with options is a bind of anything, or a mount of any device.
pub fn local_driver(name: &str, options: Option<&Value>) -> Result<(), Stop> {
    if !["", "local"].contains(&name) || options.is_some_and(|options| !options.is_empty()) {
        return Err(Denial::forbidden("volume.driver", "only plain local volumes can be made")
            .why("other drivers, and options of the local one, mount what is not yours")
            .todo("leave driver and driver options out")
            .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Ask, Facts};
    use crate::who::{Role, Who, Words};

    /// Mounts a path that leads where it says, with `/scratch/alice` a link of hers to bob.
    fn mounts(path: &str, leads_to: &str, read_only: bool) -> Result<String, Stop> {
        let who = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
        let mut facts = Facts::default();
        facts.add(Ask::Path(path.into()), Answer::Path(leads_to.into()));
        for (path, real) in [
            ("/home", "/home"),
            ("/scratch", "/mnt/fast"),
            ("/data", "/mnt/data"),
            ("/run/user", "/run/user"),
            ("/scratch/alice", "/home/bob"),
        ] {
            facts.add(Ask::Path(path.into()), Answer::Path(real.into()));
        }
        let case = Case { who: &who, words: &Words::default(), facts: &facts };
        bind_source(&case, path, read_only)
    }

    #[test]
    fn what_lies_below_a_root_passes_on_its_real_path() {
        for (path, real, read_only) in [
            ("/home/alice/p", "/home/alice/p", false),
            ("/home/alice/link", "/mnt/fast/alice/x", false),
            ("/data/set", "/mnt/data/set", true),
            ("/run/user/1001/x", "/run/user/1001/x", false),
        ] {
            assert_eq!(mounts(path, real, read_only).unwrap(), real, "{path}");
        }
        assert_eq!(mounts("/var/run/docker.sock", "/x", false).unwrap(), "/var/run/docker.sock");
    }

    #[test]
    fn what_leads_elsewhere_does_not() {
        for (path, real) in [
            ("/scratch/alice", "/home/bob"),
            ("/home/alice/link", "/home/bob"),
            ("/home/alice/link", "/home/alicex"),
            ("/home/alice/etc", "/etc"),
            ("/data/set", "/mnt/data/set"),
            ("/run/user/1001/x", "/run/user/1002/x"),
            ("/home", "/home"),
            ("/run", "/run"),
        ] {
            assert!(matches!(mounts(path, real, false), Err(Stop::Deny(_))), "{path} -> {real}");
        }
        for path in [
            "/",
            "//",
            "/home/alice/../bob",
            "/home/alice/./x",
            "/home//alice",
            "/home/alice/a\u{1}",
        ] {
            assert!(matches!(mounts(path, "/home/alice", false), Err(Stop::Deny(_))), "{path}");
        }
    }
}
