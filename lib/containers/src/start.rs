//! Starting a container: by the door its GPU is taken up again, or it is said who has it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ds01_docker::{Container, Method, State};
use ds01_fault::{Code, Fault};
use serde::Serialize;

use crate::inside::{furnish, is_furnished};
use crate::refusal::judged;
use crate::{Mine, create, unsure};

/// Pulling up a large container on a busy disk takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// A program that ends at once does so within this.
const SETTLES: Duration = Duration::from_millis(150);
const PAUSE: Duration = Duration::from_millis(30);

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    Started,
    Unpaused,
    AlreadyRunning,
}

impl Did {
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Unpaused => "unpaused",
            Self::AlreadyRunning => "already_running",
        }
    }
}

/// Starts it, or lets it go on where it was paused.
pub fn start(mine: &Mine, container: &Container, name: &str) -> Result<Did, Fault> {
    match container.state {
        State::Running | State::Restarting => return Ok(Did::AlreadyRunning),
        State::Paused => {
            ask(mine, container, name, "unpause", "does not go on")?;
            return Ok(Did::Unpaused);
        }
        State::Created => complete(mine, container)?,
        _ => {}
    }
    ask(mine, container, name, "start", "is not started")?;
    still_runs(mine, container, name)?;
    Ok(Did::Started)
}

fn ask(mine: &Mine, container: &Container, name: &str, verb: &str, not: &str) -> Result<(), Fault> {
    let docker = mine.docker().clone().patience(PATIENCE);
    let path = ["containers", container.id.as_str(), verb];
    let short = |name: &str| mine.short(name).to_owned();
    let asked = docker
        .send(Method::Post, &path, &[], None)
        .and_then(|answer| judged(answer, &format!("{name} {not}"), &short));
    let Err(fault) = asked else { return Ok(()) };
    let why = fault.clone();
    match unsure::look(mine, &container.id, name, "runs now", fault) {
        // The answer was lost, not what it said.
        Ok(Some(seen)) if seen.state == State::Running => Ok(()),
        Ok(None) => Err(Fault::not_found(format!("{name} {not}: it is gone")).why(why.what)),
        Ok(Some(_)) => Err(unsure::so(&format!("{name} {not}"), why)),
        Err(fault) => Err(told(fault, name)),
    }
}

/// What helps somebody whose container lost its GPU: the work in the workspace is safe.
fn told(fault: Fault, name: &str) -> Fault {
    let code = fault.details.get("code").and_then(|code| code.as_str()).unwrap_or_default();
    match code {
        "limit.gpus" | "gpu.moved" => {
            let ways =
                if fault.todo.is_empty() { String::new() } else { format!("{}; ", fault.todo) };
            let todo = format!(
                "{ways}or make it anew with another GPU (container-remove {name}, then container-create): /workspace stays"
            );
            fault.todo(todo)
        }
        _ => fault,
    }
}

/// Somebody whose client was killed half-way through making it finds it whole.
fn complete(mine: &Mine, container: &Container) -> Result<(), Fault> {
    let ours = matches!(container.label("ds01.interface"), Some("atomic" | "orchestration"));
    let own = mine.owner_of_container(container).as_deref() == Some(mine.user());
    if ours && own && !is_furnished(mine.docker(), &container.id)? {
        furnish(mine.docker(), &container.id, &create::resident(mine), mine.now())?;
    }
    Ok(())
}

fn still_runs(mine: &Mine, container: &Container, name: &str) -> Result<(), Fault> {
    let until = Instant::now() + SETTLES;
    loop {
        let Some(seen) = mine.docker().inspect(&container.id)? else {
            return Err(Fault::failed(format!("{name} has ended, and is gone"))
                .why("it was made to be removed when it ends (--rm)"));
        };
        if !seen.is_running() {
            return Err(Fault::new(Code::Failed, format!("{name} has ended at once"))
                .why(format!("its program ended with exit code {}", seen.exit_code))
                .todo(format!("`container-logs {name}` shows what it said")));
        }
        if Instant::now() >= until {
            return Ok(());
        }
        sleep(PAUSE);
    }
}
