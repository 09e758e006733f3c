//! The decision: a request, who asks and what is known, and out comes what is sent to the
//! daemon, or why nothing is. No I/O: a missing fact is asked for by name.

use crate::ask::Case;
use crate::containers::{commit, container, exec};
use crate::create;
use crate::facts::{Ask, Facts, Grant, Stop};
use crate::filters::Filters;
use crate::images::{image, import, prune, pull, save_many};
use crate::json::{self, Value};
use crate::objects::{network, network_create, volume, volume_create};
use crate::own::{pattern, read};
use crate::routes::{Container, Exec, Image, Network, Route};
use crate::schema::{Schema, canonical};
use crate::url::Target;
use crate::who::{Role, UnknownFields, Who, Words};
use crate::{Denial, build, fields, keys, labels};

/// A request, its body aside.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: Target,
    pub route: Option<Route>,
    pub content_type: String,
    pub content_encoding: String,
    pub user_agent: String,
    /// The JSON body, where [`expected`] says that there is one.
    pub body: Option<Value>,
}

/// What a request's body must be.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// None, or one that says nothing.
    Nothing,
    Json(&'static Schema),
    /// Passed through as it comes.
    Stream,
    /// A tar archive that is not compressed.
    Tar,
}

/// A request as it goes to the daemon.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    pub path: String,
    pub body: Body,
    pub answer: Shape,
    /// Volumes to make and label first; the answer must show the label.
    pub volumes: Vec<String>,
    pub grant: Option<Grant>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Empty,
    Json(Vec<u8>),
    Stream,
    Tar,
    /// Judged and rewritten while it passes: [`crate::ImageArchive`].
    Archive,
    /// Files of a classic build, and the own images that its Dockerfile, which is named, may
    /// mean: [`crate::BuildContext`].
    Context {
        dockerfile: String,
        images: Vec<String>,
    },
}

/// What becomes of the daemon's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Plain,
    /// May turn into a raw stream in both directions.
    Hijack,
    /// Turns into calls of BuildKit's, each judged: [`crate::buildkit`].
    Grpc,
    Containers {
        limit: Option<usize>,
    },
    Volumes,
    Networks,
    Network,
    Info,
    DiskUsage,
    Events,
    Created,
    /// The label must be this person's.
    Volume,
    /// An exec in the container of this id.
    Exec {
        container: String,
    },
}

/// What body a route has.
pub fn expected(route: Option<&Route>, role: Role) -> Expected {
    use Route as R;
    let Some(route) = route else { return Expected::Stream };
    if role == Role::Admin && *route != R::ContainerCreate {
        return Expected::Stream;
    }
    match route {
        R::ContainerCreate => Expected::Json(&fields::CREATE),
        R::Container(_, Container::Update) => Expected::Json(&fields::UPDATE),
        R::Container(_, Container::ExecCreate) => Expected::Json(&fields::EXEC_CREATE),
        R::Container(_, Container::ArchivePut) => Expected::Tar,
        R::Exec(_, Exec::Start) => Expected::Json(&fields::EXEC_START),
        R::Commit => Expected::Json(&fields::COMMIT),
        R::VolumeCreate => Expected::Json(&fields::VOLUME_CREATE),
        R::NetworkCreate => Expected::Json(&fields::NETWORK_CREATE),
        R::Network(_, Network::Connect) => Expected::Json(&fields::NETWORK_CONNECT),
        R::Network(_, Network::Disconnect) => Expected::Json(&fields::NETWORK_DISCONNECT),
        R::Auth => Expected::Json(&fields::AUTH),
        R::Build | R::ImageImport => Expected::Stream,
        // Refused whatever they say.
        R::Container(_, Container::Checkpoint) | R::ClusterWrite | R::ImageLoad => Expected::Stream,
        _ => Expected::Nothing,
    }
}

/// Decides. `now` goes into the label of what is made.
pub fn decide(
    request: &Request,
    who: &Who,
    words: &Words,
    facts: &Facts,
    now: &str,
) -> Result<Forward, Stop> {
    let case = Case { who, words, facts };
    let route = request.route.as_ref();
    match (who.role, route) {
        (_, Some(Route::Ping | Route::Version)) => Ok(Draft::of(request).plain()),
        (Role::Admin, _) => as_admin(&case, request, now),
        (Role::Nobody, _) => Err(nameless(who)),
        (_, None) => Err(no_route(request)),
        (Role::Service, Some(route)) => as_service(request, route),
        (Role::Ordinary, Some(route)) => {
            keys::check(route, &request.target.query)?;
            ordinary(&case, request, route, now)
        }
    }
}

fn nameless(who: &Who) -> Stop {
    no_account(who).into()
}

