//! `dfilter check`: what is open around the door.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use ds01_text::Output;
use nix::sys::statvfs::FsFlags;
use serde_json::{Value, json};

use crate::daemon::Daemon;

pub fn check(site: &Site, upstream: &Path, listen: &Path) -> Result<Output, Fault> {
    let mut findings = vec![real_socket(upstream), door_socket(listen)];
    // The roots of whoever is in no group: those that most people have.
    let words = match ds01_config::Config::load(site) {
        Ok(config) => {
            findings.push(finding("config", true, "the limits are readable"));
            ds01_admission::words(&config, "", site.now())
        }
        Err(fault) => {
            findings.push(finding("config", false, &fault.what));
            ds01_door::Words::default()
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_fault(Code::Failed, || "cannot ask the daemon".to_owned())?;
    let engine = runtime.block_on(async { Daemon::default().get(upstream, "/version").await });
    match engine {
        Ok(answered) => {
            let version: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            let text = |key: &str| version[key].as_str().unwrap_or("unknown").to_owned();
            findings.push(finding(
                "engine",
                true,
                &format!("Docker {}, API {}", text("Version"), text("ApiVersion")),
            ));
        }
        Err(denial) => findings.push(finding("engine", false, &denial.message())),
    }
    let roots = words.bind_roots;
    findings
        .extend(roots.iter().filter(|root| !root.read_only).filter_map(|root| mounted(&root.path)));
    findings.push(devices(&site.root().join("etc/docker/daemon.json")));
    let text: String = findings
        .iter()
        .map(|one| {
            let word = if one["ok"] == true { "ok  " } else { "OPEN" };
            format!(
                "{word} {}: {}\n",
                one["check"].as_str().unwrap_or(""),
                one["message"].as_str().unwrap_or("")
            )
        })
        .collect();
    let bad = findings.iter().any(|one| one["ok"] != true);
    Ok(Output::many(findings).text(text).exit(u8::from(bad)))
}

fn finding(check: &str, ok: bool, message: &str) -> Value {
    json!({"check": check, "ok": ok, "message": message})
}

/// Whoever may write to the daemon's own socket is past the door.
fn real_socket(path: &Path) -> Value {
    let name = path.display();
    match std::fs::metadata(path) {
        Err(error) => finding("real socket", false, &format!("{name}: {error}")),
        Ok(there) if !there.file_type().is_socket() => {
            finding("real socket", false, &format!("{name} is no socket"))
        }
        Ok(there) => {
            let closed = there.uid() == 0 && there.mode() & 0o077 == 0;
            let mode = there.mode() & 0o777;
            let message =
                format!("{name} has mode {mode:o}, owner {}:{}", there.uid(), there.gid());
            if closed {
                finding("real socket", true, &message)
            } else {
                finding(
                    "real socket",
                    false,
                    &format!("{message}: chmod 600 and chown root, or its group is past the door"),
                )
            }
        }
    }
}

fn door_socket(path: &Path) -> Value {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => finding("door", true, &format!("{} answers", path.display())),
        Err(error) => finding("door", false, &format!("{}: {error}", path.display())),
    }
}

/// Root inside a container is root on the host's files: what it leaves in a mounted home
/// with a setuid bit, or as a device, must not work outside.
fn mounted(template: &str) -> Option<Value> {
    let dir = template.split("/{").next().unwrap_or(template);
    // Each person's there is a file system of its own, which systemd mounts so.
    if dir == "/run/user" {
        return None;
    }
    let flags = nix::sys::statvfs::statvfs(dir).ok()?.flags();
    let closed = flags.contains(FsFlags::ST_NOSUID | FsFlags::ST_NODEV);
    let message = if closed {
        format!("{dir} is mounted nosuid,nodev")
    } else {
        format!(
            "{dir} is not mounted nosuid,nodev: a container's root can leave a setuid program or a device there"
        )
    };
    Some(finding("mounted directories", closed, &message))
}

/// A build may ask BuildKit for devices and the host's network unless the daemon forbids.
fn devices(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let config: Value = serde_json::from_str(&text).unwrap_or_default();
    let entitlements = &config["builder"]["Entitlements"];
    let off = |key: &str| entitlements[key] == false;
    let name = path.display();
    if off("network-host") && off("security-insecure") && off("device") {
        finding("build entitlements", true, &format!("off in {name}"))
    } else {
        finding(
            "build entitlements",
            false,
            &format!(
                "{name} does not set builder.Entitlements network-host, security-insecure and device to false"
            ),
        )
    }
}
