//! ds01 - every command in one file: `make install` links each name to it
//!
//! Called by a command's name it is that command; called as `ds01 COMMAND …` it runs it,
//! and alone it lists them.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use cli::guide::{self, Part};
use ds01::{GROUPS, Group};
use ds01_fault::Fault;
use ds01_site::Site;

/// Names that are less alike only mislead.
const ALIKE: f64 = 0.7;

fn main() -> ExitCode {
    let mut line: Vec<OsString> = std::env::args_os().collect();
    let own = name(line.first());
    if let Some(entry) = ds01::find(&own) {
        return (entry.main)(line);
    }
    if !line.is_empty() {
        line.remove(0);
    }
    match name(line.first()).as_str() {
        "" | "help" | "-h" | "--help" => cli::say(&list()),
        "-V" | "--version" => cli::say(concat!("ds01 ", env!("CARGO_PKG_VERSION"), "\n")),
        // For `make install`: the names on PATH, and those that are no links to this file.
        "--names" => cli::say(&names(|_| true)),
        "--apart" => cli::say(&names(|group| group.apart)),
        // For `make install`: second names, each with the command it stands for.
        "--aliases" => {
            let lines = ds01::ALIASES.iter().map(|(alias, own)| format!("{alias} {own}\n"));
            cli::say(&lines.collect::<String>())
        }
        // For scripts that were called with --guided: TOPIC before|after|failed.
        "--guide" => {
            let part = Part::named(&name(line.get(2))).unwrap_or(Part::Before);
            cli::say(&guide::text(&Site::from_env(), &name(line.get(1)), part))
        }
        // For the dispatchers: each name and what it does, tab-separated.
        "--abouts" => cli::say(
            &ds01::everything()
                .map(|(_, name, about)| format!("{name}\t{about}\n"))
                .chain(
                    ds01::ALIASES
                        .iter()
                        .map(|(alias, own)| format!("{alias}\tthe same as {own}\n")),
                )
                .collect::<String>(),
        ),
        // WORD NAME...: the name that is most like the word, if any is.
        "--near" => cli::say(&near(&line)),
        wanted => match ds01::find(wanted) {
            Some(entry) => (entry.main)(line),
            None if ds01::scripts().any(|script| script.name == wanted) => {
                script(wanted, &line[1..])
            }
            None => cli::complain(
                &Fault::usage(format!("ds01 has no command `{wanted}`"))
                    .todo("`ds01 help` lists the commands, ds01(7) says how they go together"),
            ),
        },
    }
}

fn name(word: Option<&OsString>) -> String {
    let file = word.map(Path::new).and_then(Path::file_name);
    file.unwrap_or_default().to_string_lossy().into_owned()
}

fn names(wanted: fn(&Group) -> bool) -> String {
    let groups = GROUPS.iter().filter(|group| wanted(group));
    groups.flat_map(|group| group.commands).map(|entry| format!("{}\n", entry.name)).collect()
}

fn near(line: &[OsString]) -> String {
    let word = name(line.get(1));
    let likeness = |other: &OsString| strsim::jaro_winkler(&word, &other.to_string_lossy());
    let alike = line.iter().skip(2).filter(|other| likeness(other) >= ALIKE);
    let nearest = alike.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.map(|name| format!("{}\n", name.to_string_lossy())).unwrap_or_default()
}

/// A script lies beside this file.
fn script(name: &str, arguments: &[OsString]) -> ExitCode {
    let file = std::env::current_exe().unwrap_or_default().with_file_name(name);
    let error = std::process::Command::new(&file).args(arguments).exec();
    cli::complain(
        &Fault::failed(format!("cannot run {}", file.display()))
            .why(error.to_string())
            .todo("`make install` puts it there"),
    )
}

fn list() -> String {
    let widest = ds01::everything().map(|(_, name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::from(
        "ds01 COMMAND [ARGUMENTS], or COMMAND alone; COMMAND --help and man COMMAND say more.\n",
    );
    let mut shown = "";
    for (title, name, about) in ds01::everything() {
        if title != shown {
            text += &format!("\n{title}\n");
            shown = title;
        }
        text += &format!("  {name:widest$}  {about}\n");
    }
    text
}
