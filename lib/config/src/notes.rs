//! What is wrong with a config, shown so that the eye falls on it.

use std::fmt::Write;
use std::path::PathBuf;

use ds01_fault::Fault;
use serde::Serialize;
use serde_json::json;

use crate::file::{File, Spot, narrow};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No limits come from this config until it is mended.
    Error,
    /// It works, and probably not as meant.
    Warning,
}

/// One fault of a config.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    pub file: PathBuf,
    /// From 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// How many characters are meant.
    pub length: u32,
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
    /// The line itself; of a very long one the part around the column.
    pub source_line: String,
    /// How many characters of the line come before that part.
    #[serde(skip)]
    before: u32,
}

/// A line longer than this is shown in part.
const WIDEST: usize = 160;

impl Diagnostic {
    /// Four lines: place and message, the line, the caret, what to do.
    pub fn render(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let file = visible(&self.file.to_string_lossy());
        let (message, help) = (visible(&self.message), visible(&self.help));
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = if self.line == 0 {
            writeln!(out, "{file}: {severity}: {message}")
        } else {
            writeln!(out, "{file}:{}:{}: {severity}: {message}", self.line, self.column)
        };
        if self.line > 0 {
            let shown = visible(&self.source_line);
            let column = (self.column.max(1) - 1).saturating_sub(self.before) as usize;
            let number = self.line.to_string();
            let gap = " ".repeat(number.len());
            // Tabs stay tabs, so that the caret stands below what it means.
            let pad: String = shown
                .chars()
                .take(column)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .chain(std::iter::repeat_n(' ', column.saturating_sub(shown.chars().count())))
                .collect();
            let room = shown.chars().count().saturating_sub(column).max(1);
            let carets = "^".repeat((self.length.max(1) as usize).min(room));
            let _ = write!(out, " {number} | {shown}\n {gap} | {pad}{carets}\n");
            if !help.is_empty() {
                let _ = writeln!(out, " {gap} = {help}");
            }
        } else if !help.is_empty() {
            let _ = writeln!(out, "   = {help}");
        }
        out
    }
}

/// The part of a line that is shown for a fault at `column`, and how much comes before it.
fn part(line: &str, column: u32) -> (String, u32) {
    let at = (column.max(1) - 1) as usize;
    let before = if at < WIDEST - 20 { 0 } else { at - WIDEST / 2 };
    (line.chars().skip(before).take(WIDEST).collect(), narrow(before))
}

/// What a file says must not move the cursor of the admin who reads about it.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// A fault with its place still a number.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub severity: Severity,
    pub spot: Spot,
    pub message: String,
    pub help: String,
}

/// Faults collected while reading, all of them in one run.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub list: Vec<Note>,
}

/// More than this says nothing new; a wrong file has thousands.
const MOST: usize = 200;

impl Notes {
    pub fn error(&mut self, spot: Spot, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, spot, message.into(), help.into());
    }
    pub fn warning(&mut self, spot: Spot, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, spot, message.into(), help.into());
    }

    fn add(&mut self, severity: Severity, spot: Spot, message: String, help: String) {
        // A node that several aliases name is read several times.
        let known = |note: &Note| note.spot == spot && note.message == message;
        if self.list.len() < MOST && !self.list.iter().any(known) {
            self.list.push(Note { severity, spot, message, help });
        } else if severity == Severity::Error && !self.any_error() {
            // The list is full of warnings: an error must be among what is known.
            self.list.push(Note { severity, spot, message, help });
        }
    }

    /// Whether no further fault would be shown: then nobody needs to look for more.
    pub fn is_full(&self) -> bool {
        self.list.len() >= MOST && self.any_error()
    }
    /// The same for warnings.
    pub fn is_full_of_warnings(&self) -> bool {
        self.list.len() >= MOST
    }

    pub fn any_error(&self) -> bool {
        self.list.iter().any(|note| note.severity == Severity::Error)
    }

    /// In the order of the files and lines, each with its line quoted.
    pub fn shown(mut self, files: &[File]) -> Vec<Diagnostic> {
        self.list.sort_by_key(|note| (note.spot.file, note.spot.line, note.spot.column));
        self.list
            .into_iter()
            .map(|note| {
                let file = &files[note.spot.file as usize];
                let line = file.text.lines().nth((note.spot.line.max(1) - 1) as usize);
                let (source_line, before) = part(line.unwrap_or_default(), note.spot.column);
                Diagnostic {
                    severity: note.severity,
                    file: file.path.clone(),
                    line: note.spot.line,
                    column: note.spot.column,
                    length: note.spot.length,
                    message: note.message,
                    help: note.help,
                    source_line,
                    before,
                }
            })
            .collect()
    }
}

/// The one fault that a broken config is to whoever asks it for limits.
pub(crate) fn fault(path: &std::path::Path, diagnostics: &[Diagnostic]) -> Fault {
    let errors: Vec<_> = diagnostics.iter().filter(|one| one.severity == Severity::Error).collect();
    let count = errors.len();
    let shown: Vec<_> = errors.iter().map(|one| one.render()).collect();
    Fault::unreadable(format!("no limits come from {}", path.display()))
        .why(match count {
            1 => "it has an error, and a broken config grants nothing".to_owned(),
            _ => format!("it has {count} errors, and a broken config grants nothing"),
        })
        .shown(shown.join("\n"))
        .todo("mend it; `limits-check` shows everything that is wrong")
        .detail("diagnostics", json!(errors))
}
