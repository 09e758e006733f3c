//! container-stop - stop containers; their GPU is kept for the hold
//!
//! Each is asked to end and killed when it does not within its time, all at once, since one
//! may take a minute. What stops stays, with its GPU, for as long as its limits say.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cli::{Change, For};
use ds01_containers::interrupt::{Held, interrupted};
use ds01_containers::{Mine, unsure};
use ds01_docker::{Container, State};
use ds01_fault::{Code, Fault};
use ds01_site::Site;
use ds01_text::{Output, printable};
use ds01_units::Span;
use serde_json::{Value, json};
use verbs::{Done, Fit, Names};

/// Beyond the time that a container has to end: for the daemon to tell.
const MARGIN: Duration = Duration::from_secs(30);
/// At once; more would only queue in the daemon.
const TOGETHER: usize = 16;

/// Between two looks whether somebody has pressed Ctrl-C.
const GLANCE: Duration = Duration::from_millis(50);

const FIT: Fit = Fit { verb: "stop", state: "running", fits: State::is_running };

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    names: Names,
    /// Kill at once; what is not saved is lost
    #[arg(short, long, conflicts_with = "timeout")]
    force: bool,
    /// How long one may take to end before it is killed; the limits say it otherwise
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    timeout: Option<Span>,
    #[command(flatten)]
    change: Change,
}

/// `30s`, `2m`, or seconds alone, as docker stop has them.
fn time(text: &str) -> Result<Span, String> {
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Span::from_secs(seconds.into())),
        Err(_) => text.parse().map_err(|bad: ds01_units::BadUnit| bad.to_string()),
    }
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-stop";
    const ABOUT: &'static str = "stop containers; their GPU is kept for the hold";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mine = Mine::open(site)?;
        let all = self.names.is_all();
        let meant = self.names.some(site, &mine, FIT)?;
        if all && meant.names.is_empty() {
            return Ok(verbs::nothing("you have no running container"));
        }
        if all && !self.change.dry_run {
            let question = format!("Stop {}?", verbs::count(meant.names.len(), "container"));
            if !verbs::agreed(site, self.change.yes || self.force, &question)? {
                return Ok(verbs::nothing("nothing is stopped"));
            }
        }
        let how = How { force: self.force, timeout: self.timeout, dry_run: self.change.dry_run };
        let mut outcomes = together(mine, &meant.names, how)?;
        Ok(verbs::each(&meant.names, how.dry_run, |name| {
            outcomes.remove(name).unwrap_or_else(|| Err(Fault::failed(format!("{name} was lost"))))
        }))
    }
}

#[derive(Clone, Copy, Debug)]
struct How {
    force: bool,
    timeout: Option<Span>,
    dry_run: bool,
}

