//! Answers to what a decision asks: from the index where that is enough, from the daemon
//! where it is not.

use std::sync::Arc;

use ds01_door::{Answer, Ask, Denial, Owner, REPLACES, USER_LABEL, Who, Wish, missing, owner_of};
use ds01_owner::Clues;
use serde_json::Value;

use crate::daemon::{Answered, Daemon};
use crate::door::Door;
use crate::host::{follow, routes};

/// On whatever the door has created, an admin's too.
const CREATED: &str = "ds01.created_at";

/// Answers one question.
pub async fn answer(
    door: &Door,
    daemon: &mut Daemon,
    who: &Who,
    ask: &Ask,
) -> Result<Answer, Denial> {
    match ask {
        Ask::Container(name) => container(door, daemon, name).await,
        Ask::Exec(id) => exec(door, daemon, id).await,
        Ask::Volume(name) => volume(door, daemon, name).await,
        Ask::Network(name) => network(door, daemon, name).await,
        Ask::Image(name) | Ask::OwnImage(name) => image(door, daemon, name).await,
        Ask::Images => images(door, daemon).await,
        Ask::Subnets => subnets(door, daemon).await,
        Ask::Path(path) => Ok(Answer::Path(follow(path, who).await?)),
        Ask::BindsOf(id) => binds_of(door, daemon, id).await,
        Ask::GpusOf(id) => gpus_of(door, daemon, who, id).await,
        Ask::Limits => limits(door, who).await,
        Ask::Grant(wish) => grant(door, daemon, who, wish).await,
    }
}

/// A segment of a path of ours.
fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

fn document(answered: Answered) -> Result<Option<Value>, Denial> {
    match answered.status {
        200 => serde_json::from_slice(&answered.body).map(Some).map_err(|_| unreadable()),
        404 => Ok(None),
        // An ambiguous prefix is 400 or 500 with words that the client should see.
        status @ (400 | 409 | 500) => {
            let said: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            let message = said["message"].as_str().unwrap_or("the daemon gave no reason");
            Err(Denial::new(status, "daemon.refused", message))
        }
        _ => Err(unreadable()),
    }
}

fn unreadable() -> Denial {
    Denial::new(502, "daemon.answer", "the Docker daemon's answer cannot be read")
        .todo("try again; an admin may look at the daemon's log")
}

/// Whether this is a full id, which names one container for ever.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whose a volume or a network is: only its labels tell.
fn by_labels(labels: &Value) -> Owner {
    owner_of(|key| labels[key].as_str(), |_| None)
}

/// Whose a container is that a list shows.
pub async fn by_item(door: &Door, item: &Value) -> Owner {
    let name = item["Names"][0].as_str().unwrap_or_default();
    by_clues(door, &item["Labels"], name, &item["Mounts"]).await
}

/// Whose a container is. Where its labels do not name the owner the files on the host are
/// looked at, on a thread of its own.
async fn by_clues(door: &Door, labels: &Value, name: &str, mounts: &Value) -> Owner {
    if let Owner::User(user) = by_labels(labels) {
        return Owner::User(user);
    }
    let mounts = mounts.as_array().map(Vec::as_slice).unwrap_or_default();
    let binds = mounts.iter().filter(|mount| mount["Type"] == "bind");
    let binds: Vec<String> =
        binds.filter_map(|mount| mount["Source"].as_str().map(str::to_owned)).collect();
    let (labels, name) = (labels.clone(), name.to_owned());
    let directory = Arc::clone(&door.directory);
    let found = tokio::task::spawn_blocking(move || {
        let label = |key: &str| labels[key].as_str();
        ds01_owner::find(&Clues { label: &label, name: &name, binds: &binds }, &*directory)
    });
    found.await.ok().flatten().map_or(Owner::Nobody, |(user, _)| Owner::User(user))
}

/// The full id and the owner of a container, from the daemon unless the id is known.
pub async fn owner_of_container(
    door: &Door,
    daemon: &mut Daemon,
    name: &str,
) -> Result<Option<(String, Owner)>, Denial> {
    if is_id(name)
        && let Some(owner) = door.known(name)
    {
        return Ok(Some((name.to_owned(), owner)));
    }
    let path = format!("/containers/{}/json", segment(name));
    let Some(found) = document(daemon.get(&door.upstream, &path).await?)? else { return Ok(None) };
    let id = found["Id"].as_str().filter(|id| is_id(id)).ok_or_else(unreadable)?.to_owned();
    let name = found["Name"].as_str().unwrap_or_default();
    let owner = by_clues(door, &found["Config"]["Labels"], name, &found["Mounts"]).await;
    door.learn(&id, &owner);
    Ok(Some((id, owner)))
}

async fn container(door: &Door, daemon: &mut Daemon, name: &str) -> Result<Answer, Denial> {
    Ok(match owner_of_container(door, daemon, name).await? {
        Some((id, owner)) => Answer::Container { id, owner },
        None => Answer::Missing(missing(&format!("No such container: {name}"))),
    })
}

