//! The decision: a request, who asks and what is known, and out comes what is sent to the
//! daemon, or why nothing is. No I/O: a missing fact is asked for by name.

use crate::ask::{Case, owned_by};
use crate::create::{self, check_name, endpoint};
use crate::facts::{Answer, Ask, Facts, Grant, Owner, Stop};
use crate::filters::Filters;
use crate::json::{self, Value};
use crate::routes::{Container, Exec, Image, Network, Route};
use crate::schema::{Schema, canonical};
use crate::url::Target;
use crate::who::{Role, UnknownFields, Who, Words};
use crate::{Denial, binds, build, clamp, fields, images, keys, labels};

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
}

/// What becomes of the daemon's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Plain,
    /// May turn into a raw stream in both directions.
    Hijack,
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
        R::Build => Expected::Stream,
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
    Denial::forbidden("who.nobody", format!("the uid {} has no account here", who.uid))
        .why("without a name nothing can be yours")
        .todo("log in with your own account; an admin can check with `getent passwd`")
        .into()
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

fn closed(what: &str) -> Stop {
    Denial::forbidden("route.closed", format!("{what} is for admins"))
        .why("it changes what everybody on this machine shares")
        .todo("ask an admin")
        .into()
}

/// A request being made ready to forward.
struct Draft {
    target: Target,
    body: Body,
}

impl Draft {
    fn of(request: &Request) -> Self {
        Self { target: request.target.clone(), body: Body::Empty }
    }
    fn json(mut self, value: &Value) -> Self {
        self.body = Body::Json(json::write(value));
        self
    }
    fn stream(mut self) -> Self {
        self.body = Body::Stream;
        self
    }
    /// Puts the full id in place of the name that stands second in the path.
    fn on(mut self, id: &str) -> Self {
        if let Some(segment) = self.target.segments.get_mut(1) {
            id.clone_into(segment);
        }
        self
    }
    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.target.query.set(key, value);
        self
    }
    fn without(mut self, key: &str) -> Self {
        self.target.query.remove(key);
        self
    }
    fn plain(self) -> Forward {
        self.answered(Shape::Plain)
    }
    fn answered(self, answer: Shape) -> Forward {
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
                | Route::Grpc
        )
    )
}

