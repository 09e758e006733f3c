//! YAML as a tree that knows where each of its nodes stands.
//!
//! Aliases are not copied: they point to the node they name, and the tree keeps count of
//! what a copy would have cost, so that a bomb of aliases is a message and not a full memory.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::file::{Spot, narrow};

/// The config needs five levels; a hundred are nobody's limits.
const DEEPEST: usize = 64;
/// How many nodes aliases may stand for beyond those that are written.
const MOST_COPIES: u64 = 200_000;

/// The number of a node.
pub(crate) type Id = usize;

#[derive(Debug)]
pub(crate) struct Node<'t> {
    pub spot: Spot,
    pub kind: Kind<'t>,
    /// Nodes below and including this one, aliases copied out.
    size: u64,
}

#[derive(Debug)]
pub(crate) enum Kind<'t> {
    Scalar { text: Cow<'t, str>, plain: bool },
    List(Vec<Id>),
    Map(Vec<(Id, Id)>),
}

/// A parsed document, or the part of it before a fault.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    pub root: Option<Id>,
    /// Why the text ends early: where, what, and what to do.
    pub fault: Option<(Spot, String, String)>,
}

impl<'t> Tree<'t> {
    pub fn parse(text: &'t str, file: u32) -> Self {
        let mut builder = Builder::new(file, text);
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let step = match next {
                Ok((event, span)) => builder.take(event, span),
                Err(error) => {
                    let mark = error.marker();
                    let spot = Spot {
                        file,
                        line: narrow(mark.line().max(1)),
                        column: narrow(mark.col() + 1),
                        length: 1,
                    };
                    Err(explain(spot, error.info(), text))
                }
            };
            if let Err(fault) = step {
                return builder.finish(Some(fault));
            }
        }
        builder.finish(None)
    }

    /// Whether nothing but blanks and remarks stands there.
    pub fn is_empty(&self) -> bool {
        match self.root.map(|root| &self.nodes[root].kind) {
            None => true,
            Some(Kind::Scalar { text, plain: true }) => crate::value::is_null(text),
            Some(_) => false,
        }
    }

    pub fn node(&self, id: Id) -> &Node<'t> {
        &self.nodes[id]
    }
}

type Fault = (Spot, String, String);

/// Says what the parser found in the words of somebody who edits a config.
fn explain(spot: Spot, info: &str, text: &str) -> Fault {
    let line = text.lines().nth(spot.line.saturating_sub(1) as usize).unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    if let Some(at) = indent.find('\t') {
        let column = narrow(indent[..at].chars().count() + 1);
        return (
            Spot { column, length: 1, ..spot },
            "a tab in the indentation".into(),
            "YAML indents with blanks only".into(),
        );
    }
    if info.contains("recursion limit") {
        return too_deep(spot);
    }
    if info.contains("unknown anchor") {
        let help = "define it before: `name: &anchor {…}`";
        return (spot, "this alias names no anchor".into(), help.into());
    }
    (
        spot,
        format!("not YAML: {info}"),
        "look for a missing colon, blank, quote or bracket here or just above".into(),
    )
}

fn too_deep(spot: Spot) -> Fault {
    let message = format!("nested deeper than {DEEPEST} levels");
    (spot, message, "limits need five: is this the right file?".into())
}

/// A collection that is still open.
struct Open {
    id: Id,
    anchor: usize,
    /// The key that waits for its value, in a map.
    key: Option<Id>,
}

struct Builder<'t> {
    file: u32,
    nodes: Vec<Node<'t>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    root: Option<Id>,
    copies: u64,
}

impl<'t> Builder<'t> {
    fn new(file: u32, text: &'t str) -> Self {
        Self {
            file,
            // A node takes ten bytes of YAML or more.
            nodes: Vec::with_capacity(text.len() / 10),
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            copies: 0,
        }
    }

    fn take(&mut self, event: Event<'t>, span: Span) -> Result<(), Fault> {
        let spot = self.spot(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                check_tag(tag.as_deref(), spot)?;
                // `!!str 5` is text, whatever it looks like.
                let plain =
                    style == ScalarStyle::Plain && tag.is_none_or(|tag| tag.suffix != "str");
                let id = self.add(spot, Kind::Scalar { text, plain });
                self.name(anchor, id);
                self.place(id);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), spot)?;
                self.begin(spot, Kind::List(Vec::new()), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), spot)?;
                self.begin(spot, Kind::Map(Vec::new()), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.name(open.anchor, open.id);
                    self.place(open.id);
                }
                Ok(())
            }
            Event::Alias(anchor) => {
                let Some(id) = self.anchors.get(&anchor).copied() else {
                    return Err((
                        spot,
                        "this alias stands inside what it names".into(),
                        "a thing cannot contain itself".into(),
                    ));
                };
                self.copies = self.copies.saturating_add(self.nodes[id].size);
                if self.copies > MOST_COPIES {
                    return Err((
                        spot,
                        format!("aliases multiply this file beyond {MOST_COPIES} entries"),
                        "write out what is meant, with fewer aliases of aliases".into(),
                    ));
                }
                self.place(id);
                Ok(())
            }
            Event::DocumentStart(_) if self.root.is_some() => Err((
                spot,
                "a second YAML document begins here".into(),
                "a config is one document: remove the `---`".into(),
            )),
            _ => Ok(()),
        }
    }

    fn spot(&self, span: Span) -> Spot {
        let (start, end) = (span.start, span.end);
        let length =
            if end.line() == start.line() { end.col().saturating_sub(start.col()) } else { 1 };
        Spot {
            file: self.file,
            line: narrow(start.line().max(1)),
            column: narrow(start.col() + 1),
            length: narrow(length.max(1)),
        }
    }

    fn add(&mut self, spot: Spot, kind: Kind<'t>) -> Id {
        self.nodes.push(Node { spot, kind, size: 1 });
        self.nodes.len() - 1
    }

    fn begin(&mut self, spot: Spot, kind: Kind<'t>, anchor: usize) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(spot));
        }
        let id = self.add(spot, kind);
        self.open.push(Open { id, anchor, key: None });
        Ok(())
    }

    fn name(&mut self, anchor: usize, id: Id) {
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, id: Id) {
        let size = self.nodes[id].size;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return;
        };
        let parent = open.id;
        match &mut self.nodes[parent].kind {
            Kind::List(items) => items.push(id),
            Kind::Map(pairs) => match open.key.take() {
                None => open.key = Some(id),
                Some(key) => pairs.push((key, id)),
            },
            Kind::Scalar { .. } => {}
        }
        self.nodes[parent].size = self.nodes[parent].size.saturating_add(size);
    }

    /// The tree so far. Maps that are still open are closed, so that a fault at the end of
    /// a file does not hide the faults before it; half a list would only mislead.
    fn finish(mut self, fault: Option<Fault>) -> Tree<'t> {
        while let Some(open) = self.open.pop() {
            if matches!(self.nodes[open.id].kind, Kind::Map(_)) {
                self.place(open.id);
            }
        }
        Tree { nodes: self.nodes, root: self.root, fault }
    }
}

/// YAML's own tags say what is written anyway; others would make a program of a config.
fn check_tag(tag: Option<&Tag>, spot: Spot) -> Result<(), Fault> {
    const CORE: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && CORE.contains(&tag.suffix.as_str())) => Err((
            spot,
            format!("the tag `{}{}` means nothing here", tag.handle, tag.suffix),
            "remove it: limits are plain words and numbers".into(),
        )),
        _ => Ok(()),
    }
}
