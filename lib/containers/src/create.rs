//! Making a container: the request, the person inside, and nothing left behind when one of
//! the two fails.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ds01_docker::{Method, State};
use ds01_fault::{Code, Context, Fault};
use ds01_units::Stamp;
use nix::unistd::{AccessFlags, access};
use serde::{Deserialize, Serialize};

use crate::inside::{Resident, furnish};
use crate::interrupt::{Held, interrupted};
use crate::order::{Mount, Order};
use crate::refusal::judged;
use crate::{Mine, image, unsure};

/// A container that is there and was never started.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Created {
    pub container_id: String,
    /// What the door wants known: which GPU, how long it may run.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Warnings", default)]
    warnings: Option<Vec<String>>,
}

/// Who is inside what this person makes, by what the limits say of `sudo`.
pub fn resident(mine: &Mine) -> Resident {
    let sudo = mine.config().ok().and_then(|config| config.door(mine.user()).sudo);
    Resident::of(mine.person(), sudo.unwrap_or(false))
}

/// Makes it: fetches the image where it is not here, creates, and moves the person in.
pub fn create(mine: &Mine, order: &Order, tell: &dyn Fn(&str)) -> Result<Created, Fault> {
    let docker = mine.docker();
    let nothing = |fault: Fault| unsure::so(&format!("{} is not created", order.name), fault);
    if !image::is_here(docker, &order.image).map_err(nothing)? {
        image::pull(docker, &order.image, tell)?;
    }
    let held = Held::back()?;
    if held.came() {
        return Err(interrupted("nothing was created"));
    }
    let made = asked(mine, order)?;
    let furnished = furnish(docker, &made.id, &order.resident, mine.now());
    let furnished = match held.came() {
        true => Err(interrupted(format!("{} was not finished", order.name))),
        false => furnished,
    };
    match furnished {
        Ok(()) => {
            Ok(Created { container_id: made.id, warnings: made.warnings.unwrap_or_default() })
        }
        Err(fault) => Err(undone(mine, order, &made.id, fault)),
    }
}

/// Has Docker make it. Where the answer is lost, what was made without anybody knowing is
/// taken away again: its GPU would be kept by a container that nobody has been told of.
fn asked(mine: &Mine, order: &Order) -> Result<Answered, Fault> {
    let short = |name: &str| mine.short(name).to_owned();
    let query = [("name", order.container.as_str())];
    // By the machine's clock, which is Docker's too.
    let begun = Stamp::now();
    let sent = mine
        .docker()
        .send(Method::Post, &["containers", "create"], &query, Some(&order.body()))
        .and_then(|answer| judged(answer, &format!("{} is not created", order.name), &short));
    let fault = match sent {
        Ok(answer) => return answer.json(),
        Err(fault) => fault,
    };
    let why = fault.clone();
    match unsure::look(mine, &order.container, &order.name, "was created", fault)? {
        None => Err(unsure::so(&format!("{} is not created", order.name), why)),
        // One of that name from before is none of this one's business.
        Some(made) if made.state == State::Created && made.created >= Some(begun) => {
            Err(undone(mine, order, &made.id, why))
        }
        Some(_) => Err(why),
    }
}

/// Takes a half-made container away again, and says what is left.
fn undone(mine: &Mine, order: &Order, id: &str, fault: Fault) -> Fault {
    let query = [("force", "1"), ("v", "0")];
    let removed = mine.docker().send(Method::Delete, &["containers", id], &query, None);
    let removed = removed.and_then(ds01_docker::Answer::ok);
    let what = format!("{} could not be made ready: {}", order.name, fault.what);
    let why = if fault.why.is_empty() { String::new() } else { format!("{}; ", fault.why) };
    let fault = Fault { what, ..fault };
    match removed {
        Ok(_) => fault.why(format!("{why}it was removed again, and nothing is left of it")),
        Err(left) if left.code == Code::NotFound => {
            fault.why(format!("{why}nothing is left of it"))
        }
        Err(left) => fault
            .why(format!("{why}it is still there, since removing it failed too: {}", left.what))
            .todo(format!("`container-remove {}` once Docker answers again", order.name))
            .detail("left", order.container.as_str()),
    }
}

