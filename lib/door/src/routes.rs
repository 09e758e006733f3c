//! Which request this is. One table of method and path; what matches no row is denied to
//! ordinary users.

use crate::url::Target;

/// A request that is known, with the names that stand in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Ping,
    Version,
    Auth,
    Info,
    Events,
    DiskUsage,
    ContainerList,
    ContainerCreate,
    ContainerPrune,
    /// A request about one container.
    Container(String, Container),
    Exec(String, Exec),
    Commit,
    ImageList,
    ImageSearch,
    ImagePull,
    /// A file system as an image, from an archive or a URL; the same path as a pull.
    ImageImport,
    ImageSaveMany,
    ImageLoad,
    ImagePrune,
    Image(String, Image),
    Distribution(String),
    Build,
    /// Pruning the build cache that all share.
    BuildShared,
    BuildCancel,
    Session,
    Grpc,
    VolumeList,
    VolumeCreate,
    VolumePrune,
    VolumeInspect(String),
    VolumeRemove(String),
    NetworkList,
    NetworkCreate,
    NetworkPrune,
    Network(String, Network),
    /// Reading what an engine without a swarm has none of, or the plugins.
    ClusterRead,
    /// Changing them.
    ClusterWrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Inspect,
    Top,
    Logs,
    Changes,
    Export,
    Stats,
    Resize,
    Start,
    Stop,
    Restart,
    Kill,
    Update,
    Rename,
    Pause,
    Unpause,
    Attach,
    AttachWs,
    Wait,
    Remove,
    ArchiveInfo,
    ArchiveGet,
    ArchivePut,
    ExecCreate,
    Checkpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exec {
    Start,
    Resize,
    Inspect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    Inspect,
    History,
    Save,
    Push,
    Tag,
    Remove,
    Attestations,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Inspect,
    Connect,
    Disconnect,
    Remove,
}

impl Container {
    /// Whether it leaves the container as it was.
    pub fn only_looks(self) -> bool {
        use Container::{
            ArchiveGet, ArchiveInfo, Changes, Export, Inspect, Logs, Stats, Top, Wait,
        };
        matches!(
            self,
            Inspect | Top | Logs | Changes | Export | Stats | Wait | ArchiveInfo | ArchiveGet
        )
    }
}

/// `{}` is one segment, `{*}` one or more: image names hold slashes.
type Row = (&'static str, &'static str, fn(String) -> Route);

macro_rules! row {
    ($method:literal, $path:literal, $route:expr) => {
        ($method, $path, |_| $route)
    };
}
macro_rules! container {
    ($method:literal, $rest:literal, $verb:ident) => {
        ($method, concat!("containers/{}", $rest), |id| Route::Container(id, Container::$verb))
    };
}

