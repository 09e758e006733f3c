//! Why a request is refused: a status, a reason code for programs, and three lines for
//! people. Docker clients print the `message` of the answer and nothing else of it.

use serde_json::{Value, json};

/// A refusal as it goes to the client and into the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub status: u16,
    /// Stable, for programs and counters: `create.privileged`.
    pub code: &'static str,
    /// Boxed, since a refusal travels in every `Result`.
    pub lines: Box<Lines>,
}

/// What is said of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub what: String,
    pub why: String,
    pub todo: String,
    /// What admission says beside the lines: the limits in the way, as JSON.
    pub explain: Option<Value>,
}

impl Denial {
    pub fn new(status: u16, code: &'static str, what: impl Into<String>) -> Self {
        Self { status, code, lines: Box::new(Lines { what: what.into(), ..Lines::default() }) }
    }
    /// A request that is not well formed.
    pub fn malformed(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(400, code, what)
    }
    /// A request that this person may not make.
    pub fn forbidden(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(403, code, what)
    }
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.lines.why = why.into();
        self
    }
    #[must_use]
    pub fn todo(mut self, todo: impl Into<String>) -> Self {
        self.lines.todo = todo.into();
        self
    }

    /// The three lines as one text.
    pub fn message(&self) -> String {
        let mut text = self.lines.what.clone();
        for (label, line) in [("why", &self.lines.why), ("do", &self.lines.todo)] {
            if !line.is_empty() {
                text += &format!("\n  {label}: {line}");
            }
        }
        text
    }

    /// The body of the answer.
    pub fn body(&self) -> Vec<u8> {
        let mut body = json!({"message": self.message(), "code": self.code});
        if let Some(explain) = &self.lines.explain {
            body["explain"] = explain.clone();
        }
        format!("{body}\n").into_bytes()
    }
}
