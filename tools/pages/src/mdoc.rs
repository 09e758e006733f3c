//! The OPTIONS part of a man page, in mdoc, from the command's own definition.

use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use ds01_fault::{Code, Context, Fault};

use crate::{Page, scripts, splice::splice};

pub const BEGIN: &str = ".\\\" options: begin";
pub const END: &str = ".\\\" options: end";

pub fn pages(tree: &Path) -> Result<Vec<Page>, Fault> {
    let tools = ds01::commands().map(|entry| {
        let mut command = (entry.command)();
        command.build();
        page(tree, entry.name, entry.about, &options(&command))
    });
    // A script's common options stand in its table with the others.
    let scripts = ds01::scripts().map(|script| {
        let part = list(&scripts::command(script), |arg| !arg.is_positional());
        page(tree, script.name, script.about, &part)
    });
    tools.chain(scripts).collect()
}

fn page(tree: &Path, name: &str, about: &str, options: &str) -> Result<Page, Fault> {
    let path = tree.join(format!("man/{name}.1"));
    let text =
        fs::read_to_string(&path).or_fault(Code::Failed, || format!("{name} has no man page"))?;
    if !text.contains(&format!(".Nd {about}\n")) {
        return Err(Fault::failed(format!("man/{name}.1: its NAME line is not `{about}`")));
    }
    let text = splice(name, &text, BEGIN, END, options)?;
    Ok(Page { path, text })
}

/// Arguments of the command, then those of each verb under a heading of its own.
fn options(command: &Command) -> String {
    let mut text = list(command, |arg| !arg.is_global_set());
    for verb in command.get_subcommands() {
        text += &format!(".Ss {}\n", words(verb.get_name()));
        if let Some(about) = verb.get_long_about().or_else(|| verb.get_about()) {
            text += &sentence(&about.to_string());
        }
        text += &list(verb, |arg| !arg.is_global_set());
    }
    text + ".Ss Common options\n" + &list(command, Arg::is_global_set)
}

fn list(command: &Command, wanted: impl Fn(&Arg) -> bool) -> String {
    let shown = |arg: &&Arg| {
        !arg.is_hide_set() && wanted(arg) && !matches!(arg.get_id().as_str(), "help" | "version")
    };
    let items: String = command.get_arguments().filter(shown).map(item).collect();
    if items.is_empty() { items } else { format!(".Bl -tag -width Ds\n{items}.El\n") }
}

fn item(arg: &Arg) -> String {
    let value = if arg.get_action().takes_values() {
        let names = arg.get_value_names().unwrap_or_default().join(" ");
        let dots = matches!(arg.get_action(), ArgAction::Append)
            || arg.get_num_args().is_some_and(|n| n.max_values() > 1);
        format!(" Ar \"{}{}\"", words(&names), if dots { " ..." } else { "" })
    } else {
        String::new()
    };
    let flags: Vec<String> = arg
        .get_short()
        .map(|short| format!("Fl {short}"))
        .into_iter()
        .chain(arg.get_long().map(|long| format!("Fl -{long}")))
        .collect();
    let head = if flags.is_empty() { value.trim().to_owned() } else { flags.join(" , ") + &value };
    let mut help =
        arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let possible: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|v| !v.is_hide_set())
        .map(|v| v.get_name().to_owned())
        .collect();
    if arg.get_action().takes_values() && !possible.is_empty() {
        help += &format!("; one of {}", possible.join(", "));
    }
    let default: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !default.is_empty() {
        help += &format!(" (default {})", default.join(" "));
    }
    format!(".It {head}\n{}", sentence(&help))
}

/// A help text as lines of a page: full stop at the end, nothing taken for a macro.
fn sentence(help: &str) -> String {
    let help = help.trim();
    let stop = if help.is_empty() || help.ends_with('.') { "" } else { "." };
    let mut text = String::new();
    for paragraph in format!("{help}{stop}").split("\n\n") {
        if !text.is_empty() {
            text += ".Pp\n";
        }
        for line in paragraph.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let safe = words(line);
            text += if safe.starts_with(['.', '\'']) { "\\&" } else { "" };
            text += &safe.replace(". ", ".\n");
            text.push('\n');
        }
    }
    text
}

fn words(text: &str) -> String {
    text.replace('\\', "\\e").replace('"', "\\(dq").replace('`', "\\(ga")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_becomes_sentences_that_are_no_macros() {
        assert_eq!(sentence("One. Two"), "One.\nTwo.\n");
        assert_eq!(sentence(".hidden \"x\""), "\\&.hidden \\(dqx\\(dq.\n");
    }

    #[test]
    fn an_option_shows_its_flags_value_and_default() {
        let arg = Arg::new("last")
            .short('n')
            .long("last")
            .value_name("N")
            .default_value("5")
            .help("How many");
        assert_eq!(item(&arg), ".It Fl n , Fl -last Ar \"N\"\nHow many (default 5).\n");
    }
}