/// Outcomes as far as they have come: somebody who presses Ctrl-C is told what goes on.
fn together(
    mine: Mine,
    names: &[String],
    how: How,
) -> Result<BTreeMap<String, Result<Done, Fault>>, Fault> {
    // Before any thread begins, which then holds them back too.
    let held = Held::back()?;
    let mine = Arc::new(mine);
    let all: Vec<String> = names.to_vec();
    let waiting = Arc::new(Mutex::new(all.into_iter()));
    let (told, outcome) = channel();
    for _ in 0..names.len().min(TOGETHER) {
        let (mine, waiting, told) = (Arc::clone(&mine), Arc::clone(&waiting), told.clone());
        thread::spawn(move || {
            let next = || waiting.lock().ok()?.next();
            while let Some(name) = next() {
                let _ = told.send((name.clone(), stop(&mine, &name, how)));
            }
        });
    }
    drop(told);
    let mut outcomes = BTreeMap::new();
    loop {
        match outcome.recv_timeout(GLANCE) {
            Ok((name, done)) => {
                outcomes.insert(name, done);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(outcomes),
            Err(RecvTimeoutError::Timeout) if held.came() => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    for name in names.iter().filter(|name| !outcomes.contains_key(*name)).collect::<Vec<_>>() {
        let fault = interrupted(format!("{} may not have stopped yet", printable(name)))
            .todo("Docker goes on with what it was asked; `container-list` shows how far it is");
        outcomes.insert(name.clone(), Err(fault));
    }
    Ok(outcomes)
}

fn stop(mine: &Mine, typed: &str, how: How) -> Result<Done, Fault> {
    let container = mine.find(typed)?;
    let name = verbs::name(mine, &container);
    if !container.is_running() {
        return Ok(already(mine, &container));
    }
    let patience = how.timeout.unwrap_or_else(|| grace(mine, &container));
    if how.dry_run {
        let words = match how.force {
            true => format!("{name} would be killed at once"),
            false => {
                format!("{name} would be asked to end, and killed after {}", patience.words())
            }
        };
        return Ok(Done { document: verbs::document(mine, &container, "would_stop"), words });
    }
    cli::progress(&match how.force {
        true => format!("killing {name} ..."),
        false => format!("stopping {name}, for at most {} ...", patience.words()),
    });
    end(mine, &container, patience, how.force)?;
    let ended = mine.docker().inspect(&container.id)?;
    // It goes a moment after it has ended, or just before we look.
    let ended = ended.filter(|ended| ended.is_running() || !container.auto_remove);
    let Some(ended) = ended else {
        let words = format!("{name} is stopped, and gone: it was made to be removed then (--rm)");
        let document = verbs::document(mine, &container, "stopped_and_removed");
        return Ok(Done { document, words });
    };
    if ended.is_running() {
        return Err(Fault::failed(format!("{name} runs again"))
            .why("somebody or its restart policy has started it in the meantime")
            .todo(format!("docker update --restart=no {0}; container-stop {0}", container.name)));
    }
    Ok(told(mine, &ended, patience, how.force))
}

/// How long its limits give it, by its kind.
fn grace(mine: &Mine, container: &Container) -> Span {
    let limits = mine.limits_of(container);
    limits.map_or(Span::from_secs(10), |limits| {
        limits.lifecycle(ds01_containers::after::kind(container)).sigterm_grace
    })
}

fn end(mine: &Mine, container: &Container, patience: Span, force: bool) -> Result<(), Fault> {
    let id = container.id.as_str();
    let docker = mine.docker().clone().patience(Duration::from(patience) + MARGIN);
    let asked = if force {
        docker.post(&["containers", id, "kill"], &[("signal", "SIGKILL")], None)
    } else {
        // A frozen process hears no signal, and would only be killed.
        if container.state == State::Paused {
            docker.post(&["containers", id, "unpause"], &[], None)?;
        }
        let seconds = patience.millis().div_ceil(1000).to_string();
        docker.post(&["containers", id, "stop"], &[("t", &seconds)], None)
    };
    match asked {
        // It may have ended by itself a moment before.
        Err(fault) if fault.code == Code::Failed || fault.code == Code::NotFound => {
            match mine.docker().inspect(id)? {
                Some(still) if still.is_running() => return Err(fault),
                _ => return Ok(()),
            }
        }
        // The answer was lost; what it would have said is looked up.
        Err(fault) if fault.code == Code::Unreachable => {
            let name = verbs::name(mine, container);
            let why = fault.clone();
            return match unsure::look(mine, id, &name, "was stopped", fault)? {
                Some(still) if still.is_running() => {
                    Err(Fault { what: format!("{name} still runs: {}", why.what), ..why })
                }
                _ => Ok(()),
            };
        }
        other => other?,
    };
    if force {
        let wait = docker.post(&["containers", id, "wait"], &[("condition", "not-running")], None);
        // One that is removed when it ends is gone by then.
        wait.map(|_| ()).or_else(|fault| match fault.code {
            Code::NotFound => Ok(()),
            _ => Err(fault),
        })?;
    }
    Ok(())
}

fn already(mine: &Mine, container: &Container) -> Done {
    let name = verbs::name(mine, container);
    let words = match container.state {
        State::Created => format!("{name} was never started: there is nothing to stop"),
        _ => {
            let after = mine.after(container).stopped(mine.now());
            after.replacen("is stopped.", "is stopped already.", 1)
        }
    };
    Done { document: verbs::document(mine, container, "already_stopped"), words }
}

fn told(mine: &Mine, ended: &Container, patience: Span, force: bool) -> Done {
    // The kernel's number for a kill: 128 and SIGKILL.
    let killed = !force && ended.exit_code == 137;
    let mut document = verbs::document(mine, ended, if force { "killed" } else { "stopped" });
    if let Value::Object(into) = &mut document {
        into.insert("exit_code".into(), json!(ended.exit_code));
    }
    let mut words = mine.after(ended).stopped(mine.now());
    if killed {
        words += &format!(
            "\nIt did not end within {} (or was killed for memory): exit code 137.",
            patience.words()
        );
    }
    Done { document, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_time_may_be_seconds_alone() {
        assert_eq!(time("5"), Ok(Span::from_secs(5)));
        assert_eq!(time("2m"), Ok(Span::minutes(2)));
        assert!(time("-1").is_err() && time("soon").is_err());
    }
}
