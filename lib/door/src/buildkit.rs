//! BuildKit's own API, which buildx and compose speak behind `POST /grpc`: which calls
//! there are, what each may ask for, and what is sent on.

mod llb;
mod meant;
pub mod messages;
mod solve;

use crate::ask::Case;
use crate::facts::{Facts, Stop};
use crate::proto::{self, Message, Parsed};
use crate::who::{UnknownFields, Who, Words};
use crate::{Denial, decide};

/// A call that the door knows.
#[derive(Debug)]
pub struct Call {
    pub path: &'static str,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    /// One message, which is only read and written again.
    Plain(&'static Message),
    /// One message about the build that its `Ref` names.
    OfBuild(&'static Message),
    /// The same about one's record of a build that is over.
    OfRecord(&'static Message),
    /// One message within the build that the call's metadata names.
    Within(&'static Message, fn(&Case, &mut Parsed, &mut Ids) -> Result<(), Stop>),
    Solve,
    /// Bytes in both directions: a session, whose id stands in the metadata.
    Session,
    /// Asked by every build out of interest, and answered as by an engine that lacks it.
    Unwanted,
    /// Not for ordinary users; why.
    Closed(&'static str, &'static str),
}

const fn call(path: &'static str, rule: Rule) -> Call {
    Call { path, rule }
}

macro_rules! control {
    ($name:literal) => {
        concat!("/moby.buildkit.v1.Control/", $name)
    };
}
macro_rules! bridge {
    ($name:literal) => {
        concat!("/moby.buildkit.v1.frontend.LLBBridge/", $name)
    };
}

const SHARED: &str = "it is about the build cache that all share";
const INSIDE: &str = "a process in a build's container is not held to the limits of a build";

static CALLS: &[Call] = &[
    call(control!("Solve"), Rule::Solve),
    call(control!("Status"), Rule::OfBuild(&messages::STATUS)),
    call(control!("Session"), Rule::Session),
    call(control!("ListWorkers"), Rule::Plain(&messages::LIST_WORKERS)),
    call(control!("Info"), Rule::Plain(&messages::NOTHING)),
    call(control!("ListenBuildHistory"), Rule::OfRecord(&messages::LISTEN_HISTORY)),
    call(control!("UpdateBuildHistory"), Rule::OfRecord(&messages::UPDATE_HISTORY)),
    call(control!("DiskUsage"), Rule::Closed("the list of the build cache", SHARED)),
    call(control!("Prune"), Rule::Closed("pruning the build cache", SHARED)),
    call(bridge!("Solve"), Rule::Within(&messages::BRIDGE_SOLVE, solve::within)),
    call(bridge!("ResolveImageConfig"), Rule::Within(&messages::RESOLVE_IMAGE, solve::image)),
    call(bridge!("ResolveSourceMeta"), Rule::Within(&messages::RESOLVE_SOURCE, solve::source)),
    call(bridge!("ReadFile"), Rule::Within(&messages::READ_FILE, anything)),
    call(bridge!("ReadDir"), Rule::Within(&messages::READ_DIR, anything)),
    call(bridge!("StatFile"), Rule::Within(&messages::STAT_FILE, anything)),
    call(bridge!("Evaluate"), Rule::Within(&messages::EVALUATE, anything)),
    call(bridge!("Ping"), Rule::Within(&messages::NOTHING, anything)),
    call(bridge!("Inputs"), Rule::Within(&messages::NOTHING, anything)),
    call(bridge!("Warn"), Rule::Within(&messages::WARN, anything)),
    call(bridge!("Return"), Rule::Within(&messages::RETURN, solve::returned)),
    call(bridge!("NewContainer"), Rule::Closed("a container within a build", INSIDE)),
    call(bridge!("ExecProcess"), Rule::Closed("a container within a build", INSIDE)),
    call("/opentelemetry.proto.collector.trace.v1.TraceService/Export", Rule::Unwanted),
    call("/grpc.health.v1.Health/Check", Rule::Plain(&messages::HEALTH)),
];

/// The call of a path.
pub fn find(path: &str) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.path == path)
}

/// What a call names that must be the caller's own: whoever names an id first has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    pub sessions: Vec<String>,
    pub builds: Vec<String>,
    /// Builds that must be known as the caller's already.
    pub records: Vec<String>,
}

impl Ids {
    fn session(&mut self, id: &str) {
        if !id.is_empty() {
            self.sessions.push(id.to_owned());
        }
    }
}

/// What of a call's metadata is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metadata<'a> {
    /// `buildkit-controlapi-buildid`
    pub build: Option<&'a str>,
    /// `x-docker-expose-session-uuid`
    pub session: Option<&'a str>,
}

