//! The options every command understands, and usage errors in three lines.

use std::ffi::OsString;

use clap::Args;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use ds01_fault::Fault;

use crate::For;

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Form of the answer: json, text, or fields of it, raw and tab-separated
    #[arg(short = 'o', long = "output", value_name = "json|text|FIELD,...", global = true)]
    output: Option<String>,
    /// The same as -o json
    #[arg(long, conflicts_with = "output", global = true)]
    json: bool,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No colour, also when NO_COLOR is set in the environment
    #[arg(long, global = true)]
    no_color: bool,
    /// Explain what happens and what comes next, on stderr
    #[arg(long, global = true)]
    pub(crate) guided: bool,
}

/// The form an answer is wanted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Text,
    Fields(String),
}

impl Common {
    /// Whether JSON was asked for in so many words. Only then are faults objects too: what
    /// goes to stderr unasked is read by people, also from plumbing.
    pub fn asked_json(&self) -> bool {
        self.json || self.output.as_deref() == Some("json")
    }

    /// The form never depends on whether stdout is a terminal.
    pub fn form(&self, audience: For) -> Form {
        match self.output.as_deref() {
            Some("json") => Form::Json,
            Some("text") => Form::Text,
            Some(fields) => Form::Fields(fields.to_owned()),
            None if self.json || audience == For::Programs => Form::Json,
            None => Form::Text,
        }
    }
}

/// Options of a command that changes something.
#[derive(Args, Clone, Copy, Debug)]
pub struct Change {
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer every question with yes
    #[arg(short, long)]
    pub yes: bool,
}

/// Whether the command line asks for JSON, read without clap: it may refuse the line.
pub(crate) fn json_asked(line: &[OsString]) -> bool {
    let words: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
    words.iter().enumerate().any(|(i, word)| match word.as_ref() {
        "-o" | "--output" => words.get(i + 1).is_some_and(|form| form == "json"),
        "--json" | "--output=json" | "-ojson" | "-o=json" => true,
        _ => false,
    })
}

/// clap's complaint as what, why and what to do.
pub(crate) fn usage_fault(name: &str, error: &clap::Error) -> Fault {
    // Here clap renders the whole help, whose first line says nothing of what is wrong.
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Fault::usage(format!("{name} needs a verb"))
            .todo(format!("`{name} --help` lists what it takes"));
    }
    let rendered = error.render().to_string();
    let mut lines = rendered.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what).trim_end_matches(':').to_owned();
    let hint =
        [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand]
            .into_iter()
            .find_map(|kind| error.get(kind))
            .and_then(first)
            .map(|near| format!("did you mean `{near}`?"));
    // What clap lists below its first line (missing arguments, possible values).
    let list: Vec<&str> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.starts_with("tip:"))
        .collect();
    Fault::usage(what)
        .why(hint.unwrap_or_else(|| list.join(" ")))
        .todo(format!("`{name} --help` lists what it takes"))
}

fn first(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(near) => Some(near.clone()),
        ContextValue::Strings(all) => all.first().cloned(),
        _ => None,
    }
}
