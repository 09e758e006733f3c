//! container-attach - a shell in a container that runs
//!
//! Any number of people's own terminals may be in one; leaving one stops nothing, and says
//! what goes on and until when.

use cli::For;
use ds01_containers::session::open;
use ds01_containers::{Mine, sudo};
use ds01_docker::{Container, State};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use verbs::Fit;

const FIT: Fit =
    Fit { verb: "attach to", state: "running", fits: |state| *state == State::Running };

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The container, by name or id
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-attach";
    const ABOUT: &'static str = "a shell in a container that runs";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        sudo::step_down(site)?;
        let mine = Mine::at_the_door(site)?;
        let container = verbs::one(site, &mine, self.name, FIT)?;
        if container.state != State::Running {
            return Err(stands(&container, &verbs::name(&mine, &container)));
        }
        Ok(verbs::back(open(&mine, &container, &[])?))
    }
}

fn stands(container: &Container, name: &str) -> Fault {
    let fault =
        Fault::failed(format!("{name} does not run")).detail("state", container.state.to_string());
    match container.state {
        State::Paused => {
            fault.why("it is paused").todo(format!("container-unpause {name} lets it go on"))
        }
        State::Created => fault
            .why("it was never started")
            .todo(format!("container-run {name} starts it and opens a shell")),
        _ => fault
            .why(format!("it is {}", container.state))
            .todo(format!("container-run {name} starts it and opens a shell")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }
}