/// What somebody without an account is told.
pub fn no_account(who: &Who) -> Denial {
    Denial::forbidden("who.nobody", format!("the uid {} has no account here", who.uid))
        .why("without a name nothing can be yours")
        .todo("log in with your own account; an admin can check with `getent passwd`")
}

fn no_route(request: &Request) -> Stop {
    Denial::forbidden(
        "route.unknown",
        format!(
            "{} /{} is not known to the Docker door",
            request.method,
            request.target.segments.join("/")
        ),
    )
    .why("what cannot be judged is not passed on")
    .todo("ask an admin if your work needs it")
    .into()
}

pub fn closed(what: &str) -> Stop {
    Denial::forbidden("route.closed", format!("{what} is for admins"))
        .why("it changes what everybody on this machine shares")
        .todo("ask an admin")
        .into()
}

/// A request being made ready to forward.
pub struct Draft {
    pub target: Target,
    pub body: Body,
}

impl Draft {
    pub fn of(request: &Request) -> Self {
        Self { target: request.target.clone(), body: Body::Empty }
    }
    pub fn json(mut self, value: &Value) -> Self {
        self.body = Body::Json(json::write(value));
        self
    }
    pub fn stream(mut self) -> Self {
        self.body = Body::Stream;
        self
    }
    /// Puts the full id in place of the name that stands second in the path.
    pub fn on(mut self, id: &str) -> Self {
        if let Some(segment) = self.target.segments.get_mut(1) {
            id.clone_into(segment);
        }
        self
    }
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.target.query.set(key, value);
        self
    }
    pub fn without(mut self, key: &str) -> Self {
        self.target.query.remove(key);
        self
    }
    pub fn plain(self) -> Forward {
        self.answered(Shape::Plain)
    }
    pub fn answered(self, answer: Shape) -> Forward {
        Forward {
            path: self.target.canonical(),
            body: self.body,
            answer,
            volumes: Vec::new(),
            grant: None,
        }
    }
}

fn hijacks(route: Option<&Route>) -> bool {
    matches!(
        route,
        Some(
            Route::Container(_, Container::Attach | Container::AttachWs)
                | Route::Exec(_, Exec::Start)
                | Route::Session
        )
    )
}

fn as_admin(case: &Case, request: &Request, now: &str) -> Result<Forward, Stop> {
    if request.route == Some(Route::ContainerCreate) {
        return container_create(case, request, now);
    }
    let mut draft = Draft::of(request).stream();
    // Whoever starts it: what it was created with may be another's by now.
    if let Some(Route::Container(name, Container::Start | Container::Restart)) = &request.route {
        let id = case.container(name, true)?;
        case.answer(Ask::GpusOf(id.clone()))?;
        draft = draft.on(&id);
    }
    let shape = match &request.route {
        Some(Route::Grpc) => Shape::Grpc,
        route if hijacks(route.as_ref()) => Shape::Hijack,
        _ => Shape::Plain,
    };
    Ok(draft.answered(shape))
}

fn as_service(request: &Request, route: &Route) -> Result<Forward, Stop> {
    use Container::{ArchiveGet, ArchiveInfo, AttachWs, Export};
    let files = matches!(route, Route::Container(_, ArchiveGet | ArchiveInfo | AttachWs | Export))
        || matches!(route, Route::ImageSaveMany | Route::Image(_, Image::Save));
    if request.method != "GET" || files {
        return Err(Denial::forbidden(
            "who.service",
            "service accounts read lists and figures only",
        )
        .why("a dashboard changes nothing and reads nobody's files")
        .todo("use an account of your own")
        .into());
    }
    Ok(Draft::of(request).plain())
}

/// The body by its schema. `expected` named the same one.
pub fn body(request: &Request, words: &Words, schema: &'static Schema) -> Result<Value, Stop> {
    let value = request.body.clone().unwrap_or(Value::Null);
    Ok(canonical(value, schema, words.unknown_fields)?)
}