async fn exec(door: &Door, daemon: &mut Daemon, id: &str) -> Result<Answer, Denial> {
    if let Some(owner) = door.known_exec(id) {
        return Ok(Answer::Exec { owner });
    }
    let path = format!("/exec/{}/json", segment(id));
    let Some(found) = document(daemon.get(&door.upstream, &path).await?)? else {
        return Ok(Answer::Missing(missing(&format!("No such exec instance: {id}"))));
    };
    let container = found["ContainerID"].as_str().ok_or_else(unreadable)?.to_owned();
    match owner_of_container(door, daemon, &container).await? {
        Some((_, owner)) => {
            door.learn_exec(id, &owner);
            Ok(Answer::Exec { owner })
        }
        None => Ok(Answer::Missing(missing(&format!("No such exec instance: {id}")))),
    }
}

async fn volume(door: &Door, daemon: &mut Daemon, name: &str) -> Result<Answer, Denial> {
    let answered = daemon.get(&door.upstream, &format!("/volumes/{}", segment(name))).await?;
    let words = answered.body.clone();
    let Some(found) = document(answered)? else { return Ok(Answer::Missing(words)) };
    let owner = by_labels(&found["Labels"]);
    let mut users = Vec::new();
    if owner == Owner::Nobody {
        let filter = serde_json::json!({"volume": {name: true}}).to_string();
        let path = format!("/containers/json?all=1&filters={}", segment(&filter));
        let list = document(daemon.get(&door.upstream, &path).await?)?.unwrap_or_default();
        for item in list.as_array().map(Vec::as_slice).unwrap_or_default() {
            users.push(by_item(door, item).await);
        }
    }
    Ok(Answer::Volume { owner, users })
}

async fn network(door: &Door, daemon: &mut Daemon, name: &str) -> Result<Answer, Denial> {
    let answered = daemon.get(&door.upstream, &format!("/networks/{}", segment(name))).await?;
    let words = answered.body.clone();
    let Some(found) = document(answered)? else { return Ok(Answer::Missing(words)) };
    let text = |key: &str| found[key].as_str().map(str::to_owned).ok_or_else(unreadable);
    Ok(Answer::Network { id: text("Id")?, name: text("Name")?, owner: by_labels(&found["Labels"]) })
}

async fn image(door: &Door, daemon: &mut Daemon, name: &str) -> Result<Answer, Denial> {
    let parts: Vec<String> = name.split('/').map(segment).collect();
    let path = format!("/images/{}/json", parts.join("/"));
    let answered = daemon.get(&door.upstream, &path).await?;
    let words = answered.body.clone();
    let Some(found) = document(answered)? else { return Ok(Answer::Missing(words)) };
    let texts = |list: &Value| {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let labels = found["Config"]["Labels"].as_object();
    Ok(Answer::Image {
        id: found["Id"].as_str().ok_or_else(unreadable)?.to_owned(),
        tags: texts(&found["RepoTags"]),
        labels: labels
            .map(|all| {
                all.iter()
                    .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().into()))
                    .collect()
            })
            .unwrap_or_default(),
    })
}

