//! A request whose answer never came: Docker or the door went away in the middle. What has
//! become of it is looked up, and where nobody can be asked, that is what is said.

use std::time::Duration;

use ds01_docker::Container;
use ds01_fault::{Code, Fault};

use crate::Mine;

/// The door is back within a second or two, and a daemon that hangs was waited for already.
const PATIENCE: Duration = Duration::from_secs(10);

/// The container as it is now, or nothing where it is gone; any other fault is passed on.
/// `container` is its id or full name; `name` is its owner's name for it, and `what` is not
/// known otherwise, such as `was stopped`.
pub fn look(
    mine: &Mine,
    container: &str,
    name: &str,
    what: &str,
    fault: Fault,
) -> Result<Option<Container>, Fault> {
    if fault.code != Code::Unreachable {
        return Err(fault);
    }
    let docker = mine.docker().clone().patience(PATIENCE);
    docker.inspect(container).map_err(|_| not_known(name, what, &fault))
}

/// Says what did not happen, once: `train is not started: ...`.
pub fn so(not: &str, fault: Fault) -> Fault {
    match fault.what.starts_with(not) {
        true => fault,
        false => Fault { what: format!("{not}: {}", fault.what), ..fault },
    }
}

fn not_known(name: &str, what: &str, fault: &Fault) -> Fault {
    // Without "train is not started: ", which nobody knows.
    let gone = fault.what.rsplit_once(": ").map_or(fault.what.as_str(), |(_, gone)| gone);
    let why = if fault.why.is_empty() { String::new() } else { format!(": {}", fault.why) };
    Fault::unreachable(format!(
        "it is not known whether {name} {what}: Docker went away in between"
    ))
    .why(format!("{gone}{why}"))
    .todo(format!("wait until Docker answers again, then see `container-list {name}`"))
    .detail("left", name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ds01_docker::Docker;
    use ds01_site::Site;

    #[test]
    fn what_nobody_knows_is_said_and_a_refusal_is_passed_on() {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::at(dir.path());
        let mine = Mine::at(&site, Docker::at(dir.path().join("nobody.sock"))).unwrap();
        let no = Fault::limit("no more");
        assert_eq!(look(&mine, "id", "train", "runs", no.clone()).unwrap_err(), no);
        let gone = Fault::unreachable("train is not stopped: Docker does not answer")
            .why("it is not running");
        let fault = look(&mine, "id", "train", "was stopped", gone).unwrap_err();
        assert_eq!(fault.code, Code::Unreachable);
        assert!(fault.what.contains("not known whether train was stopped"), "{fault}");
        assert_eq!(fault.why, "Docker does not answer: it is not running");
        assert!(fault.todo.contains("container-list train"), "{fault}");
    }
}
