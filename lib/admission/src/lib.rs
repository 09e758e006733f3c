//! Admission: what a new container of a person gets, and which limits stand in the way.
//!
//! Here the config's limits become what the Docker door sets ([`Grant`]): slice, CPU,
//! memory, processes, shared memory, and the GPUs that the ledger leases ([`gpu`]). The
//! door and the `admit` command call the same functions; nothing here talks to Docker.

pub mod gpu;
mod slice;

use ds01_config::{Config, Limits};
use ds01_door::{Denial, Grant, Role, Root, UnknownFields, Unowned, Wanted, Who, Wish, Words};
use ds01_names::SliceName;
use ds01_site::Site;
use ds01_units::{Limit, Span, Stamp};
use serde_json::json;

/// What the person has already.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The names of their containers, running or not.
    pub containers: Vec<String>,
    /// The one of them that the new one takes the place of.
    pub replaces: Option<String>,
}

/// The policy words for a person.
pub fn words(config: &Config, user: &str, now: Stamp) -> Words {
    let limits = config.resolve(user, now);
    let said = config.door(user);
    let usual = Words::default();
    Words {
        host_network: said.host_network.unwrap_or(usual.host_network),
        host_ipc: limits.ipc_host,
        seccomp_unconfined: said.seccomp_unconfined.unwrap_or(usual.seccomp_unconfined),
        bind_roots: said
            .bind_roots
            .map_or(usual.bind_roots, |roots| roots.iter().map(|root| self::root(root)).collect()),
        capabilities: said.capabilities.map_or(usual.capabilities, |all| {
            let bare =
                |cap: &String| cap.to_ascii_uppercase().trim_start_matches("CAP_").to_owned();
            all.iter().map(bare).collect()
        }),
        image_names: said.image_names.unwrap_or(usual.image_names),
        private_volumes: said.private_volumes.unwrap_or(usual.private_volumes),
        unowned: match config.access().unowned {
            ds01_config::Unowned::Open => Unowned::Open,
            ds01_config::Unowned::Visible => Unowned::Visible,
            ds01_config::Unowned::Admin => Unowned::Admin,
        },
        unknown_fields: match said.unknown_fields.as_deref() {
            Some("pass") => UnknownFields::Pass,
            Some("strip") => UnknownFields::Strip,
            _ => UnknownFields::Deny,
        },
    }
}

/// `/data:ro` is a root for reading.
fn root(text: &str) -> Root {
    let read_only = text.strip_suffix(":ro");
    Root { path: read_only.unwrap_or(text).to_owned(), read_only: read_only.is_some() }
}

/// What holds where there is no readable config: nothing of nobody's, nothing unknown.
pub fn no_words() -> Words {
    Words {
        seccomp_unconfined: false,
        bind_roots: Vec::new(),
        unowned: Unowned::Admin,
        unknown_fields: UnknownFields::Deny,
        ..Words::default()
    }
}

/// The limits of one container of `user`, without any device.
pub fn limits(config: &Config, user: &str, now: Stamp) -> Grant {
    of(&config.resolve(user, now))
}

fn of(limits: &Limits) -> Grant {
    Grant {
        cgroup_parent: SliceName::user(&limits.group, &limits.user).as_str().to_owned(),
        cpus: limits.max_cpus,
        memory: limits.memory,
        memory_swap: limits.memory_swap,
        pids: limits.pids_limit,
        shm: limits.shm_size.filter(|_| !limits.ipc_host),
        gpus: Vec::new(),
        labels: Vec::new(),
        warnings: Vec::new(),
        name: None,
        lease: None,
    }
}

/// Grants a create, or says every limit in its way. What it leases must be committed or
/// aborted; it ends by itself where that never happens.
pub fn admit(
    site: &Site,
    config: &Config,
    who: &Who,
    wish: &Wish,
    standing: &Standing,
) -> Result<Grant, Denial> {
    let mut grant = match grant(config, who, wish, standing, site.now()) {
        Ok(grant) => grant,
        Err(mut denial) => {
            if wish.gpus != Wanted::None {
                gpu::also(site, who, wish, &mut denial);
            }
            return Err(denial);
        }
    };
    if who.role != Role::Admin {
        slice::ready(site, config, &who.user, None)?;
    }
    if wish.gpus != Wanted::None {
        gpu::lease(site, who, wish, standing.replaces.as_deref(), &mut grant)?;
    }
    Ok(grant)
}