async fn subnets(door: &Door, daemon: &mut Daemon) -> Result<Answer, Denial> {
    let info = document(daemon.get(&door.upstream, "/info").await?)?.unwrap_or_default();
    let pools = info["DefaultAddressPools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pools = pools.iter().filter_map(|pool| pool["Base"].as_str().map(str::to_owned)).collect();
    let table = std::fs::read_to_string("/proc/net/route").map_err(|error| {
        Denial::new(500, "door.facts", "the host's routes cannot be read").why(error.to_string())
    })?;
    Ok(Answer::Subnets { pools, routes: routes(&table) })
}

async fn images(door: &Door, daemon: &mut Daemon) -> Result<Answer, Denial> {
    let list = document(daemon.get(&door.upstream, "/images/json").await?)?.unwrap_or_default();
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let tags = all.iter().filter_map(|image| image["RepoTags"].as_array()).flatten();
    Ok(Answer::Names(tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()))
}

async fn binds_of(door: &Door, daemon: &mut Daemon, id: &str) -> Result<Answer, Denial> {
    let path = format!("/containers/{}/json", segment(id));
    let found = document(daemon.get(&door.upstream, &path).await?)?.unwrap_or_default();
    // What was made past the door, or by an admin, has paths that nobody resolved.
    let labels = &found["Config"]["Labels"];
    let ours = labels[CREATED].is_string() && labels["ds01.slice"].is_string();
    let mounts = found["Mounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let paths = mounts.iter().filter(|mount| ours && mount["Type"] == "bind");
    Ok(Answer::Paths(paths.filter_map(|m| m["Source"].as_str().map(str::to_owned)).collect()))
}

fn unanswered(why: &str) -> Denial {
    Denial::new(500, "door.facts", "admission did not answer").why(why)
}

/// Whether a container may run again: its slice is there with its limits, and it may have
/// its devices back, which the ledger may have given away while it was stopped.
async fn gpus_of(door: &Door, daemon: &mut Daemon, who: &Who, id: &str) -> Result<Answer, Denial> {
    let path = format!("/containers/{}/json", segment(id));
    let found = document(daemon.get(&door.upstream, &path).await?)?.unwrap_or_default();
    let labels = &found["Config"]["Labels"];
    // Its owner's slice and lease, also when somebody else may start it.
    let owner = labels[USER_LABEL].as_str().unwrap_or(&who.user).to_owned();
    if labels["ds01.slice"].is_string() && door.leases {
        let config = door.config().ok_or_else(no_config)?;
        let parent = found["HostConfig"]["CgroupParent"].as_str().unwrap_or_default().to_owned();
        let (site, owner) = (door.site.clone(), owner.clone());
        let ready = tokio::task::spawn_blocking(move || {
            ds01_admission::start(&site, &config, &owner, &parent)
        });
        if let Err(denial) = ready.await.map_err(|error| unanswered(&error.to_string()))? {
            return Ok(Answer::Refused(denial));
        }
    }
    // What was made to take another's place was made beyond the limit, if need be.
    if labels[REPLACES].is_string() && labels["ds01.slice"].is_string() {
        let config = door.config().ok_or_else(no_config)?;
        let list = containers_of(door, daemon, &owner).await?;
        let others = list.iter().filter(|item| item["Id"] != id);
        let others = ds01_admission::Standing {
            containers: others.map(name_in_list).collect(),
            replaces: None,
        };
        if let Err(denial) = ds01_admission::room(&config, &owner, &others, door.site.now()) {
            return Ok(Answer::Refused(denial));
        }
    }
    // Only what the door gave: the label is ours to set, and on our containers alone.
    let given = labels["ds01.gpu.uuids"].as_str().filter(|_| labels[CREATED].is_string());
    let Some(given) = given.filter(|given| !given.is_empty() && door.leases) else {
        return Ok(Answer::Paths(Vec::new()));
    };
    let uuids: Vec<String> = given.split(',').map(str::to_owned).collect();
    let name = found["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
    let (site, id) = (door.site.clone(), id.to_owned());
    let who = Who { user: owner, ..who.clone() };
    let again = tokio::task::spawn_blocking(move || {
        ds01_admission::gpu::again(&site, &who, &name, &id, &uuids)
    });
    match again.await {
        Ok(Ok(())) => Ok(Answer::Paths(Vec::new())),
        Ok(Err(denial)) => Ok(Answer::Refused(denial)),
        Err(error) => Err(unanswered(&error.to_string())),
    }
}

fn no_config() -> Denial {
    Denial::new(503, "config.unreadable", "the lab's limits cannot be read")
        .why("without limits nothing is granted")
        .todo("tell an admin: `limits-check` names the line")
}

/// For a build, which runs in the person's slice, or an update.
async fn limits(door: &Door, who: &Who) -> Result<Answer, Denial> {
    let config = door.config().ok_or_else(no_config)?;
    let limits = ds01_admission::limits(&config, &who.user, door.site.now());
    if door.leases {
        let (site, user) = (door.site.clone(), who.user.clone());
        let made = move || ds01_admission::slice_ready(&site, &config, &user);
        tokio::task::spawn_blocking(made).await.map_err(|_| unreadable())??;
    }
    Ok(Answer::Granted(limits))
}

/// What somebody has, running or not.
async fn containers_of(door: &Door, daemon: &mut Daemon, user: &str) -> Result<Vec<Value>, Denial> {
    let label = format!("{USER_LABEL}={user}");
    let filter = serde_json::json!({"label": {label: true}}).to_string();
    let path = format!("/containers/json?all=1&filters={}", segment(&filter));
    let list = document(daemon.get(&door.upstream, &path).await?)?.ok_or_else(unreadable)?;
    let Value::Array(list) = list else { return Err(unreadable()) };
    Ok(list)
}

fn name_in_list(item: &Value) -> String {
    item["Names"][0].as_str().unwrap_or_default().trim_start_matches('/').to_owned()
}

/// Counts what the person has and asks admission. The caller holds the person's turn.
async fn grant(door: &Door, daemon: &mut Daemon, who: &Who, wish: &Wish) -> Result<Answer, Denial> {
    // A change takes effect at the next create.
    door.reload_if_changed();
    let config = door.config().ok_or_else(no_config)?;
    let list = containers_of(door, daemon, &who.user).await?;
    let name = name_in_list;
    // Whose it is, the list says: it holds this person's own.
    let replaced = |item: &&Value| {
        wish.replaces.as_deref().is_some_and(|old| item["Id"] == old || name(item) == old)
    };
    let standing = ds01_admission::Standing {
        containers: list.iter().map(name).collect(),
        replaces: list.iter().find(replaced).map(name),
    };
    // The ledger waits for its lock and the disk, so it is asked on a thread of its own.
    let (site, who, wish) = (door.site.clone(), who.clone(), wish.clone());
    let leases = door.leases;
    let granted = tokio::task::spawn_blocking(move || {
        if leases {
            ds01_admission::admit(&site, &config, &who, &wish, &standing)
        } else {
            ds01_admission::grant(&config, &who, &wish, &standing, site.now())
        }
    });
    let granted = granted.await.map_err(|error| unanswered(&error.to_string()))?;
    Ok(match granted {
        Ok(grant) => Answer::Granted(grant),
        Err(denial) => Answer::Refused(denial),
    })
}
