//! Images: whose name space one lies in, and what may be done with it.

use ds01_names::image as names;

use crate::ask::{Case, owned_by};
use crate::decide::{Draft, Forward, Request, closed};
use crate::facts::{Answer, Ask, Stop};
use crate::routes::Image;
use crate::who::{Who, Words};
use crate::{Denial, labels};

/// The name without its registry: `reg.lab:5000/ds01-alice/x` lies in alice's name space
/// of that registry.
fn path_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => image,
    }
}

/// Whether the image lies in the user's own name space or one that the policy adds.
pub fn is_own(image: &str, who: &Who, words: &Words) -> bool {
    let path = path_of(image);
    let below = |space: &String| {
        let space = space.trim_end_matches('/');
        !space.is_empty() && path.strip_prefix(space).is_some_and(|rest| rest.starts_with('/'))
    };
    names::is_own(path, &who.user, who.uid) || words.image_names.iter().any(below)
}

/// Whether the image lies in another person's name space.
pub fn is_foreign(image: &str, who: &Who) -> bool {
    path_of(image).starts_with("ds01-") && !names::is_own(path_of(image), &who.user, who.uid)
}

/// The user's name space, for messages.
pub fn own_space(who: &Who) -> String {
    names::namespace(&who.user, who.uid)
}

/// Refuses a name outside the user's own name space.
pub fn own_image(case: &Case, name: &str) -> Result<(), Stop> {
    if is_own(name, case.who, case.words) {
        return Ok(());
    }
    Err(Denial::forbidden("image.name_space", format!("the image name `{name}` is not yours"))
        .why("nobody replaces or removes a name that others run")
        .todo(format!("use {}/NAME", own_space(case.who)))
        .into())
}

pub fn readable(case: &Case, name: &str) -> Result<(), Stop> {
    let foreign = |name: &str| is_foreign(name, case.who);
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

pub fn pull(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let from = request.target.query.get("fromImage").unwrap_or_default();
    if from.is_empty() {
        return Err(closed("importing an image from a URL or an archive"));
    }
    let local = from.split('/').next().is_some_and(|first| first.starts_with("ds01-"));
    if (local || names::parse(from).is_some()) && is_foreign(from, case.who) {
        return Err(owned_by("image", from));
    }
    Ok(Draft::of(request).plain())
}

pub fn image(case: &Case, request: &Request, name: &str, verb: Image) -> Result<Forward, Stop> {
    let draft = Draft::of(request);
    let query = &request.target.query;
    match verb {
        Image::Inspect | Image::History | Image::Attestations => Ok(draft.plain()),
        Image::Save => readable(case, name).map(|()| draft.plain()),
        Image::Push => own_image(case, name).map(|()| draft.plain()),
        Image::Tag => {
            own_image(case, query.get("repo").unwrap_or_default()).map(|()| draft.plain())
        }
        Image::Remove if is_own(name, case.who, case.words) => Ok(draft.plain()),
        Image::Remove => {
            let Answer::Image { id, tags, labels } = case.answer(Ask::Image(name.to_owned()))?
            else {
                return own_image(case, name).map(|()| draft.plain());
            };
            let made =
                labels.iter().any(|(key, user)| key == labels::USER && *user == case.who.user);
            let all_own = tags.iter().all(|tag| is_own(tag, case.who, case.words));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::who::Role;

    #[test]
    fn own_and_foreign_are_told_by_the_whole_component() {
        let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
        let none = Words::default();
        for own in [
            "ds01-alice/x",
            "ds01-alice/x:1",
            "docker.io/ds01-alice/x",
            "reg:5000/ds01-alice/x",
            "ds01-1001/x",
        ] {
            assert!(is_own(own, &alice, &none) && !is_foreign(own, &alice), "{own}");
        }
        for other in ["ds01-alice", "ds01-alicex/x", "pytorch/pytorch", "x/ds01-alice/x", ""] {
            assert!(!is_own(other, &alice, &none), "{other}");
        }
        for foreign in ["ds01-bob/proj", "docker.io/ds01-bob/x:1", "ds01-1002/x"] {
            assert!(is_foreign(foreign, &alice), "{foreign}");
        }
        let lab = Words { image_names: vec!["lab/".into()], ..Words::default() };
        assert!(is_own("lab/x", &alice, &lab) && !is_own("labx/y", &alice, &lab));
    }
}