const TABLE: &[Row] = &[
    row!("GET", "_ping", Route::Ping),
    row!("HEAD", "_ping", Route::Ping),
    row!("GET", "version", Route::Version),
    row!("GET", "info", Route::Info),
    row!("GET", "events", Route::Events),
    row!("GET", "system/df", Route::DiskUsage),
    row!("POST", "auth", Route::Auth),
    row!("GET", "containers/json", Route::ContainerList),
    row!("POST", "containers/create", Route::ContainerCreate),
    row!("POST", "containers/prune", Route::ContainerPrune),
    // `docker inspect` asks for a container of every name first, an image's among them.
    ("GET", "containers/{*}/json", |id| Route::Container(id, Container::Inspect)),
    container!("GET", "/top", Top),
    container!("GET", "/logs", Logs),
    container!("GET", "/changes", Changes),
    container!("GET", "/export", Export),
    container!("GET", "/stats", Stats),
    container!("POST", "/resize", Resize),
    container!("POST", "/start", Start),
    container!("POST", "/stop", Stop),
    container!("POST", "/restart", Restart),
    container!("POST", "/kill", Kill),
    container!("POST", "/update", Update),
    container!("POST", "/rename", Rename),
    container!("POST", "/pause", Pause),
    container!("POST", "/unpause", Unpause),
    container!("POST", "/attach", Attach),
    container!("GET", "/attach/ws", AttachWs),
    container!("POST", "/wait", Wait),
    container!("DELETE", "", Remove),
    container!("HEAD", "/archive", ArchiveInfo),
    container!("GET", "/archive", ArchiveGet),
    container!("PUT", "/archive", ArchivePut),
    container!("POST", "/exec", ExecCreate),
    container!("GET", "/checkpoints", Checkpoint),
    container!("POST", "/checkpoints", Checkpoint),
    ("POST", "exec/{}/start", |id| Route::Exec(id, Exec::Start)),
    ("POST", "exec/{}/resize", |id| Route::Exec(id, Exec::Resize)),
    ("GET", "exec/{}/json", |id| Route::Exec(id, Exec::Inspect)),
    row!("POST", "commit", Route::Commit),
    row!("GET", "images/json", Route::ImageList),
    row!("GET", "images/search", Route::ImageSearch),
    row!("GET", "images/get", Route::ImageSaveMany),
    row!("POST", "images/create", Route::ImagePull),
    row!("POST", "images/load", Route::ImageLoad),
    row!("POST", "images/prune", Route::ImagePrune),
    ("GET", "images/{*}/json", |name| Route::Image(name, Image::Inspect)),
    ("GET", "images/{*}/history", |name| Route::Image(name, Image::History)),
    ("GET", "images/{*}/get", |name| Route::Image(name, Image::Save)),
    ("GET", "images/{*}/attestations", |name| Route::Image(name, Image::Attestations)),
    ("POST", "images/{*}/push", |name| Route::Image(name, Image::Push)),
    ("POST", "images/{*}/tag", |name| Route::Image(name, Image::Tag)),
    ("DELETE", "images/{*}", |name| Route::Image(name, Image::Remove)),
    ("GET", "distribution/{*}/json", Route::Distribution),
    row!("POST", "build", Route::Build),
    row!("POST", "build/prune", Route::BuildShared),
    row!("POST", "build/cancel", Route::BuildCancel),
    row!("POST", "session", Route::Session),
    row!("POST", "grpc", Route::Grpc),
    row!("GET", "volumes", Route::VolumeList),
    row!("POST", "volumes/create", Route::VolumeCreate),
    row!("POST", "volumes/prune", Route::VolumePrune),
    ("GET", "volumes/{*}", Route::VolumeInspect),
    ("DELETE", "volumes/{}", Route::VolumeRemove),
    row!("GET", "networks", Route::NetworkList),
    row!("POST", "networks/create", Route::NetworkCreate),
    row!("POST", "networks/prune", Route::NetworkPrune),
    ("GET", "networks/{*}", |id| Route::Network(id, Network::Inspect)),
    ("POST", "networks/{}/connect", |id| Route::Network(id, Network::Connect)),
    ("POST", "networks/{}/disconnect", |id| Route::Network(id, Network::Disconnect)),
    ("DELETE", "networks/{}", |id| Route::Network(id, Network::Remove)),
    row!("GET", "plugins", Route::ClusterRead),
    ("GET", "plugins/{*}/json", |_| Route::ClusterRead),
    row!("GET", "swarm", Route::ClusterRead),
    row!("GET", "services", Route::ClusterRead),
    row!("GET", "nodes", Route::ClusterRead),
    row!("GET", "tasks", Route::ClusterRead),
    row!("GET", "secrets", Route::ClusterRead),
    row!("GET", "configs", Route::ClusterRead),
    row!("POST", "plugins/{*}", Route::ClusterWrite),
    row!("DELETE", "plugins/{*}", Route::ClusterWrite),
    row!("GET", "plugins/{*}", Route::ClusterWrite),
    row!("POST", "swarm/{*}", Route::ClusterWrite),
    row!("POST", "services/{*}", Route::ClusterWrite),
    row!("DELETE", "services/{*}", Route::ClusterWrite),
    row!("POST", "nodes/{*}", Route::ClusterWrite),
    row!("DELETE", "nodes/{*}", Route::ClusterWrite),
    row!("POST", "secrets/{*}", Route::ClusterWrite),
    row!("DELETE", "secrets/{*}", Route::ClusterWrite),
    row!("POST", "configs/{*}", Route::ClusterWrite),
    row!("DELETE", "configs/{*}", Route::ClusterWrite),
];

/// The route of a method and a target.
pub fn of(method: &str, target: &Target) -> Option<Route> {
    let query = |key| target.query.get(key).is_some_and(|value| !value.is_empty());
    match find(method, &target.segments) {
        // The daemon pulls where an image is named, and reads the body where none is.
        Some(Route::ImagePull) if !query("fromImage") && query("fromSrc") => {
            Some(Route::ImageImport)
        }
        route => route,
    }
}

/// The route of a method and the decoded segments behind the version.
fn find(method: &str, segments: &[String]) -> Option<Route> {
    TABLE.iter().find_map(|(wanted, pattern, route)| {
        if *wanted != method {
            return None;
        }
        matched(pattern, segments).map(route)
    })
}

/// The part that stands for the placeholder; empty where there is none.
fn matched(pattern: &str, segments: &[String]) -> Option<String> {
    let mut name = String::new();
    let mut at = 0;
    let mut parts = pattern.split('/');
    while let Some(part) = parts.next() {
        match part {
            "{}" => name.clone_from(segments.get(at)?),
            "{*}" => {
                let behind = parts.clone().count();
                let end = segments.len().checked_sub(behind).filter(|end| *end > at)?;
                name = segments[at..end].join("/");
                at = end;
                continue;
            }
            literal => {
                if segments.get(at)? != literal {
                    return None;
                }
            }
        }
        at += 1;
    }
    (at == segments.len()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Option<Route> {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        find(method, &segments)
    }

    #[test]
    fn names_with_slashes_are_images_only() {
        assert_eq!(
            route("GET", "images/reg.lab:5000/a/b:1/json"),
            Some(Route::Image("reg.lab:5000/a/b:1".into(), Image::Inspect))
        );
        assert_eq!(route("DELETE", "images/a/b"), Some(Route::Image("a/b".into(), Image::Remove)));
        assert_eq!(route("GET", "containers/a/b/top"), None);
        assert_eq!(route("GET", "containers/json"), Some(Route::ContainerList));
        assert_eq!(route("GET", "images/json"), Some(Route::ImageList));
    }

    #[test]
    fn methods_are_exact_and_unknown_paths_have_no_route() {
        assert_eq!(route("get", "containers/json"), None);
        assert_eq!(route("HEAD", "containers/json"), None);
        assert_eq!(route("POST", "containers/json"), None);
        assert_eq!(route("POST", "containers/x/copy"), None);
        assert_eq!(route("GET", "debug/vars"), None);
        assert_eq!(
            route("GET", "containers/json/json"),
            Some(Route::Container("json".into(), Container::Inspect))
        );
    }
}
