//! What goes wrong, said so that a person can act on it.
//!
//! A [`Fault`] is three lines (what, why, what to do), an exit code that means the same in
//! every tool, and the details a program may want. Nothing here prints: `cli` does.

use std::fmt;

use serde_json::{Map, Value, json};

/// The exit codes of the suite; `docs/` and every man page list the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Something failed that is nobody's choice: a full disk, a broken pipe to a child.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A limit is reached or nothing is free.
    Limit = 3,
    /// The named thing does not exist.
    NotFound = 4,
    /// The caller may not do this.
    NotPermitted = 5,
    /// Docker, NVML or systemd does not answer.
    Unreachable = 6,
    /// The config or a state file cannot be read, so nothing may be granted.
    Unreadable = 7,
    /// The caller pressed Ctrl-C.
    Interrupted = 130,
}

impl Code {
    /// The word that stands for the code in JSON, when the fault has no closer one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Limit => "limit_reached",
            Self::NotFound => "not_found",
            Self::NotPermitted => "not_permitted",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A refusal or a failure: what happened, why, and what the reader can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Decides the exit code.
    pub code: Code,
    /// One line: what did not happen, naming the object.
    pub what: String,
    /// One line: the reason. Empty when `what` says it all.
    pub why: String,
    /// One line: what would help. Empty only when nothing would.
    pub todo: String,
    /// Longer text for people between "why" and "what to do": a quoted line with a caret,
    /// a table of who holds what. Printed as it is.
    pub shown: String,
    /// Further fields of the JSON form; they never repeat the lines above.
    /// Boxed, since a fault travels in every `Result` and most carry none.
    pub details: Box<Map<String, Value>>,
}

impl Fault {
    /// A fault with its first line; add the others with [`why`](Self::why) and
    /// [`todo`](Self::todo).
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            why: String::new(),
            todo: String::new(),
            shown: String::new(),
            details: Box::default(),
        }
    }

    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Code::Failed, what)
    }
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Code::Usage, what)
    }
    pub fn limit(what: impl Into<String>) -> Self {
        Self::new(Code::Limit, what)
    }
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Code::NotFound, what)
    }
    pub fn not_permitted(what: impl Into<String>) -> Self {
        Self::new(Code::NotPermitted, what)
    }
    pub fn unreachable(what: impl Into<String>) -> Self {
        Self::new(Code::Unreachable, what)
    }
    pub fn unreadable(what: impl Into<String>) -> Self {
        Self::new(Code::Unreadable, what)
    }

    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }
    #[must_use]
    pub fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = todo.into();
        self
    }
    #[must_use]
    pub fn shown(mut self, shown: impl Into<String>) -> Self {
        self.shown = shown.into();
        self
    }
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// The fault as the object that `-o json` puts on stderr.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("error".into(), json!(self.code.word()));
        object.insert("message".into(), json!(self.what));
        for (key, text) in [("why", &self.why), ("todo", &self.todo)] {
            if !text.is_empty() {
                object.insert(key.into(), json!(text));
            }
        }
        for (key, value) in self.details.iter() {
            object.insert(key.clone(), value.clone());
        }
        object.insert("exit_code".into(), json!(self.code as i32));
        Value::Object(object)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        for line in [&self.why, &self.shown, &self.todo] {
            if !line.is_empty() {
                write!(f, "\n{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// Puts the object of a failed system call in front of its reason.
pub trait Context<T> {
    /// `what` names the verb and the object, such as "cannot write /run/ds01/lock".
    fn or_fault(self, code: Code, what: impl FnOnce() -> String) -> Result<T, Fault>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn or_fault(self, code: Code, what: impl FnOnce() -> String) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(code, what()).why(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_prints_what_why_and_what_to_do_in_this_order() {
        let fault = Fault::limit("alice holds 2 of 2 GPUs")
            .why("max_gpu_equivalents is 2.0")
            .shown("  a._.alice 0:1\n")
            .todo("docker rm -f a._.alice");
        assert_eq!(
            fault.to_string(),
            "alice holds 2 of 2 GPUs\nmax_gpu_equivalents is 2.0\n  a._.alice 0:1\ndocker rm -f a._.alice"
        );
    }

    #[test]
    fn the_json_form_carries_code_lines_and_details() {
        let fault = Fault::not_found("no slot 9:9").detail("slot", "9:9");
        assert_eq!(
            fault.json(),
            json!({"error": "not_found", "message": "no slot 9:9", "slot": "9:9", "exit_code": 4})
        );
    }
}
