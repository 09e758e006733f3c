//! Requests about one container, and about what runs in it.

use crate::ask::Case;
use crate::create::check_name;
use crate::decide::{Body, Draft, Forward, Request, Shape, body, closed};
use crate::facts::{Answer, Ask, Owner, Stop};
use crate::json::Value;
use crate::own::written;
use crate::routes::{Container, Exec};
use crate::{Denial, binds, clamp, fields};

pub fn container(
    case: &Case,
    request: &Request,
    name: &str,
    verb: Container,
) -> Result<Forward, Stop> {
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
            // The suffix of a name may tell whose a container is, so a name is not to be had
            // for what is nobody's.
            let nobodys = matches!(
                case.answer(Ask::Container(case.meant(Ask::Container, name)?))?,
                Answer::Container { owner: Owner::Nobody, .. }
            );
            if nobodys && !case.is_admin() {
                return Err(Denial::forbidden("rename.nobody", "this container has no owner")
                    .why("with a name it could be made somebody's")
                    .todo("ask an admin to say whose it is")
                    .into());
            }
            let new = request.target.query.get("name").unwrap_or_default();
            check_name(case, new)?;
            let new = case.given(Ask::Container, new)?;
            Ok(if new.is_empty() { draft } else { draft.with("name", new) }.plain())
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

pub fn exec(case: &Case, request: &Request, id: &str, verb: Exec) -> Result<Forward, Stop> {
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

pub fn commit(case: &Case, request: &Request) -> Result<Forward, Stop> {
    let query = &request.target.query;
    let id = case.container(query.get("container").unwrap_or_default(), true)?;
    let mut draft = Draft::of(request).with("container", id);
    if let Some(repo) = query.get("repo").filter(|repo| !repo.is_empty()) {
        draft = draft.with("repo", written(repo, case.who, case.words)?);
    }
    let body = body(request, case.words, &fields::COMMIT)?;
    Ok(draft.json(&body).plain())
}
