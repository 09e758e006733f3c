//! container-pause - let containers stand still; they keep their GPU
//!
//! Their processes are frozen as they are and go on later where they stood. Nothing is given
//! back: neither memory nor GPU, and every time limit runs on.

use cli::{Change, For};
use ds01_containers::Mine;
use ds01_docker::State;
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use verbs::{Done, Fit, Names};

const FIT: Fit = Fit { verb: "pause", state: "running", fits: |state| *state == State::Running };

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    change: Change,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-pause";
    const ABOUT: &'static str = "let containers stand still; they keep their GPU";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mine = Mine::open(site)?;
        let all = self.names.is_all();
        let meant = self.names.some(site, &mine, FIT)?;
        if all && meant.names.is_empty() {
            return Ok(verbs::nothing("you have no running container"));
        }
        let dry_run = self.change.dry_run;
        Ok(verbs::each(&meant.names, dry_run, |name| pause(&mine, name, dry_run)))
    }
}

fn pause(mine: &Mine, typed: &str, dry_run: bool) -> Result<Done, Fault> {
    let container = mine.find(typed)?;
    let name = verbs::name(mine, &container);
    match container.state {
        State::Paused => {
            let words =
                mine.after(&container).paused().replacen("is paused", "is paused already", 1);
            return Ok(Done {
                document: verbs::document(mine, &container, "already_paused"),
                words,
            });
        }
        State::Running => {}
        _ => {
            return Err(Fault::failed(format!("{name} does not run, so it cannot be paused"))
                .why(format!("it is {}", container.state))
                .todo(format!("start it first: container-start {name}")));
        }
    }
    if dry_run {
        let words = format!("{name} would stand still until `container-unpause {name}`");
        return Ok(Done { document: verbs::document(mine, &container, "would_pause"), words });
    }
    mine.docker().post(&["containers", &container.id, "pause"], &[], None)?;
    let container = mine.docker().inspect(&container.id)?.unwrap_or(container);
    let words = format!(
        "{}\nTime limits run on. It goes on with: container-unpause {name}",
        mine.after(&container).paused()
    );
    Ok(Done { document: verbs::document(mine, &container, "paused"), words })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