/// Makes sure of the slice that a container of `owner` was created in, before it starts
/// again. A slice that is none of ours is not ours to make.
pub fn start(site: &Site, config: &Config, owner: &str, cgroup_parent: &str) -> Result<(), Denial> {
    match SliceName::parse(cgroup_parent) {
        Some(own) => slice::ready(site, config, owner, Some(&own)),
        None => Ok(()),
    }
}

/// Whether there is room for one more beside those that stand there: asked at the start of
/// what took another's place, since it was made beyond the limit.
pub fn room(config: &Config, user: &str, others: &Standing, now: Stamp) -> Result<(), Denial> {
    count(&config.resolve(user, now), others)
}

/// Makes sure of a person's slice before a build runs in it.
pub fn slice_ready(site: &Site, config: &Config, user: &str) -> Result<(), Denial> {
    slice::ready(site, config, user, None)
}

/// An admission without slice and GPU, which changes nothing anywhere.
pub fn grant(
    config: &Config,
    who: &Who,
    wish: &Wish,
    standing: &Standing,
    now: Stamp,
) -> Result<Grant, Denial> {
    let limits = config.resolve(&who.user, now);
    let mut grant = of(&limits);
    // Of an admin's request only the GPUs are replaced: no limit holds, no slice is set.
    if who.role == Role::Admin {
        return Ok(grant);
    }
    count(&limits, standing)?;
    grant.warnings = warnings(&limits, wish, standing);
    Ok(grant)
}

fn count(limits: &Limits, standing: &Standing) -> Result<(), Denial> {
    let have = standing.containers.len() as u64;
    let Limit::Max(most) = limits.max_containers else { return Ok(()) };
    // What takes another's place stands beside it for a moment. It starts only when there
    // is room again, see [`room`].
    if have < most.saturating_add(u64::from(standing.replaces.is_some())) {
        return Ok(());
    }
    let names = standing.containers.join(", ");
    let mut denial = Denial::forbidden(
        "limit.containers",
        format!("{} has {have} of {most} containers", limits.user),
    )
    .why(format!("max_containers is {most}: {}", limits.source("max_containers")))
    .todo(format!("remove one of: {names}"));
    denial.lines.explain = Some(json!({
        "error": "limit_reached",
        "limits": [{"field": "max_containers", "value": most, "used": have, "asked": 1,
            "source": limits.source("max_containers"), "held_by": standing.containers}],
        "would_pass": standing.containers.iter().map(|name| format!("docker rm {name}")).collect::<Vec<_>>(),
    }));
    Err(denial)
}

