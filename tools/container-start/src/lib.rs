//! container-start - start containers; each takes up its GPU again
//!
//! The door looks whether the GPU is still there and still this container's, or free; what
//! stands in the way otherwise is told, with who has it since when.

use cli::For;
use cli::dry_run::marked;
use ds01_containers::start::{Did, start};
use ds01_containers::{Mine, sudo};
use ds01_docker::State;
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use verbs::{Done, Fit, Names};

const FIT: Fit =
    Fit { verb: "start", state: "stopped", fits: |state| !matches!(state, State::Running) };

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    names: Names,
    /// Show what would be started, and start nothing
    #[arg(long)]
    dry_run: bool,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-start";
    const ABOUT: &'static str = "start containers; each takes up its GPU again";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        sudo::step_down(site)?;
        let mine = Mine::at_the_door(site)?;
        let dry_run = self.dry_run;
        let names = self.names.some(site, &mine, FIT)?.names;
        if names.is_empty() {
            return Ok(verbs::nothing("nothing to start"));
        }
        Ok(verbs::each(&names, dry_run, |typed| one(&mine, typed, dry_run)))
    }
}

fn one(mine: &Mine, typed: &str, dry_run: bool) -> Result<Done, Fault> {
    let container = mine.find(typed)?;
    let name = verbs::name(mine, &container);
    if dry_run {
        let did = match container.state {
            State::Running => Did::AlreadyRunning,
            State::Paused => Did::Unpaused,
            _ => Did::Started,
        };
        let words = match did {
            Did::Started => format!("{name} would be started"),
            Did::Unpaused => format!("{name} would go on"),
            Did::AlreadyRunning => format!("{name} runs already"),
        };
        let document = marked(verbs::document(mine, &container, did.word()), true);
        return Ok(Done { document, words });
    }
    let did = start(mine, &container, &name)?;
    // What it has now: the ledger may have given it another slot.
    let container = mine.docker().inspect(&container.id)?.unwrap_or(container);
    let words = match did {
        Did::Started => format!("{name} runs."),
        Did::Unpaused => format!("{name} goes on; it was paused."),
        Did::AlreadyRunning => format!("{name} runs already."),
    };
    let after = mine.after(&container).leaving(mine.now());
    // What goes on, less the line that says that it does.
    let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    let hint = match container.label("ds01.interface") {
        Some("orchestration") => String::new(),
        _ => format!("\n`container-attach {name}` opens a shell in it."),
    };
    let words = format!("{words}\n{rest}{hint}");
    Ok(Done { document: verbs::document(mine, &container, did.word()), words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn what_was_only_created_can_be_started_too() {
        assert!((FIT.fits)(&State::Created) && (FIT.fits)(&State::Exited));
        assert!((FIT.fits)(&State::Paused) && !(FIT.fits)(&State::Running));
    }
}
