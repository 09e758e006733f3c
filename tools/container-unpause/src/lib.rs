//! container-unpause - let paused containers go on
//!
//! They go on where they stood, on the GPU that they have kept.

use cli::{Change, For};
use ds01_containers::Mine;
use ds01_docker::State;
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use verbs::{Done, Fit, Names};

const FIT: Fit = Fit { verb: "unpause", state: "paused", fits: |state| *state == State::Paused };

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    change: Change,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-unpause";
    const ABOUT: &'static str = "let paused containers go on";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mine = Mine::open(site)?;
        let all = self.names.is_all();
        let meant = self.names.some(site, &mine, FIT)?;
        if all && meant.names.is_empty() {
            return Ok(verbs::nothing("you have no paused container"));
        }
        let dry_run = self.change.dry_run;
        Ok(verbs::each(&meant.names, dry_run, |name| unpause(&mine, name, dry_run)))
    }
}

fn unpause(mine: &Mine, typed: &str, dry_run: bool) -> Result<Done, Fault> {
    let container = mine.find(typed)?;
    let name = verbs::name(mine, &container);
    match container.state {
        State::Paused => {}
        State::Running => {
            let words = format!("{name} runs already");
            return Ok(Done {
                document: verbs::document(mine, &container, "already_running"),
                words,
            });
        }
        _ => {
            return Err(Fault::failed(format!("{name} is not paused"))
                .why(format!("it is {}", container.state))
                .todo(format!("start it: container-start {name}")));
        }
    }
    if dry_run {
        let words = format!("{name} would go on");
        return Ok(Done { document: verbs::document(mine, &container, "would_unpause"), words });
    }
    mine.docker().post(&["containers", &container.id, "unpause"], &[], None)?;
    let container = mine.docker().inspect(&container.id)?.unwrap_or(container);
    let words = mine.after(&container).leaving(mine.now());
    Ok(Done { document: verbs::document(mine, &container, "unpaused"), words })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