/// What the user should know, in the create response.
fn warnings(limits: &Limits, wish: &Wish, standing: &Standing) -> Vec<String> {
    let mut said = Vec::new();
    let life = limits.lifecycle(&wish.interface);
    let words = |limit: Limit<Span>| limit.max().map(|span| span.words());
    if let Some(idle) = words(life.idle_timeout) {
        said.push(format!("ds01: stopped when idle for {idle}"));
    }
    if let Some(runtime) = words(life.max_runtime) {
        said.push(format!("ds01: stopped after {runtime}"));
    }
    if limits.max_containers == Limit::Max(standing.containers.len() as u64 + 1) {
        said.push("ds01: this is the last container you may have".into());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resource-limits.yaml");
        let text = "defaults: {max_cpus: 4, memory: 16g, memory_swap: 16g, max_containers_per_user: 2}\n\
                    default_group: students\ngroups:\n  students:\n    members: [alice]\n";
        std::fs::write(&path, text).unwrap();
        let config = Config::read(&path).unwrap();
        (dir, config)
    }

    #[test]
    fn the_words_of_a_group_and_of_one_person_go_before_what_is_usual() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resource-limits.yaml");
        let text = "defaults: {door: {bind_roots: [\"/home/{user}\", \"/data:ro\"]}}\n\
                    default_group: students\ngroups:\n  students:\n    members: [alice]\n    \
                    door: {host_network: true, capabilities: [cap_sys_ptrace], unknown_fields: strip}\n\
                    user_overrides: {alice: {door: {host_network: false, image_names: lab/}}}\n";
        std::fs::write(&path, text).unwrap();
        let config = Config::read(&path).unwrap();
        let now = Stamp::from_secs(0);
        let (alice, bob) = (words(&config, "alice", now), words(&config, "bob", now));
        assert!(!alice.host_network && bob.host_network);
        assert_eq!(alice.image_names, ["lab/"]);
        assert_eq!(bob.capabilities, ["SYS_PTRACE"]);
        assert_eq!(bob.unknown_fields, UnknownFields::Strip);
        assert_eq!(bob.bind_roots[1], Root { path: "/data".into(), read_only: true });
        assert_eq!(bob.private_volumes, ["vscode"]);
        std::fs::write(&path, "defaults: {door: {host_networks: true}}\n").unwrap();
        assert!(Config::read(&path).is_err());
    }

    fn asked(have: usize) -> Result<Grant, Denial> {
        let (_dir, config) = config();
        let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
        let wish = Wish {
            name: None,
            interface: "docker".into(),
            gpus: Wanted::None,
            profile: None,
            owner: None,
            replaces: None,
        };
        let standing =
            Standing { containers: (0..have).map(|n| format!("c{n}")).collect(), replaces: None };
        grant(&config, &alice, &wish, &standing, Stamp::from_secs(0))
    }

    #[test]
    fn a_grant_is_the_slice_and_the_limits() {
        let grant = asked(0).unwrap();
        assert_eq!(grant.cgroup_parent, "ds01-students-alice.slice");
        assert_eq!(grant.cpus, Limit::Max(4.0));
        assert!(grant.gpus.is_empty() && grant.lease.is_none());
    }

    #[test]
    fn the_last_container_is_said_and_the_next_is_refused_with_what_would_help() {
        assert!(asked(1).unwrap().warnings.iter().any(|w| w.contains("last container")));
        let denial = asked(2).unwrap_err();
        assert_eq!(denial.code, "limit.containers");
        assert!(denial.message().contains("c0, c1"), "{}", denial.message());
        assert!(denial.lines.why.contains("resource-limits.yaml:1"), "{}", denial.lines.why);
    }

    #[test]
    fn containers_and_gpus_in_the_way_are_told_at_once() {
        let root = tempfile::tempdir().unwrap();
        let site = Site::at(root.path());
        for dir in [site.etc(), site.run()] {
            std::fs::create_dir_all(dir).unwrap();
        }
        let text = "defaults: {max_containers_per_user: 0, max_mig_instances: 0}\n\
                    default_group: s\ngroups: {s: {members: [alice]}}\n";
        std::fs::write(site.config(), text).unwrap();
        let gpu = json!({"index": 0, "uuid": "GPU-0", "nvlink": [], "mig": {"mode": "off"}, "instances": []});
        let board =
            json!({"read_at": site.now(), "traces": "", "board": {"driver": {}, "gpus": [gpu]}});
        std::fs::write(site.run().join("board.json"), board.to_string()).unwrap();
        let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
        let asked = |gpus| {
            let wish = Wish {
                name: None,
                interface: "docker".into(),
                gpus,
                profile: None,
                owner: None,
                replaces: None,
            };
            let config = Config::load(&site).unwrap();
            admit(&site, &config, &alice, &wish, &Standing::default()).unwrap_err()
        };
        let fields = |denial: &Denial| {
            let all = denial.lines.explain.as_ref().unwrap()["limits"].as_array().unwrap().clone();
            all.iter().map(|hit| hit["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(fields(&asked(Wanted::None)), ["max_containers"]);
        let both = asked(Wanted::Count(1));
        assert_eq!(fields(&both)[..2], ["max_containers", "max_slots"]);
        assert!(both.lines.what.contains("; alice holds"), "{}", both.lines.what);
        assert!(!site.state().join("gpu").exists(), "nothing is leased");
    }
}
