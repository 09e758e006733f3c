//! From a tree to what it says, by the table of keys; every fault is noted, none stops the
//! reading.

use std::collections::HashMap;

use crate::draft::{DoorDraft, Draft, ExemptionDraft, GroupDraft, Level, Named, Settings};
use crate::file::Spot;
use crate::keys::{self, Field, Section, Written};
use crate::notes::Notes;
use crate::tree::{Id, Kind as Shape, Tree};
use crate::value::{self, Kind, Value};

/// Merge keys name maps that merge others in turn; nobody needs many of them.
const DEEPEST_MERGE: usize = 16;

pub(crate) struct Walk<'a, 't> {
    tree: &'a Tree<'t>,
    notes: &'a mut Notes,
}

/// A pair of a map: its key, where that stands, its value, and whether a merge brought it.
struct Pair<'a> {
    key: &'a str,
    spot: Spot,
    value: Id,
    merged: bool,
}

/// The main file.
pub(crate) fn config(tree: &Tree<'_>, draft: &mut Draft, notes: &mut Notes) {
    if let Some(root) = tree.root {
        Walk { tree, notes }.top(root, draft);
    }
}

/// `user-overrides.yaml`: the map of people itself, or below `user_overrides:`.
pub(crate) fn overrides(tree: &Tree<'_>, notes: &mut Notes) -> Vec<(String, Level)> {
    let Some(root) = tree.root else { return Vec::new() };
    let mut walk = Walk { tree, notes };
    let wrapped = walk.pairs(root, "user-overrides.yaml");
    match wrapped.as_slice() {
        [one] if one.key == "user_overrides" => walk.people(one.value),
        _ => walk.people(root),
    }
}

/// `lifecycle-exemptions.yaml`.
pub(crate) fn exemptions(tree: &Tree<'_>, notes: &mut Notes) -> Vec<ExemptionDraft> {
    let Some(root) = tree.root else { return Vec::new() };
    let mut found = Vec::new();
    Walk { tree, notes }.section(root, Section::Exemptions, &mut |walk, _, list| {
        for item in walk.items(list, "exemptions") {
            let mut draft =
                ExemptionDraft { spot: walk.tree.node(item).spot, ..Default::default() };
            draft.settings = walk.section(item, Section::Exemption, &mut |walk, written, value| {
                draft.from = walk.words(value, written);
            });
            found.push(draft);
        }
    });
    found
}

/// Why `name` cannot be a person's name; `None` where it can.
pub fn bad_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("an empty name")
    } else if name.len() > 255 {
        Some("a name longer than any account's")
    } else if name.chars().any(|c| c.is_whitespace() || c.is_control() || "/:,\"'".contains(c)) {
        Some("not the name of an account")
    } else {
        None
    }
}

