//! container-exit - what goes on when you leave a container, and until when
//!
//! It changes nothing. Outside it tells of each running container by the limits that hold
//! for it; inside one, where there is no Docker to ask, what is true of all.

use std::path::Path;

use cli::For;
use ds01_containers::Mine;
use ds01_docker::{Container, State};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use serde_json::{Value, json};

const LEAVING: &str = "\
Leaving a shell of container-attach, container-run or docker exec (exit, or Ctrl-D) ends that
shell and nothing else. So does closing the terminal, an editor or the laptop, except that what
the shell itself has started may end with it: tmux, or nohup COMMAND &, keeps that running.
Only the shell that a container was made with (docker run -it IMAGE bash) is the container:
when that one ends, the container stops. Ctrl-P Ctrl-Q leaves it running.
";

const ENDING: &str = "\
container-stop NAME     stops it; its GPU and what was changed in it are kept for a while
container-remove NAME   removes it and frees the GPU at once; mounted directories stay
";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Containers, by name or id; all of yours that run when none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-exit";
    const ABOUT: &'static str = "what goes on when you leave a container, and until when";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        if self.names.is_empty() && inside() {
            return Ok(Output::many(Vec::<Value>::new()).text(format!("{LEAVING}\n{ENDING}")));
        }
        let mine = Mine::open(site)?;
        let (mut documents, mut words, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        let mut add = |container: &Container| {
            documents.push(document(&mine, container));
            words.push(tell(&mine, container));
        };
        if self.names.is_empty() {
            for listed in mine.all()? {
                if let Some(container) = mine.docker().inspect(&listed.id)?
                    && container.is_running()
                {
                    add(&container);
                }
            }
        }
        for name in &self.names {
            match mine.find(name) {
                Ok(container) => add(&container),
                Err(fault) => faults.push(fault),
            }
        }
        let own = if words.is_empty() && self.names.is_empty() {
            "No container of yours runs.\n".to_owned()
        } else {
            words.join("\n\n") + "\n"
        };
        let text = match documents.is_empty() && !self.names.is_empty() {
            true => String::new(),
            false => format!("{LEAVING}\n{own}\n{ENDING}"),
        };
        Ok(faults.into_iter().fold(Output::many(documents).text(text), Output::fault))
    }
}

/// Docker leaves this file in every container.
fn inside() -> bool {
    Path::new("/.dockerenv").exists()
}

fn document(mine: &Mine, container: &Container) -> Value {
    let mut document = json!(mine.after(container));
    if let Value::Object(object) = &mut document {
        object.insert("container".into(), json!(container.name));
        object.insert("goes_on".into(), json!(container.state == State::Running));
    }
    document
}

fn tell(mine: &Mine, container: &Container) -> String {
    mine.after(container).leaving(mine.now())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
