//! Images: what may be done with one. Which one a name means, `own` says.

use crate::ask::{Case, owned_by};
use crate::decide::{Draft, Forward, Request, filters};
use crate::facts::{Answer, Ask, Stop};
use crate::own::{Reference, is_foreign, is_own, own_space, read, written};
use crate::routes::Image;
use crate::{Denial, labels};

/// Whether an image may be carried off.
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

/// Several images in one archive.
pub fn save_many(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let mut draft = Draft::of(request);
    let mut names = Vec::new();
    for name in request.target.query.all("names") {
        let name = read(case, name)?;
        readable(case, &name)?;
        names.push(name);
    }
    draft.target.query.set_all("names", names);
    Ok(draft.plain())
}

/// A pull always means the name as it is: what comes from a registry is everybody's.
pub fn pull(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let from = request.target.query.get("fromImage").unwrap_or_default();
    if from.is_empty() {
        return Err(Denial::malformed("image.name", "the pull names no image").into());
    }
    if Reference::cut(from).host.is_none() && is_foreign(from, case.who) {
        return Err(owned_by("image", from));
    }
    Ok(Draft::of(request).plain())
}

/// An archive of files becomes an image of one's own; it is labelled, so that its maker can
/// remove it without a name.
pub fn import(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let query = &request.target.query;
    if query.get("fromSrc") != Some("-") {
        return Err(Denial::forbidden("image.url", "an image is not imported from a URL")
            .why("the daemon would fetch it from the host's own network")
            .todo("fetch it yourself: `curl URL | docker import - NAME`")
            .into());
    }
    let mut draft = Draft::of(request).stream();
    if let Some(repo) = query.get("repo").filter(|repo| !repo.is_empty()) {
        draft = draft.with("repo", written(repo, case.who, case.words)?);
    }
    let mut changes: Vec<String> = query.all("changes").map(str::to_owned).collect();
    changes.push(format!("LABEL \"{}\"=\"{}\"", labels::USER, quoted(&case.who.user)));
    draft.target.query.set_all("changes", changes);
    Ok(draft.plain())
}

/// As a Dockerfile's instruction has it between quotes.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '"' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Own images that have lost their name. One that has any is not pruned: an admin may have
/// given it a name that others run.
pub fn prune(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let mut filters = filters(request)?;
    if filters.values_mut("dangling").any(|value| !matches!(value.as_str(), "true" | "1")) {
        return Err(Denial::forbidden("image.prune", "images that have a name are not pruned")
            .why("others may run them")
            .todo(format!(
                "prune those without a name, and remove your own: docker rmi $(docker images -q '{}/*')",
                own_space(case.who)
            ))
            .into());
    }
    filters.add("dangling", "true".into());
    filters.add("label", format!("{}={}", labels::USER, case.who.user));
    Ok(Draft::of(request).with("filters", filters.write()).plain())
}

/// The request on this image in place of the one that was named.
fn on(request: &Request, name: &str, verb: Image) -> Draft {
    let mut draft = Draft::of(request);
    let mut segments = vec!["images".to_owned()];
    segments.extend(name.split('/').map(str::to_owned));
    if verb != Image::Remove {
        segments.extend(request.target.segments.last().cloned());
    }
    draft.target.segments = segments;
    draft
}

pub fn image(case: &Case, request: &Request, name: &str, verb: Image) -> Result<Forward, Stop> {
    if verb == Image::Push {
        // Into one's own name space of the registry, and nowhere else.
        return Ok(on(request, &written(name, case.who, case.words)?, verb).plain());
    }
    let name = read(case, name)?;
    let draft = on(request, &name, verb);
    match verb {
        Image::Inspect | Image::History | Image::Attestations | Image::Push => Ok(draft.plain()),
        Image::Save => readable(case, &name).map(|()| draft.plain()),
        Image::Tag => {
            let repo = request.target.query.get("repo").unwrap_or_default();
            Ok(draft.with("repo", written(repo, case.who, case.words)?).plain())
        }
        Image::Remove if is_own(&name, case.who, case.words) => Ok(draft.plain()),
        Image::Remove => {
            let Answer::Image { id, tags, labels } = case.answer(Ask::Image(name.clone()))? else {
                return Err(not_yours(case, &name));
            };
            let made =
                labels.iter().any(|(key, user)| key == labels::USER && *user == case.who.user);
            let all_own = tags.iter().all(|tag| is_own(tag, case.who, case.words));
            // By id only: a name that is not one's own is removed by nobody else.
            let by_id =
                id.trim_start_matches("sha256:").starts_with(name.trim_start_matches("sha256:"));
            if !by_id || !all_own || (tags.is_empty() && !made) {
                return Err(not_yours(case, &name));
            }
            Ok(on(request, id, verb).plain())
        }
    }
}

fn not_yours(case: &Case, name: &str) -> Stop {
    let space = own_space(case.who);
    Denial::forbidden("image.name_space", format!("the image `{name}` is not yours"))
        .why("nobody removes an image that others run")
        .todo(format!("remove your own: `docker images '{space}/*'` lists them"))
        .into()
}