fn as_admin(case: &Case, request: &Request, now: &str) -> Result<Forward, Stop> {
    if request.route == Some(Route::ContainerCreate) {
        return container_create(case, request, now);
    }
    let draft = Draft::of(request).stream();
    let shape = if hijacks(request.route.as_ref()) { Shape::Hijack } else { Shape::Plain };
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
fn body(request: &Request, words: &Words, schema: &'static Schema) -> Result<Value, Stop> {
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
            let draft = refiltered(draft, &filters(request)?);
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
            let draft = refiltered(draft, &filters(request)?);
            Ok(draft.plain())
        }
        R::ImagePull => pull(case, request),
        R::ImageSaveMany => {
            for name in query.all("names") {
                readable(case, name)?;
            }
            Ok(draft.plain())
        }
        R::Image(name, verb) => image(case, request, name, *verb),
        R::Build => {
            let mut draft = draft;
            build::judge(case, &mut draft.target.query)?;
            Ok(draft.stream().plain())
        }
        R::Session => Ok(draft.answered(Shape::Hijack)),
        R::Grpc => Err(Denial::forbidden("build.grpc", "BuildKit's control channel is for admins")
            .why("what a build asks for there (devices, image names) is not judged by the door")
            .todo("build with `docker build` and DOCKER_BUILDKIT=0, or with --builder of your own")
            .into()),
        R::ImageLoad => Err(closed("loading images from an archive")),
        R::ImagePrune => Err(closed("pruning images")),
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

fn filters(request: &Request) -> Result<Filters, Stop> {
    Ok(Filters::parse(request.target.query.get("filters").unwrap_or_default())?)
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

fn container(case: &Case, request: &Request, name: &str, verb: Container) -> Result<Forward, Stop> {
    use Container as C;
    let id = case.container(name, !verb.only_looks())?;
    let draft = Draft::of(request).on(&id);
    match verb {
        C::Attach | C::AttachWs => Ok(draft.answered(Shape::Hijack)),
        C::Start | C::Restart => {
            if let Answer::Paths(paths) = case.answer(Ask::BindsOf(id.clone()))? {
                for path in paths.iter().filter(|path| !binds::SOCKETS.contains(&path.as_str())) {
                    if case.path(path)? != path {
                        return Err(moved(path));
                    }
                }
            }
            // Last, since it may lease again.
            case.answer(Ask::GpusOf(id))?;
            Ok(draft.plain())
        }
        C::Update => {
            let mut body = body(request, case.words, &fields::UPDATE)?;
            update(case, &mut body)?;
            Ok(draft.json(&body).plain())
        }
        C::Rename => {
            check_name(case, request.target.query.get("name").unwrap_or_default())?;
            Ok(draft.plain())
        }
        C::ExecCreate => {
            let body = body(request, case.words, &fields::EXEC_CREATE)?;
            if body.get("Privileged").is_some_and(|flag| !flag.is_empty()) {
                return Err(Denial::forbidden(
                    "exec.privileged",
                    "a privileged exec is root on the host",
                )
                .why("it has every capability, whatever the container was given")
                .todo("leave --privileged out")
                .into());
            }
            Ok(draft.json(&body).answered(Shape::Exec { container: id }))
        }
        C::ArchivePut => {
            let mut draft = draft;
            draft.body = Body::Tar;
            Ok(draft.plain())
        }
        C::Checkpoint => Err(closed("checkpointing")),
        _ => Ok(draft.plain()),
    }
}

/// Binds are stored with every link resolved; one that leads elsewhere now was swapped.
fn moved(path: &str) -> Stop {
    Denial::forbidden(
        "start.bind_moved",
        format!("{path} leads somewhere else than when the container was created"),
    )
    .why("a link was put in its place")
    .todo("put the directory back, or create the container again")
    .into()
}

/// Limits that are named are lowered, what else may be changed is harmless.
fn update(case: &Case, body: &mut Value) -> Result<(), Stop> {
    const FIXED: &[&str] = &[
        "CgroupParent",
        "Devices",
        "DeviceCgroupRules",
        "DeviceRequests",
        "OomKillDisable",
        "CpuRealtimePeriod",
        "CpuRealtimeRuntime",
        "Ulimits",
    ];
    if let Some(name) =
        FIXED.iter().find(|name| body.get(name).is_some_and(|value| !value.is_empty()))
    {
        return Err(Denial::forbidden(
            "update.field",
            format!("{name} may not be changed by an update"),
        )
        .why("it was decided when the container was created")
        .todo("create the container again")
        .into());
    }
    if clamp::named(body) {
        let Answer::Granted(limits) = case.answer(Ask::Limits)? else {
            return Err(Denial::new(500, "door.facts", "the limits could not be read").into());
        };
        clamp::update(body, limits);
    }
    Ok(())
}

fn exec(case: &Case, request: &Request, id: &str, verb: Exec) -> Result<Forward, Stop> {
    case.exec(id, verb != Exec::Inspect)?;
    let draft = Draft::of(request);
    match verb {
        Exec::Start => {
            let body = body(request, case.words, &fields::EXEC_START)?;
            Ok(draft.json(&body).answered(Shape::Hijack))
        }
        Exec::Resize | Exec::Inspect => Ok(draft.plain()),
    }
}

fn commit(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let query = &request.target.query;
    let id = case.container(query.get("container").unwrap_or_default(), true)?;
    if let Some(repo) = query.get("repo").filter(|repo| !repo.is_empty()) {
        own_image(case, repo)?;
    }
    let body = body(request, case.words, &fields::COMMIT)?;
    Ok(Draft::of(request).with("container", id).json(&body).plain())
}

/// Refuses a name outside the user's own name space.
pub fn own_image(case: &Case, name: &str) -> Result<(), Stop> {
    if images::is_own(name, case.who, case.words) {
        return Ok(());
    }
    Err(Denial::forbidden("image.name_space", format!("the image name `{name}` is not yours"))
        .why("nobody replaces or removes a name that others run")
        .todo(format!("use {}/NAME", images::own_space(case.who)))
        .into())
}

fn readable(case: &Case, name: &str) -> Result<(), Stop> {
    let foreign = |name: &str| images::is_foreign(name, case.who);
    let hidden = match case.answer(Ask::Image(name.to_owned())) {
        Ok(Answer::Image { tags, .. }) => !tags.is_empty() && tags.iter().all(|tag| foreign(tag)),
        Err(Stop::Need(ask)) if !foreign(name) => return Err(Stop::Need(ask)),
        // What is not there is the daemon's to say.
        Err(Stop::Missing(_)) => false,
        _ => false,
    };
    if hidden || foreign(name) {
        return Err(owned_by("image", name));
    }
    Ok(())
}

fn pull(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let from = request.target.query.get("fromImage").unwrap_or_default();
    if from.is_empty() {
        return Err(closed("importing an image from a URL or an archive"));
    }
    let local = from.split('/').next().is_some_and(|first| first.starts_with("ds01-"));
    if (local || ds01_names::image::parse(from).is_some()) && images::is_foreign(from, case.who) {
        return Err(owned_by("image", from));
    }
    Ok(Draft::of(request).plain())
}

fn image(case: &Case, request: &Request, name: &str, verb: Image) -> Result<Forward, Stop> {
    let draft = Draft::of(request);
    let query = &request.target.query;
    match verb {
        Image::Inspect | Image::History | Image::Attestations => Ok(draft.plain()),
        Image::Save => readable(case, name).map(|()| draft.plain()),
        Image::Push => own_image(case, name).map(|()| draft.plain()),
        Image::Tag => {
            own_image(case, query.get("repo").unwrap_or_default()).map(|()| draft.plain())
        }
        Image::Remove if images::is_own(name, case.who, case.words) => Ok(draft.plain()),
        Image::Remove => {
            let Answer::Image { id, tags, labels } = case.answer(Ask::Image(name.to_owned()))?
            else {
                return own_image(case, name).map(|()| draft.plain());
            };
            let made =
                labels.iter().any(|(key, user)| key == labels::USER && *user == case.who.user);
            let all_own = tags.iter().all(|tag| images::is_own(tag, case.who, case.words));
            // By id only: a name that is not one's own is removed by nobody else.
            let by_id =
                id.trim_start_matches("sha256:").starts_with(name.trim_start_matches("sha256:"));
            if !by_id || !all_own || (tags.is_empty() && !made) {
                return own_image(case, name).map(|()| draft.plain());
            }
            let mut draft = draft;
            draft.target.segments = vec!["images".into(), id.clone()];
            Ok(draft.plain())
        }
    }
}

fn volume_create(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let mut body = body(request, case.words, &fields::VOLUME_CREATE)?;
    let driver = body.get("Driver").and_then(Value::as_text).unwrap_or_default().to_owned();
    binds::local_driver(&driver, body.get("DriverOpts"))?;
    if body.get("ClusterVolumeSpec").is_some() {
        return Err(closed("a cluster volume"));
    }
    let name = body.get("Name").and_then(Value::as_text).unwrap_or_default().to_owned();
    if !name.is_empty() {
        // The daemon answers with the volume that is there, whosever it is.
        let (name, _) = case.volume(&name)?;
        body.set("Name", Value::Text(name));
    }
    labels::own(case.who, body.within("Labels"))?;
    Ok(Draft::of(request).json(&body).answered(Shape::Volume))
}

fn volume(case: &Case, request: &Request, name: &str, touches: bool) -> Result<Forward, Stop> {
    let name = case.volume_name(name);
    match case.answer(Ask::Volume(name.clone()))? {
        Answer::Volume { owner, users } => case.own_volume(owner, users, touches)?,
        _ => return Err(Denial::new(500, "door.facts", "the volume's owner is not known").into()),
    }
    Ok(Draft::of(request).on(&name).plain())
}

fn network_create(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let mut body = body(request, case.words, &fields::NETWORK_CREATE)?;
    let refused = |what: &str, why: &str| {
        Err(Denial::forbidden("network.create", format!("{what} may not be set for a network"))
            .why(why)
            .todo("leave it out; a plain bridge network joins your containers")
            .into())
    };
    let text = |key: &str| body.get(key).and_then(Value::as_text).unwrap_or_default();
    if !["", "bridge"].contains(&text("Driver")) {
        return refused(
            "another driver than bridge",
            "other drivers reach the host's own networks",
        );
    }
    if !["", "local"].contains(&text("Scope")) {
        return refused("a scope", "there is no swarm here");
    }
    for key in ["Ingress", "ConfigOnly", "ConfigFrom"] {
        if body.get(key).is_some_and(|value| !value.is_empty()) {
            return refused(key, "there is no swarm here");
        }
    }
    const OPTIONS: &[&str] = &[
        "com.docker.network.bridge.enable_icc",
        "com.docker.network.bridge.enable_ip_masquerade",
        "com.docker.network.driver.mtu",
        "com.docker.network.enable_ipv4",
        "com.docker.network.enable_ipv6",
    ];
    let options = body.get("Options").and_then(Value::as_object);
    if let Some((key, _)) =
        options.and_then(|all| all.iter().find(|(key, _)| !OPTIONS.contains(&key.as_str())))
    {
        return refused(&key.clone(), "it may take over an interface of the host");
    }
    if let Some(ipam) = body.get("IPAM") {
        let driver = ipam.get("Driver").and_then(Value::as_text).unwrap_or_default();
        let given = |key: &str| {
            ipam.get(key).is_some_and(|value| match value {
                // Clients send one empty range for none.
                Value::List(list) => list.iter().any(|range| !range.is_empty()),
                other => !other.is_empty(),
            })
        };
        if !["", "default"].contains(&driver) || given("Options") || given("Config") {
            return refused(
                "an address range",
                "a range of the lab's own network would cut the host off",
            );
        }
    }
    labels::own(case.who, body.within("Labels"))?;
    Ok(Draft::of(request).json(&body).plain())
}

fn network(case: &Case, request: &Request, name: &str, verb: Network) -> Result<Forward, Stop> {
    let draft = Draft::of(request);
    if verb == Network::Inspect || verb == Network::Remove {
        let Answer::Network { id, name, owner } = case.answer(Ask::Network(name.to_owned()))?
        else {
            return Err(Denial::new(500, "door.facts", "the network's owner is not known").into());
        };
        let shared = ["bridge", "none", "host"].contains(&name.as_str()) && *owner == Owner::Nobody;
        if !(shared && verb == Network::Inspect) {
            case.own("network", owner, verb == Network::Remove)?;
        }
        let shape = if verb == Network::Inspect { Shape::Network } else { Shape::Plain };
        return Ok(draft.on(id).answered(shape));
    }
    let id = case.network(name)?;
    let schema = if verb == Network::Connect {
        &fields::NETWORK_CONNECT
    } else {
        &fields::NETWORK_DISCONNECT
    };
    let mut body = body(request, case.words, schema)?;
    let container = body.get("Container").and_then(Value::as_text).unwrap_or_default().to_owned();
    body.set("Container", Value::Text(case.container(&container, true)?));
    if let Some(settings) = body.get_mut("EndpointConfig") {
        endpoint(case, settings)?;
    }
    Ok(draft.on(&id).json(&body).plain())
}
