//! The steps of a build that a client writes itself, instead of having a Dockerfile read.
//! Their bytes are what their digests are of, so they pass as they are or not at all.

use crate::Denial;
use crate::ask::Case;
use crate::buildkit::{messages, solve};
use crate::facts::Stop;
use crate::proto::{self, Parsed};
use crate::who::UnknownFields;

/// Builds within builds within builds.
const DEEPEST: u32 = 4;

/// Refuses steps that run outside of the user's slice or with more rights than a build has.
pub fn judge(case: &Case, definition: &Parsed, slice: &str, space: &str) -> Result<(), Stop> {
    steps(case, definition, slice, space, 0)
}

fn steps(
    case: &Case,
    definition: &Parsed,
    slice: &str,
    space: &str,
    depth: u32,
) -> Result<(), Stop> {
    if depth > DEEPEST {
        return Err(Denial::malformed("grpc.message", "builds lie too deep in one another").into());
    }
    for bytes in definition.bytes("def") {
        let step = proto::parse(bytes, &messages::OP, UnknownFields::Pass)?;
        for exec in step.messages("exec") {
            run(case, exec, slice, space)?;
        }
        for one in step.messages("source") {
            source(case, one)?;
        }
        for build in step.messages("build") {
            for inner in build.messages("def") {
                steps(case, inner, slice, space, depth + 1)?;
            }
        }
    }
    for info in definition.messages("Source").flat_map(|source| source.messages("infos")) {
        for inner in info.messages("definition") {
            steps(case, inner, slice, space, depth + 1)?;
        }
    }
    Ok(())
}

/// The modes of a network that a step may have: the build's own, the host's, none.
const HOST: u64 = 1;
const NONE: u64 = 2;

fn run(case: &Case, exec: &Parsed, slice: &str, space: &str) -> Result<(), Stop> {
    let network = exec.number("network");
    if network > NONE || (network == HOST && !case.words.host_network) {
        return Err(solve::refused("build.network", "network", "a step has the build's or none"));
    }
    if exec.number("security") != 0 || exec.has("cdiDevices") {
        return Err(solve::refused(
            "build.entitlement",
            "security",
            "it would run with rights that no container of yours has",
        ));
    }
    // What an older frontend has written names none.
    let parents = exec.messages("meta").flat_map(|meta| meta.texts("cgroupParent"));
    if parents.into_iter().any(|parent| !parent.is_empty() && parent != slice) {
        return Err(solve::refused("build.slice", "cgroup-parent", "a build runs in your slice"));
    }
    let caches = exec.messages("mounts").flat_map(|mount| mount.messages("cacheOpt"));
    for cache in caches {
        let own = cache.text("ID").strip_prefix(space).is_some_and(|rest| rest.starts_with('/'));
        if !own {
            return Err(solve::refused(
                "build.cache",
                "id of a cache mount",
                &format!("yours begin with {space}/"),
            ));
        }
    }
    Ok(())
}

/// A source of files: whatever a Dockerfile could name too, but no image of another's.
pub fn source(case: &Case, source: &Parsed) -> Result<(), Stop> {
    match source.text("identifier").strip_prefix("docker-image://") {
        Some(name) => solve::readable(case, name),
        None => Ok(()),
    }
}
