//! What a tool answers: a document that is JSON for programs and text for people. Tools
//! build an [`Output`]; only `cli` writes it.

mod fields;
mod table;
mod width;

use ds01_fault::Fault;
use serde::Serialize;
use serde_json::Value;

pub use fields::pick;
pub use table::Table;
pub use width::{printable, width};

/// One item on its way out: its JSON, and the same for a person.
pub type Emit<'a> = &'a mut dyn FnMut(Value, &str) -> Result<(), Fault>;
type Source = Box<dyn FnOnce(Emit<'_>) -> Result<(), Fault>>;

/// The result of a tool's run.
#[derive(Default)]
pub struct Output {
    body: Body,
    text: String,
    text_from: Option<Box<dyn FnOnce() -> String>>,
    notes: Vec<String>,
    forms: Vec<(&'static str, String)>,
    plain: bool,
    code: u8,
    faults: Vec<Fault>,
    after: Vec<Box<dyn FnOnce()>>,
}

#[derive(Default)]
enum Body {
    /// Nothing to say in JSON but an empty list.
    #[default]
    Empty,
    One(Value),
    Ready(String),
    Many(Vec<Value>),
    Stream(Source),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("text", &self.text)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// The parts of an [`Output`], for the one crate that writes it.
#[derive(Debug)]
pub enum Parts<'a> {
    One(&'a Value),
    /// The JSON text of one document.
    Ready(&'a str),
    Many(&'a [Value]),
}

impl Output {
    /// One document: an object, printed whole.
    pub fn one(document: &impl Serialize) -> Self {
        Self { body: Body::One(value(document)), ..Self::default() }
    }

    /// The same for a large document, written at once: only a field of it costs more.
    pub fn large(document: &impl Serialize) -> Self {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        Self { body: Body::Ready(text), ..Self::default() }
    }

    /// A list: one line of JSON an item, so that the next tool can begin at the first.
    pub fn many<T: Serialize>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|item| value(&item)).collect();
        Self { body: Body::Many(items), ..Self::default() }
    }

    /// A list that is written while it comes in, such as events that are followed.
    pub fn stream(source: impl FnOnce(Emit<'_>) -> Result<(), Fault> + 'static) -> Self {
        Self { body: Body::Stream(Box::new(source)), ..Self::default() }
    }

    /// The form for people.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The same, made only when it is wanted.
    #[must_use]
    pub fn text_from(mut self, text: impl FnOnce() -> String + 'static) -> Self {
        self.text_from = Some(Box::new(text));
        self
    }

    /// Makes the text that was to be made when it is wanted.
    pub fn make_text(&mut self) {
        if let Some(make) = self.text_from.take() {
            self.text = make();
        }
    }

    /// A further form by its name: `-o NAME` prints it as it is, such as `-o docker-args`.
    #[must_use]
    pub fn form(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.forms.push((name, text.into()));
        self
    }

    /// The form of this name, if the answer has one.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.forms.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
    }

    /// Text unless `-o` says otherwise, also from plumbing: the one value that an option
    /// asked for.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// A line for stderr that is no error: what a dry run left undone, what was skipped.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// An exit code other than 0 for an answer that is not a failure to answer, such as
    /// `gpu-avail`'s 3 for "not now".
    #[must_use]
    pub fn exit(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// What went wrong with one of several things that were tried: told on stderr, and the
    /// exit code is that of the worst.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.code = self.code.max(fault.code as u8);
        self.faults.push(fault);
        self
    }

    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Work that nobody has to wait for, done once the answer is written: a view made anew, a
    /// line in a log.
    #[must_use]
    pub fn after(mut self, work: impl FnOnce() + 'static) -> Self {
        self.after.push(Box::new(work));
        self
    }

    /// Takes that work, once.
    pub fn take_after(&mut self) -> Vec<Box<dyn FnOnce()>> {
        std::mem::take(&mut self.after)
    }

    pub fn code(&self) -> u8 {
        self.code
    }
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
    pub fn words(&self) -> &str {
        &self.text
    }

    /// The items that are already there; a stream has none yet.
    pub fn parts(&self) -> Parts<'_> {
        match &self.body {
            Body::One(value) => Parts::One(value),
            Body::Ready(text) => Parts::Ready(text),
            Body::Many(items) => Parts::Many(items),
            Body::Empty | Body::Stream(_) => Parts::Many(&[]),
        }
    }

    /// Takes the source of a stream, once.
    pub fn take_stream(&mut self) -> Option<impl FnOnce(Emit<'_>) -> Result<(), Fault> + use<>> {
        match std::mem::take(&mut self.body) {
            Body::Stream(source) => Some(source),
            other => {
                self.body = other;
                None
            }
        }
    }
}

/// Our own types serialise: strings for keys, finite numbers.
fn value(document: &impl Serialize) -> Value {
    serde_json::to_value(document).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_form_is_found_by_its_name_only() {
        let output = Output::one(&1).text("one").form("docker-args", "--cpus=1").plain();
        assert_eq!(output.named("docker-args"), Some("--cpus=1"));
        assert_eq!(output.named("text"), None);
        assert!(output.is_plain() && !Output::default().is_plain());
    }
}
