//! What every command has in common, done once: arguments, `-o`, colour, closed pipes, exit
//! codes, names on stdin. This is the only crate that knows clap and the only one that
//! writes to stdout or stderr; a tool is its arguments and one [`Tool::run`].

mod args;
pub mod dry_run;
pub mod guide;
mod items;
mod write;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};
use ds01_fault::{Code, Fault};
use ds01_gate::Ran;
use ds01_site::Site;
use ds01_text::Output;

pub use args::{Change, Common};
pub use items::{Item, items};

use guide::Part;

/// Whom a command speaks to by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Plumbing: JSON unless told otherwise.
    Programs,
    /// Text unless `--json` or `-o` says otherwise.
    People,
}

/// A command: its arguments, and what it does with them.
pub trait Tool: Args + Sized {
    /// The name on PATH.
    const NAME: &'static str;
    /// What it does, in the words of its man page's NAME line; no full stop.
    const ABOUT: &'static str;
    const FOR: For = For::Programs;

    fn run(self, site: &Site) -> Result<Output, Fault>;

    /// Whether this takes root and whoever asks is not: then the Docker door runs the same
    /// line for them, and the answer is what it said.
    fn at_the_door(&self, _site: &Site) -> bool {
        false
    }
}

/// A command as the lists of commands know it: the multicall binary, the man pages, the
/// completions.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub name: &'static str,
    pub about: &'static str,
    pub command: fn() -> Command,
    /// Runs it on a command line, the name first.
    pub main: fn(Vec<OsString>) -> ExitCode,
}

impl Entry {
    pub const fn of<T: Tool>() -> Self {
        Self { name: T::NAME, about: T::ABOUT, command: command::<T>, main: main_on::<T> }
    }
}

/// The whole of a command as clap sees it.
pub fn command<T: Tool>() -> Command {
    let command = Command::new(T::NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .max_term_width(100)
        .after_help(format!("See {}(1) for what it is for and examples.", T::NAME));
    // Last, since clap takes the comment above each set of options for the command's.
    Common::augment_args(T::augment_args(command)).about(T::ABOUT).long_about(None::<&str>)
}

/// The `main` of every tool.
pub fn main<T: Tool>() -> ExitCode {
    main_on::<T>(std::env::args_os().collect())
}

fn main_on<T: Tool>(line: Vec<OsString>) -> ExitCode {
    let json_asked = args::json_asked(&line);
    match command::<T>().try_get_matches_from(&line) {
        Ok(matches) => run::<T>(&matches, &line, json_asked),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                write::text(&error.render().to_string())
            }
            _ => write::fault(&args::usage_fault(T::NAME, &error), json_asked),
        },
    }
}

fn run<T: Tool>(matches: &ArgMatches, line: &[OsString], json_asked: bool) -> ExitCode {
    let parsed = Common::from_arg_matches(matches)
        .and_then(|common| Ok((common, T::from_arg_matches(matches)?)));
    let (common, tool) = match parsed {
        Ok(both) => both,
        Err(error) => {
            return write::fault(&args::usage_fault(T::NAME, &error), json_asked);
        }
    };
    let site = Site::from_env();
    let guide = |part| {
        if common.guided {
            write::aside(&guide::text(&site, T::NAME, part));
        }
    };
    guide(Part::Before);
    if tool.at_the_door(&site) {
        let ran = at_the_door(&site, T::NAME, line);
        let then =
            if ran.as_ref().is_ok_and(|ran| ran.exit == 0) { Part::After } else { Part::Failed };
        let code = match ran {
            Ok(ran) => write::ran(&ran),
            Err(fault) => write::fault(&fault, common.asked_json()),
        };
        guide(then);
        return code;
    }
    match tool.run(&site) {
        Ok(output) => {
            let audience = if output.is_plain() { For::People } else { T::FOR };
            let code = write::output(output, &common, &common.form(audience));
            guide(Part::After);
            code
        }
        Err(fault) => {
            let code = write::fault(&fault, common.asked_json());
            // Whoever pressed Ctrl-C knows what happened.
            if fault.code != Code::Interrupted {
                guide(Part::Failed);
            }
            code
        }
    }
}

/// Has the door run the line. What is explained is explained here, where somebody reads it.
fn at_the_door(site: &Site, name: &str, line: &[OsString]) -> Result<Ran, Fault> {
    let args = line.iter().skip(1).filter(|arg| *arg != "--guided");
    let args: Option<Vec<&str>> = args.map(|arg| arg.to_str()).collect();
    let args = args.ok_or_else(|| Fault::usage("an argument is no UTF-8"))?;
    ds01_gate::run(site, name, &args, None)
}

/// Writes a fault the way a tool does, for the multicall binary's own complaints.
pub fn complain(fault: &Fault) -> ExitCode {
    write::fault(fault, false)
}

/// Writes plain text the way a tool does.
pub fn say(text: &str) -> ExitCode {
    write::text(text)
}

/// Tells somebody at a terminal that a step takes a while; in a pipe nobody is told.
pub fn progress(text: &str) {
    write::progress(text);
}

/// One refresh of something that is watched: at a terminal the whole screen anew, as lines
/// of JSON each item once.
pub fn screen(
    emit: ds01_text::Emit<'_>,
    items: impl Iterator<Item = serde_json::Value>,
    shown: &str,
) -> Result<(), Fault> {
    // The cursor to the first place, and all behind it gone: less flicker than clearing first.
    let clear = if std::io::stdout().is_terminal() { "\x1b[H\x1b[J" } else { "" };
    let mut words = format!("{clear}{shown}");
    let mut shown_yet = clear.is_empty();
    for item in items {
        emit(item, &words)?;
        words.clear();
        shown_yet = true;
    }
    // Where there is nothing any more, what was there must not stay on the screen.
    if shown_yet { Ok(()) } else { emit(serde_json::json!({}), &format!("{words}nothing to show")) }
}

/// clap's own check of a command's definition, for each tool's tests.
pub fn check<T: Tool>() {
    command::<T>().debug_assert();
}