/// What becomes of a call before its message is there.
#[derive(Debug)]
pub enum Begun {
    /// Its one message is read, then judged by [`judge`].
    Message,
    /// Its bytes pass as they come, in both directions.
    Stream(Ids),
}

/// Looks at a call by its path and its metadata.
pub fn begin(path: &str, metadata: Metadata<'_>) -> Result<(&'static Call, Begun), Denial> {
    let Some(call) = find(path) else {
        return Err(Denial::forbidden(
            "build.unknown_call",
            format!("{path} is not known to the Docker door"),
        )
        .why("what cannot be judged is not passed on")
        .todo("ask an admin if your work needs it"));
    };
    match call.rule {
        Rule::Closed(what, why) => {
            Err(Denial::forbidden("build.closed", format!("{what} is for admins"))
                .why(why)
                .todo("ask an admin"))
        }
        Rule::Unwanted => Err(unwanted()),
        Rule::Session => {
            let mut ids = Ids::default();
            ids.session(metadata.session.unwrap_or_default());
            if ids.sessions.is_empty() {
                return Err(Denial::malformed("build.session", "the session has no id"));
            }
            Ok((call, Begun::Stream(ids)))
        }
        _ => Ok((call, Begun::Message)),
    }
}

/// Judges a call's message; gives what is sent on, and the ids that must be the caller's.
pub fn judge(
    call: &Call,
    metadata: Metadata<'_>,
    bytes: &[u8],
    who: &Who,
    words: &Words,
    facts: &Facts,
) -> Result<(Vec<u8>, Ids), Stop> {
    let case = Case { who, words, facts };
    let mut ids = Ids::default();
    let read = |schema| proto::parse(bytes, schema, words.unknown_fields);
    let message = match call.rule {
        Rule::Plain(schema) => read(schema)?,
        Rule::OfBuild(schema) => {
            let message = read(schema)?;
            ids.builds.push(named(message.text("Ref"))?);
            message
        }
        Rule::OfRecord(schema) => {
            let message = read(schema)?;
            if message.text("Ref") == NO_RECORD {
                return Err(unwanted().into());
            }
            ids.records.push(named(message.text("Ref"))?);
            message
        }
        Rule::Within(schema, rule) => {
            let mut message = read(schema)?;
            ids.builds.push(named(metadata.build.unwrap_or_default())?);
            rule(&case, &mut message, &mut ids)?;
            message
        }
        Rule::Solve => {
            let mut message = read(&messages::SOLVE)?;
            ids.builds.push(named(message.text("Ref"))?);
            solve::solve(&case, &mut message, &mut ids)?;
            message
        }
        Rule::Session | Rule::Unwanted | Rule::Closed(..) => {
            return Err(decide::closed("this call"));
        }
    };
    Ok((proto::write(&message), ids))
}

/// What an admin's call names, as far as it can be read: it passes as it came, but a
/// session or a build of an admin's is nobody else's either.
pub fn named_by(call: Option<&Call>, metadata: Metadata<'_>, bytes: &[u8]) -> Ids {
    let mut ids = Ids::default();
    ids.session(metadata.session.unwrap_or_default());
    ids.builds.extend(metadata.build.filter(|build| !build.is_empty()).map(str::to_owned));
    let schema = match call.map(|call| &call.rule) {
        Some(Rule::Solve) => &messages::SOLVE,
        Some(Rule::OfBuild(schema)) => schema,
        _ => return ids,
    };
    if let Ok(message) = proto::parse(bytes, schema, UnknownFields::Pass) {
        ids.session(message.text("Session"));
        ids.builds.extend(named(message.text("Ref")).ok());
    }
    ids
}

/// What buildx asks for before each build, to see whether records of builds are kept. It
/// would then read them from the store of all content.
const NO_RECORD: &str = "buildx-test-history-api-feature";

/// Whether a refusal is of what every build asks for: nobody's fault, so not written down.
pub fn is_unwanted(denial: &Denial) -> bool {
    denial.code == UNWANTED
}

const UNWANTED: &str = "build.unwanted";

fn unwanted() -> Denial {
    Denial::new(501, UNWANTED, "the Docker door does not pass this on")
}

fn anything(_: &Case, _: &mut Parsed, _: &mut Ids) -> Result<(), Stop> {
    Ok(())
}

/// An id that is there.
fn named(id: &str) -> Result<String, Denial> {
    if id.is_empty() {
        return Err(Denial::forbidden("build.no_ref", "the call names no build of yours")
            .why("the list of all builds shows what others build")
            .todo("name the build; its id is in your client's output"));
    }
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests;