/// A directory to mount, absolute and followed to its end. `make` makes a workspace that is
/// not there yet, with the rights of whoever runs this; a dry run makes nothing.
pub fn directory(
    given: &Path,
    target: &'static str,
    make: bool,
    option: &str,
) -> Result<Mount, Fault> {
    let path = absolute(given)?;
    let shown = path.display().to_string();
    if make && !path.exists() {
        std::fs::create_dir_all(&path).map_err(|error| {
            let what = format!("the directory {shown} cannot be made");
            let fault = match error.kind() {
                ErrorKind::PermissionDenied => {
                    Fault::not_permitted(what).why("you have no right to write there")
                }
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    Fault::failed(what).why("the disk, or your share of it, is full")
                }
                ErrorKind::ReadOnlyFilesystem => {
                    Fault::not_permitted(what).why("nothing can be written on that disk")
                }
                ErrorKind::NotADirectory => Fault::usage(what).why("a part of its path is a file"),
                _ => Fault::failed(what).why(error.to_string()),
            };
            fault.todo(format!("choose another one with {option} DIR"))
        })?;
    }
    let wrong = |fault: Fault, why: &str| {
        Err(fault.why(why).todo(format!("name a directory of your own with {option}")))
    };
    match std::fs::metadata(&path) {
        Ok(found) if !found.is_dir() => {
            return wrong(
                Fault::usage(format!("{shown} is no directory")),
                "only directories are mounted",
            );
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return wrong(
                Fault::not_permitted(format!("{shown} is not yours to see")),
                "you may not look there",
            );
        }
        // A workspace that a dry run would have made.
        Err(_) if option == WORKSPACE => {
            return Ok(Mount { source: path, target, read_only: false });
        }
        Err(error) => {
            return wrong(
                Fault::not_found(format!("there is no directory {shown}")),
                &match error.kind() {
                    ErrorKind::NotFound => "nobody has made it".to_owned(),
                    ErrorKind::NotADirectory => "a part of its path is a file".to_owned(),
                    _ => error.to_string(),
                },
            );
        }
    }
    let path = path.canonicalize().or_fault(Code::Failed, || format!("{shown} leads nowhere"))?;
    let may = |how| access(&path, how).is_ok();
    if !may(AccessFlags::R_OK | AccessFlags::X_OK) {
        return wrong(
            Fault::not_permitted(format!("{shown} is not yours to read")),
            "you have no rights there",
        );
    }
    let writable = may(AccessFlags::W_OK);
    if option == WORKSPACE && !writable {
        return wrong(
            Fault::not_permitted(format!("{shown} is not yours to write")),
            "a workspace is where your work is kept",
        );
    }
    // What is shared is for reading; what is one's own also takes results.
    Ok(Mount { source: path, target, read_only: !writable })
}

/// The option that names the workspace.
pub const WORKSPACE: &str = "--workspace";

fn absolute(given: &Path) -> Result<PathBuf, Fault> {
    if given.as_os_str().is_empty() {
        return Err(Fault::usage("the name of a directory is empty"));
    }
    // `~` in a file of options, where no shell has read it.
    let given = match given.strip_prefix("~") {
        Ok(rest) => std::env::home_dir().unwrap_or_default().join(rest),
        Err(_) => given.to_owned(),
    };
    std::path::absolute(&given)
        .or_fault(Code::Failed, || format!("{} cannot be followed", given.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_made_once_and_a_dry_run_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let mount = directory(&path, "/workspace", false, WORKSPACE).unwrap();
        assert!(!path.exists() && !mount.read_only);
        directory(&path, "/workspace", true, WORKSPACE).unwrap();
        assert!(path.is_dir());
        let file = path.join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(directory(&file, "/workspace", true, WORKSPACE).unwrap_err().code as u8, 2);
        let under = file.join("below");
        assert!(directory(&under, "/workspace", true, WORKSPACE).is_err());
    }

    #[test]
    fn data_that_is_not_there_is_made_by_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let fault = directory(&dir.path().join("no"), "/data", false, "--data").unwrap_err();
        assert_eq!(fault.code as u8, 4);
        assert!(fault.todo.contains("--data"));
    }

    #[test]
    fn links_are_followed_here_as_the_door_follows_them() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/usr", dir.path().join("link")).unwrap();
        let mount = directory(&dir.path().join("link"), "/data", false, "--data").unwrap();
        assert_eq!(mount.source, Path::new("/usr"));
    }
}
