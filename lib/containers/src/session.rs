//! A person in a running container, from the first key to what is said when they are back.

use ds01_docker::Container;
use ds01_fault::Fault;

use crate::Mine;
use crate::terminal::{Ended, run, shell, somebody};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The command's own.
    pub code: u8,
    /// What goes on, for somebody at a terminal; a script reads only what the command wrote.
    pub words: Option<String>,
}

/// Runs `command`, or a shell where there is none, and comes back with its exit code.
pub fn open(mine: &Mine, container: &Container, command: &[String]) -> Result<Back, Fault> {
    let is_shell = command.is_empty();
    let shell = shell();
    let ended = run(mine.docker(), container, if is_shell { &shell } else { command })?;
    let code = match ended {
        Ended::Code(code) => code,
        Ended::Left => 0,
    };
    let words = (somebody() && (is_shell || ended == Ended::Left))
        .then(|| told(mine, container, ended))
        .flatten();
    Ok(Back { code, words })
}

fn told(mine: &Mine, container: &Container, ended: Ended) -> Option<String> {
    // It may have stopped in the meantime, or be gone.
    let seen = mine.docker().inspect(&container.id).ok().flatten()?;
    let mut words = mine.after(&seen).leaving(mine.now());
    if ended == Ended::Left {
        words = format!("Its terminal was left; what ran there goes on.\n{words}");
    }
    Some(words)
}