fn ordinary(case: &Case, request: &Request, route: &Route, now: &str) -> Result<Forward, Stop> {
    use Route as R;
    let draft = Draft::of(request);
    let query = &request.target.query;
    match route {
        R::Ping | R::Version | R::ImageSearch | R::Distribution(_) | R::ClusterRead => {
            Ok(draft.plain())
        }
        R::Auth => Ok(draft.json(&body(request, case.words, &fields::AUTH)?).plain()),
        R::Info => Ok(draft.answered(Shape::Info)),
        R::DiskUsage => Ok(draft.answered(Shape::DiskUsage)),
        R::Events => {
            let mut filters = filters(request)?;
            beside(case, &mut filters, "image");
            let draft = refiltered(draft, &filters);
            Ok(draft.answered(Shape::Events))
        }
        R::ContainerList => container_list(case, request),
        R::ContainerCreate => container_create(case, request, now),
        R::ContainerPrune | R::VolumePrune | R::NetworkPrune => {
            let mut filters = filters(request)?;
            filters.add("label", format!("{}={}", labels::USER, case.who.user));
            Ok(draft.with("filters", filters.write()).plain())
        }
        R::Container(name, verb) => container(case, request, name, *verb),
        R::Exec(id, verb) => exec(case, request, id, *verb),
        R::Commit => commit(case, request),
        R::ImageList => {
            let mut filters = filters(request)?;
            beside(case, &mut filters, "reference");
            for key in ["since", "before"] {
                for value in filters.values_mut(key) {
                    *value = read(case, value)?;
                }
            }
            let draft = refiltered(draft, &filters);
            Ok(draft.plain())
        }
        R::ImagePull => pull(case, request),
        R::ImageImport => import(case, request),
        R::ImageSaveMany => save_many(case, request),
        R::Image(name, verb) => image(case, request, name, *verb),
        R::Build => {
            let mut draft = draft;
            build::judge(case, &mut draft.target.query)?;
            draft.body = build::context(case, query)?;
            Ok(draft.plain())
        }
        R::Session => Ok(draft.answered(Shape::Hijack)),
        R::Grpc => Ok(draft.answered(Shape::Grpc)),
        // Whose build it is, who passes the request on knows.
        R::BuildCancel => Ok(draft.plain()),
        R::ImageLoad => {
            let mut draft = draft;
            draft.body = Body::Archive;
            Ok(draft.plain())
        }
        R::ImagePrune => prune(case, request),
        R::BuildShared => Err(closed("the build cache")),
        R::ClusterWrite => Err(closed("this part of Docker")),
        R::VolumeList => {
            let draft = refiltered(draft, &filters(request)?);
            Ok(draft.answered(Shape::Volumes))
        }
        R::VolumeCreate => volume_create(case, request),
        R::VolumeInspect(name) => volume(case, request, name, false),
        R::VolumeRemove(name) => volume(case, request, name, true),
        R::NetworkList => {
            let draft = refiltered(draft, &filters(request)?);
            Ok(draft.answered(Shape::Networks))
        }
        R::NetworkCreate => network_create(case, request),
        R::Network(name, verb) => network(case, request, name, *verb),
    }
}

pub fn filters(request: &Request) -> Result<Filters, Stop> {
    Ok(Filters::parse(request.target.query.get("filters").unwrap_or_default())?)
}

/// A filter by an image's name finds one's own image of that name too. Nobody is asked
/// whether it is there: events are of images yet to come, and a pattern means many.
fn beside(case: &Case, filters: &mut Filters, key: &str) {
    let own: Vec<String> =
        filters.values_mut(key).filter_map(|value| pattern(value, case.who, case.words)).collect();
    for value in own {
        filters.add(key, value);
    }
}

/// Filters are sent on in one form; where there are none, none are sent.
fn refiltered(draft: Draft, filters: &Filters) -> Draft {
    if draft.target.query.get("filters").is_none() {
        return draft;
    }
    draft.with("filters", filters.write())
}

fn container_list(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let query = &request.target.query;
    let mut filters = filters(request)?;
    for key in ["since", "before"] {
        for value in filters.values_mut(key) {
            // A date of somebody else's container is theirs too.
            *value = case.container(value, false)?;
        }
    }
    for value in filters.values_mut("ancestor") {
        *value = read(case, value)?;
    }
    let limit = query.get("limit").and_then(|text| text.parse::<usize>().ok()).filter(|n| *n > 0);
    let mut draft = refiltered(Draft::of(request), &filters);
    // `limit` counts what is shown, so it is applied behind the filter; like the daemon's
    // own it also brings the stopped ones.
    if limit.is_some() {
        draft = draft.without("limit").with("all", "1");
    }
    Ok(draft.answered(Shape::Containers { limit }))
}

fn container_create(case: &Case, request: &Request, now: &str) -> Result<Forward, Stop> {
    let words = Words {
        // An admin's request passes whole.
        unknown_fields: if case.is_admin() {
            UnknownFields::Pass
        } else {
            case.words.unknown_fields
        },
        ..case.words.clone()
    };
    let body = body(request, &words, &fields::CREATE)?;
    let name = request.target.query.get("name").filter(|name| !name.is_empty());
    let made = create::create(case, body, name, &request.user_agent, now)?;
    let mut draft = Draft::of(request).json(&made.body);
    if let Some(name) = made.name {
        draft = draft.with("name", name);
    }
    let mut forward = draft.answered(Shape::Created);
    forward.volumes = made.volumes;
    forward.grant = made.grant;
    Ok(forward)
}
