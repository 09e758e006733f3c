//! The steps of a build that a client writes itself, instead of having a Dockerfile read.
//! Their bytes are what their digests are of, so they pass as they are or not at all.

use crate::Denial;
use crate::ask::Case;
use crate::buildkit::{Ids, messages, solve};
use crate::facts::Stop;
use crate::proto::{self, Parsed};
use crate::who::UnknownFields;

/// Builds within builds within builds.
const DEEPEST: u32 = 4;

/// What steps are judged by.
pub struct Steps<'a> {
    pub case: &'a Case<'a>,
    pub slice: &'a str,
    pub space: &'a str,
    /// Sessions that a step would read from.
    pub ids: &'a mut Ids,
}

impl Steps<'_> {
    /// Refuses steps that run outside of the user's slice or with more rights than a build
    /// has.
    pub fn judge(&mut self, definition: &Parsed) -> Result<(), Stop> {
        self.all(definition, 0)
    }

    fn all(&mut self, definition: &Parsed, depth: u32) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(
                Denial::malformed("grpc.message", "builds lie too deep in one another").into()
            );
        }
        for bytes in definition.bytes("def") {
            let step = proto::parse(bytes, &messages::OP, UnknownFields::Pass)?;
            for exec in step.messages("exec") {
                run(self.case, exec, self.slice, self.space)?;
            }
            for one in step.messages("source") {
                source(self.case, one, self.ids)?;
            }
            for inner in step.messages("build").flat_map(|build| build.messages("def")) {
                self.all(inner, depth + 1)?;
            }
        }
        for info in definition.messages("Source").flat_map(|source| source.messages("infos")) {
            for inner in info.messages("definition") {
                self.all(inner, depth + 1)?;
            }
        }
        Ok(())
    }
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

/// A source of files: whatever a Dockerfile could name too, but no image of another's, and
/// nothing from another's session.
pub fn source(case: &Case, source: &Parsed, ids: &mut Ids) -> Result<(), Stop> {
    let attrs = source.map("attrs");
    let sessions = attrs.iter().filter(|(key, _)| key.ends_with(".session"));
    sessions.for_each(|(_, id)| ids.session(id));
    match source.text("identifier").strip_prefix("docker-image://") {
        Some(name) => solve::readable(case, name),
        None => Ok(()),
    }
}
