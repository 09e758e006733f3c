//! The view: `container-owners.json`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;

use ds01_config::Config;
use ds01_docker::{Container, Docker, GpuUse};
use ds01_fault::{Code, Context, Fault};
use ds01_owner::Clues;
use ds01_people::{Accounts, Nss};
use ds01_site::Site;
use ds01_units::Stamp;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Index {
    pub containers: BTreeMap<String, Row>,
    pub admins: BTreeSet<String>,
    pub service_users: Vec<&'static str>,
    /// Ids of containers that can use a GPU and are nobody's.
    pub flagged: Vec<String>,
    pub updated_at: Stamp,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub owner: Option<String>,
    pub owner_uid: Option<u32>,
    pub name: String,
    pub ds01_managed: bool,
    pub interface: String,
    pub has_gpu: bool,
    pub created_at: Option<Stamp>,
    pub found_by: Option<&'static str>,
}

/// Containers that were inspected: all but their names stay as they are.
pub type Known = HashMap<String, Container>;

pub fn read(site: &Site, docker: &Docker, known: &mut Known) -> Result<Index, Fault> {
    let listed = docker.list()?;
    known.retain(|id, _| listed.iter().any(|one| one.id == *id));
    let mut containers = BTreeMap::new();
    for one in listed {
        if !known.contains_key(&one.id) {
            let Some(container) = docker.inspect(&one.id)? else { continue };
            known.insert(one.id.clone(), container);
        }
        let Some(container) = known.get_mut(&one.id) else { continue };
        container.name = one.name;
        containers.insert(one.id.chars().take(12).collect(), row(container));
    }
    let flagged = containers
        .iter()
        .filter(|(_, row): &(&String, &Row)| row.has_gpu && row.owner.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    Ok(Index {
        containers,
        admins: admins(site),
        service_users: vec!["ds01-dashboard"],
        flagged,
        updated_at: site.now(),
    })
}

fn row(container: &Container) -> Row {
    let label = |key: &str| container.label(key);
    let clues = Clues { label: &label, name: &container.name, binds: &container.binds };
    let (owner, found_by) = ds01_owner::find(&clues, &Nss).unzip();
    let account = owner.as_deref().and_then(|owner| Nss.by_name(owner).ok()?);
    let interface = container.label("ds01.interface").unwrap_or_else(|| {
        if container.label("com.docker.compose.project").is_some() {
            "compose"
        } else if container.label("devcontainer.local_folder").is_some() {
            "devcontainer"
        } else {
            "docker"
        }
    });
    Row {
        owner,
        owner_uid: account.map(|account| account.uid),
        name: container.name.clone(),
        ds01_managed: container.label("ds01.managed") == Some("true"),
        interface: interface.to_owned(),
        has_gpu: container.gpu_use() != GpuUse::None,
        created_at: container.created,
        found_by,
    }
}

/// A config that cannot be read makes nobody an admin, and hides no container's owner.
fn admins(site: &Site) -> BTreeSet<String> {
    let config = Config::load(site).ok();
    let group = config.as_ref().map_or("ds01-admin", |config| &config.access().admin_group);
    let members = nix::unistd::Group::from_name(group).ok().flatten().map(|group| group.mem);
    let named = config.iter().flat_map(|config| {
        config.users().into_iter().filter(|user| config.is_admin(user)).map(str::to_owned)
    });
    members.into_iter().flatten().chain(named).chain(["root".to_owned()]).collect()
}

pub fn write(site: &Site, index: &Index) -> Result<(), Fault> {
    let path = site.run().join("opa/container-owners.json");
    let cannot = || format!("cannot write {}", path.display());
    let old = site.state().join("opa");
    for dir in [site.run().join("opa"), old.clone()] {
        std::fs::create_dir_all(dir).or_fault(Code::Failed, cannot)?;
    }
    let mut text = serde_json::to_string_pretty(index).or_fault(Code::Failed, cannot)?;
    text.push('\n');
    ds01_site::replace(&path, text.as_bytes(), 0o644, false)?;
    let from = old.join("container-owners.json");
    match std::fs::symlink_metadata(&from) {
        Ok(metadata) if metadata.is_symlink() => return Ok(()),
        // The earlier system's: kept, since no file is thrown away.
        Ok(_) => std::fs::rename(&from, old.join("container-owners.json.earlier"))
            .or_fault(Code::Failed, cannot)?,
        Err(_) => {}
    }
    match symlink("../../../../run/ds01/opa/container-owners.json", &from) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).or_fault(Code::Failed, cannot)
        }
        _ => Ok(()),
    }
}
