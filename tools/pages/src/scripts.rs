//! A script of `shell/` as clap would see it, so that its page and completions are made like
//! every other command's.

use clap::{Arg, ArgAction, Command, ValueHint};
use ds01::Script;

pub fn command(script: &Script) -> Command {
    let options = script.options.iter().map(|(flags, help)| option(flags, help));
    Command::new(script.name)
        .about(script.about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(options)
        .args(positional(script.usage).map(|arg| verbs(script.name, arg)))
}

/// The same with the options that are passed on: `[OPTIONS OF CONTAINER-CREATE]`.
pub fn completed(script: &Script) -> Command {
    let own = command(script);
    let passed =
        script.usage.split_once("OPTIONS OF ").and_then(|(_, rest)| rest.split(']').next());
    let Some(other) = passed.and_then(|name| ds01::find(&name.to_lowercase())) else {
        return own;
    };
    let is_own = |arg: &Arg| {
        own.get_arguments().any(|known| {
            known.get_long().is_some() && known.get_long() == arg.get_long()
                || known.get_short().is_some() && known.get_short() == arg.get_short()
        })
    };
    let mut other = (other.command)();
    other.build();
    let more: Vec<Arg> = other
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set() && !is_own(arg))
        .map(|arg| {
            // Alone: what it excludes or needs may not be among those that are here.
            let bare = Arg::new(arg.get_id().clone()).action(arg.get_action().clone());
            let bare = arg.get_short().into_iter().fold(bare, Arg::short);
            let bare = arg.get_long().map(kept).into_iter().fold(bare, Arg::long);
            let bare = arg.get_help().cloned().into_iter().fold(bare, Arg::help);
            arg.get_value_names().map(<[_]>::to_vec).into_iter().fold(bare, Arg::value_names)
        })
        .collect();
    own.args(more)
}

/// clap wants names that live as long as this short program.
fn kept(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// What may follow a dispatcher: the commands that begin with its name.
fn verbs(dispatcher: &str, arg: Arg) -> Arg {
    if !matches!(arg.get_id().as_str(), "VERB" | "WHAT") {
        return arg;
    }
    let begins = |name: &'static str| name.strip_prefix(dispatcher)?.strip_prefix('-');
    arg.value_parser(ds01::everything().filter_map(|(_, name, _)| begins(name)).collect::<Vec<_>>())
}

/// `-w, --workspace DIR`: flags, then the word for a value.
fn option(flags: &'static str, help: &'static str) -> Arg {
    let words: Vec<&str> = flags.split([' ', ',', '=']).filter(|word| !word.is_empty()).collect();
    let long = words.iter().find_map(|word| word.strip_prefix("--"));
    let short = words
        .iter()
        .filter(|word| !word.starts_with("--"))
        .find_map(|word| word.strip_prefix('-')?.chars().next());
    let arg = Arg::new(flags).help(sentence(help));
    let arg = long.into_iter().fold(arg, Arg::long);
    let arg = short.into_iter().fold(arg, Arg::short);
    match words.iter().find(|word| !word.starts_with('-')) {
        Some(value) => arg.value_name(*value).value_hint(hint(value)),
        None => arg.action(ArgAction::SetTrue),
    }
}

/// The first word of the usage that stands for something and is no option's value.
fn positional(usage: &'static str) -> Option<Arg> {
    let words = usage.split(' ').skip(1);
    let mut before = "";
    for word in words {
        let bare = word.trim_matches(['[', ']', '.']);
        let value = before.starts_with(['-', '[']) && !before.ends_with(']');
        if !value && bare.starts_with(|c: char| c.is_ascii_uppercase()) {
            let arg = Arg::new(bare).value_name(bare).value_hint(hint(bare));
            return Some(if usage.contains("...") { arg.num_args(0..) } else { arg });
        }
        before = word;
    }
    None
}

fn hint(value: &str) -> ValueHint {
    match value {
        "USER" => ValueHint::Username,
        "DIR" => ValueHint::DirPath,
        "FILE" => ValueHint::FilePath,
        _ => ValueHint::Other,
    }
}

/// The words of `--help` begin small; a page's sentence does not.
fn sentence(help: &str) -> String {
    let mut letters = help.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_line_is_flags_and_value() {
        let arg = option("-w, --workspace DIR", "where it lies");
        assert_eq!((arg.get_short(), arg.get_long()), (Some('w'), Some("workspace")));
        assert_eq!(arg.get_value_names().unwrap_or_default().len(), 1);
        let arg = option("-Y", "yes");
        assert_eq!((arg.get_short(), arg.get_long()), (Some('Y'), None));
    }

    #[test]
    fn a_positional_is_no_value_of_an_option() {
        let name = |usage| positional(usage).map(|arg| arg.get_id().to_string());
        assert_eq!(name("x [--dry-run] [-y] USER"), Some("USER".to_owned()));
        assert_eq!(name("x [-w DIR] NAME..."), Some("NAME".to_owned()));
        assert_eq!(name("x [--uninstall]"), None);
    }
}
