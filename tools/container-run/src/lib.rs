//! container-run - start a container if need be, and work in it
//!
//! A shell, or the command behind `--`, with its exit code. Whatever ends here stops nothing:
//! the container goes on, and so does what runs in its background.

use cli::For;
use ds01_containers::session::open;
use ds01_containers::start::{Did, start};
use ds01_containers::{Mine, sudo};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use verbs::Fit;

const FIT: Fit = Fit { verb: "run", state: "", fits: |_| true };

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The container, by name or id
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// What to run instead of a shell, as it is
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-run";
    const ABOUT: &'static str = "start a container if need be, and work in it";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        sudo::step_down(site)?;
        let mine = Mine::at_the_door(site)?;
        let container = verbs::one(site, &mine, self.name, FIT)?;
        let name = verbs::name(&mine, &container);
        if !matches!(container.state, ds01_docker::State::Running) {
            cli::progress(&format!("starting {name} ..."));
        }
        if start(&mine, &container, &name)? == Did::Unpaused {
            cli::progress(&format!("{name} was paused and goes on"));
        }
        let back = open(&mine, &container, &self.command)?;
        Ok(verbs::back(back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn pitfall_4_a_programs_own_flags_are_its_own() {
        let line = ["container-run", "train", "--", "python", "train.py", "--gpus", "4", "-h"];
        let matches = cli::command::<Args>().try_get_matches_from(line).unwrap();
        let args = Args::from_arg_matches(&matches).unwrap();
        assert_eq!(args.command, ["python", "train.py", "--gpus", "4", "-h"]);
    }
}