/// Group names become parts of slices, files and labels.
fn bad_group(name: &str) -> bool {
    name.is_empty()
        || name.len() > 64
        || name.starts_with(['-', '.'])
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

impl<'a, 't> Walk<'a, 't> {
    fn top(&mut self, root: Id, draft: &mut Draft) {
        let settings =
            self.section(root, Section::Top, &mut |walk, written, value| match written.key.field {
                Field::Defaults => {
                    draft.defaults = walk.level(value, Section::Defaults, "defaults".into());
                }
                Field::Groups => walk.groups(value, draft),
                Field::UserOverrides => draft.overrides = walk.people(value),
                Field::TopPolicies => draft.policies = walk.plain(value, Section::Policies),
                Field::GpuAllocation => draft.gpu = walk.plain(value, Section::Gpu),
                Field::AccessControl => draft.access = walk.plain(value, Section::Access),
                Field::ContainerTypes => {
                    for pair in walk.pairs(value, "container_types") {
                        let settings = walk.plain(pair.value, Section::Type);
                        draft.types.push((pair.key.to_owned(), settings));
                    }
                }
                _ => {}
            });
        draft.default_group = settings.get(Field::DefaultGroup).and_then(|(value, spot)| {
            let Value::Word(name) = value else { return None };
            Some(Named { name: name.clone(), spot })
        });
    }

    fn groups(&mut self, id: Id, draft: &mut Draft) {
        for pair in self.pairs(id, "groups") {
            if bad_group(pair.key) {
                self.notes.error(
                    pair.spot,
                    format!("`{}` cannot name a group", pair.key),
                    "use letters, digits, `_`, `-` and `.`: slices and files carry it",
                );
            }
            let mut members = Vec::new();
            let place = format!("groups.{}", pair.key);
            let mut level = Level { place, spot: pair.spot, ..Level::default() };
            level.limits =
                self.section(pair.value, Section::Group, &mut |walk, written, value| match written
                    .key
                    .field
                {
                    Field::Members => members = walk.names(value),
                    Field::Total => level.total = walk.plain(value, Section::Total),
                    _ => walk.below(written, value, &mut level),
                });
            draft.groups.push(GroupDraft { name: pair.key.to_owned(), level, members });
        }
    }

    fn people(&mut self, id: Id) -> Vec<(String, Level)> {
        let mut people = Vec::new();
        for pair in self.pairs(id, "user_overrides") {
            if let Some(why) = bad_name(pair.key) {
                self.notes.error(pair.spot, format!("`{}`: {why}", pair.key), "");
            }
            let place = format!("user_overrides.{}", pair.key);
            let mut level = self.level(pair.value, Section::Override, place);
            level.spot = pair.spot;
            people.push((pair.key.to_owned(), level));
        }
        people
    }

    fn level(&mut self, id: Id, section: Section, place: String) -> Level {
        let mut level = Level { place, spot: self.tree.node(id).spot, ..Level::default() };
        level.limits = self.section(id, section, &mut |walk, written, value| {
            walk.below(written, value, &mut level);
        });
        level
    }

    fn below(&mut self, written: Written, id: Id, level: &mut Level) {
        match written.key.field {
            Field::Aggregate => level.aggregate = self.plain(id, Section::Aggregate),
            Field::OwnPolicies => level.policies = self.plain(id, Section::OwnPolicies),
            Field::Door => level.door = self.door(id),
            _ => {}
        }
    }

    fn door(&mut self, id: Id) -> DoorDraft {
        let mut lists = Vec::new();
        let settings = self.section(id, Section::Door, &mut |walk, written, value| {
            lists.push((written.key.field, walk.words(value, written)));
        });
        DoorDraft { settings, lists }
    }

    /// A section that holds single values only.
    fn plain(&mut self, id: Id, section: Section) -> Settings {
        self.section(id, section, &mut |_, _, _| {})
    }

    /// The keys of a section: single values are kept, all else goes to `nested`.
    fn section(
        &mut self,
        id: Id,
        section: Section,
        nested: &mut dyn FnMut(&mut Self, Written, Id),
    ) -> Settings {
        let mut settings = Settings::default();
        let mut seen: Vec<(Field, &str, u32)> = Vec::new();
        for pair in self.pairs(id, section.words()) {
            // Compose's custom: a place for anchors.
            if section == Section::Top && pair.key.starts_with("x-") {
                continue;
            }
            let Some(written) = keys::find(section, pair.key) else {
                match keys::retired(section, pair.key) {
                    Some(why) => {
                        let message = format!("`{}` has no effect", pair.key);
                        self.notes.warning(pair.spot, message, why);
                    }
                    None if self.notes.is_full() => return settings,
                    None => {
                        let message = format!("unknown key `{}`", pair.key);
                        self.notes.error(pair.spot, message, keys::advice(section, pair.key));
                    }
                }
                continue;
            };
            let field = written.key.field;
            if let Some((_, other, line)) =
                seen.iter().find(|(known, ..)| *known == field && field != Field::Note)
            {
                // What is written beats what a merge brings.
                if !pair.merged {
                    self.notes.error(
                        pair.spot,
                        format!("`{}` says what `{other}` on line {line} says", pair.key),
                        "keep one of them",
                    );
                }
                continue;
            }
            seen.push((field, pair.key, pair.spot.line));
            match written.key.kind {
                Kind::Section(_)
                | Kind::MapOf(_)
                | Kind::ListOf(_)
                | Kind::Names
                | Kind::Choices(_)
                | Kind::Texts => {
                    nested(self, written, pair.value);
                }
                _ => {
                    if let Some(value) = self.scalar(pair.key, pair.value, written) {
                        settings.set(field, value, pair.spot);
                    }
                }
            }
        }
        settings
    }

    fn scalar(&mut self, key: &str, id: Id, written: Written) -> Option<Value> {
        let node = self.tree.node(id);
        let Shape::Scalar { text, plain } = &node.kind else {
            if !matches!(written.key.kind, Kind::Note) {
                let message = format!("`{key}` wants one value, and this is {}", shape(&node.kind));
                self.notes.error(node.spot, message, written.key.about);
            }
            return None;
        };
        match value::read(written.key.kind, written.key.nullable, text, *plain, written.unit) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let message = format!("`{key}: {text}`: {}", wrong.what);
                self.notes.error(node.spot, message, wrong.help);
                None
            }
        }
    }

    /// One word or a list of them, each one of the key's.
    fn words(&mut self, id: Id, written: Written) -> Vec<String> {
        let items = match &self.tree.node(id).kind {
            Shape::Scalar { .. } => vec![id],
            _ => self.items(id, written.key.name()),
        };
        items
            .into_iter()
            .filter_map(|item| match self.scalar(written.key.name(), item, written)? {
                Value::Word(word) => Some(word),
                _ => None,
            })
            .collect()
    }

    fn names(&mut self, id: Id) -> Vec<Named> {
        let mut names = Vec::new();
        for item in self.items(id, "members") {
            let node = self.tree.node(item);
            match &node.kind {
                Shape::Scalar { text, plain } if !(*plain && value::is_null(text)) => {
                    match bad_name(text) {
                        None => names.push(Named { name: text.to_string(), spot: node.spot }),
                        Some(why) => self.notes.error(node.spot, format!("`{text}`: {why}"), ""),
                    }
                }
                Shape::Scalar { .. } => self.notes.error(
                    node.spot,
                    "no name here",
                    "remove the entry; an account called null is written \"null\"",
                ),
                other => {
                    let message = format!("a member is a name, and this is {}", shape(other));
                    self.notes.error(node.spot, message, "write one name an entry");
                }
            }
        }
        names
    }

    /// The entries of a list; nothing is an empty one.
    fn items(&mut self, id: Id, what: &str) -> Vec<Id> {
        let node = self.tree.node(id);
        match &node.kind {
            Shape::List(items) => items.clone(),
            Shape::Scalar { text, plain: true } if value::is_null(text) => Vec::new(),
            other => {
                let message = format!("`{what}` wants a list, and this is {}", shape(other));
                self.notes.error(node.spot, message, "write [one, another]");
                Vec::new()
            }
        }
    }

    /// The pairs of a map, those of merge keys after its own; nothing is an empty one, so
    /// that a section with comments alone is no fault (pitfall 20).
    fn pairs(&mut self, id: Id, what: &str) -> Vec<Pair<'a>> {
        let mut pairs = Vec::new();
        let mut seen = HashMap::new();
        self.collect(id, what, 0, &mut pairs, &mut seen);
        pairs
    }

    fn collect(
        &mut self,
        id: Id,
        what: &str,
        depth: usize,
        pairs: &mut Vec<Pair<'a>>,
        seen: &mut HashMap<&'a str, u32>,
    ) {
        let tree = self.tree;
        let node = tree.node(id);
        let map = match &node.kind {
            Shape::Map(map) => map,
            Shape::Scalar { text, plain: true } if value::is_null(text) && depth == 0 => return,
            other => {
                let message =
                    format!("{what} wants keys with values, and this is {}", shape(other));
                self.notes.error(node.spot, message, "write `key: value`, one a line");
                return;
            }
        };
        let mut merges = Vec::new();
        for (key, value) in map {
            let key_node = tree.node(*key);
            let Shape::Scalar { text, plain } = &key_node.kind else {
                let message = format!("a key is a word, and this is {}", shape(&key_node.kind));
                self.notes.error(key_node.spot, message, "");
                continue;
            };
            if *plain && text == "<<" {
                merges.push(*value);
                continue;
            }
            let line = key_node.spot.line;
            match seen.get(text.as_ref()) {
                Some(first) if depth == 0 => self.notes.error(
                    key_node.spot,
                    format!("`{text}` stands twice; the first is on line {first}"),
                    "keep one of them",
                ),
                Some(_) => {}
                None => {
                    seen.insert(text, line);
                    let (key, spot) = (text.as_ref(), key_node.spot);
                    pairs.push(Pair { key, spot, value: *value, merged: depth > 0 });
                }
            }
        }
        for merge in merges {
            if depth >= DEEPEST_MERGE {
                self.notes.error(
                    tree.node(merge).spot,
                    format!("merge keys nested deeper than {DEEPEST_MERGE}"),
                    "write out what is meant",
                );
                return;
            }
            let sources = match &tree.node(merge).kind {
                Shape::List(list) => list.clone(),
                _ => vec![merge],
            };
            for source in sources {
                self.collect(source, "a merge key (`<<`)", depth + 1, pairs, seen);
            }
        }
    }
}

fn shape(kind: &Shape<'_>) -> &'static str {
    match kind {
        Shape::Scalar { .. } => "a single value",
        Shape::List(_) => "a list",
        Shape::Map(_) => "keys with values",
    }
}
