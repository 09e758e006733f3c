//! The query keys of each route. A key that is not here is refused: the daemon may learn
//! to read it in the next release, and nobody will have judged what it does.

use crate::Denial;
use crate::routes::{Container, Exec, Image, Network, Route};
use crate::url::Query;

/// Refuses a query key that the route does not have.
pub fn check(route: &Route, query: &Query) -> Result<(), Denial> {
    let known = of(route);
    match query.keys().find(|key| !known.contains(key)) {
        None => Ok(()),
        Some(key) => Err(Denial::forbidden(
            "route.unknown_key",
            format!("the query key `{key}` is not known to the Docker door"),
        )
        .why("what it asks for cannot be judged, so it is not passed on")
        .todo("leave it out, or ask an admin if your work needs it")),
    }
}

fn of(route: &Route) -> &'static [&'static str] {
    use Container as C;
    use Route as R;
    match route {
        R::Events => &["since", "until", "filters"],
        R::DiskUsage => &["type"],
        // The last two are docker-py's, and nobody reads them.
        R::ContainerList => &["all", "limit", "size", "filters", "trunc_cmd"],
        R::ImageList => &["all", "filters", "digests", "shared-size", "manifests", "only_ids"],
        R::ContainerCreate => &["name", "platform"],
        R::ContainerPrune | R::VolumePrune | R::NetworkPrune => &["filters"],
        R::Container(_, verb) => match verb {
            C::Inspect => &["size"],
            C::Top => &["ps_args"],
            C::Logs => {
                &["follow", "stdout", "stderr", "since", "until", "timestamps", "tail", "details"]
            }
            C::Stats => &["stream", "one-shot"],
            C::Resize => &["h", "w"],
            // `checkpoint` is not among them: it names a directory of the host.
            C::Start => &["detachKeys"],
            C::Stop | C::Restart => &["signal", "t"],
            C::Kill => &["signal"],
            C::Rename => &["name"],
            C::Attach | C::AttachWs => {
                &["detachKeys", "logs", "stream", "stdin", "stdout", "stderr"]
            }
            C::Wait => &["condition"],
            C::Remove => &["v", "link", "force"],
            C::ArchiveInfo | C::ArchiveGet => &["path"],
            C::ArchivePut => &["path", "noOverwriteDirNonDir", "copyUIDGID"],
            _ => &[],
        },
        R::Exec(_, Exec::Resize) => &["h", "w"],
        R::Commit => &["container", "repo", "tag", "comment", "author", "pause", "changes"],
        R::ImageSearch => &["term", "limit", "filters"],
        R::ImagePull | R::ImageImport => {
            &["fromImage", "tag", "platform", "fromSrc", "repo", "message", "changes"]
        }
        R::ImageSaveMany => &["names", "platform"],
        R::ImageLoad => &["quiet", "platform"],
        R::Image(_, verb) => match verb {
            Image::Inspect => &["size", "manifests", "platform"],
            Image::History | Image::Save => &["platform"],
            Image::Push => &["tag", "platform"],
            Image::Tag => &["repo", "tag"],
            Image::Remove => &["force", "noprune", "platforms"],
            Image::Attestations => &[],
        },
        R::Build => crate::build::KEYS,
        R::VolumeList | R::NetworkList | R::ImagePrune => &["filters"],
        R::ClusterRead => &["filters", "status"],
        R::BuildCancel => &["id"],
        R::BuildShared => &["filters", "all", "id", "keep-storage"],
        R::VolumeRemove(_) => &["force"],
        R::Network(_, Network::Inspect) => &["verbose", "scope"],
        // Refused for what they are; naming a key would only hide that.
        R::ClusterWrite => &["remote", "name", "force", "all", "type"],
        _ => &[],
    }
}
