//! Which files make up a config, and what they say together.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::draft::{Draft, Named};
use crate::file::{self, File, Found, Spot};
use crate::keys;
use crate::notes::Notes;
use crate::read;
use crate::tree::Tree;

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub draft: Draft,
    pub files: Vec<File>,
    pub notes: Notes,
    /// Whether the main file could not be read to its end: then what is missing from it
    /// may stand behind the fault.
    pub partial: bool,
}

const EMPTY: &str = "write at least `defaults:`; see resource-limits.yaml(5)";

/// Reads the config at `path` and the files beside it.
pub(crate) fn gather(path: &Path) -> Reading {
    let mut reading = Reading::default();
    let beside = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    match reading.open(path.to_owned(), name) {
        Opened::Nothing => {
            reading.partial = true;
            let help = "write one, see resource-limits.yaml(5), or name another with --config";
            reading.notes.error(Spot::whole(0), "there is no such file", help);
        }
        Opened::Unfit => reading.partial = true,
        Opened::Text => reading.main(),
    }
    reading.member_files(&beside.join("groups"));
    reading.override_file(beside.join("user-overrides.yaml"));
    reading.exemption_file(beside.join("lifecycle-exemptions.yaml"));
    reading
}

/// The same for a text alone, as a fuzzer or a form has it.
pub(crate) fn gather_text(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let (path, name) = (PathBuf::from("resource-limits.yaml"), "resource-limits.yaml".to_owned());
    match file::as_text(bytes.to_vec(), 0) {
        Ok(text) => {
            reading.files.push(File { path, name, text });
            reading.main();
        }
        Err(unfit) => {
            reading.files.push(File { path, name, text: unfit.text });
            reading.notes.error(unfit.spot, unfit.message, unfit.help);
            reading.partial = true;
        }
    }
    reading
}

enum Opened {
    Nothing,
    Unfit,
    Text,
}

impl Reading {
    /// Adds the file at `path` to those that were read. One that is not there is added as
    /// well, for messages to point to.
    fn open(&mut self, path: PathBuf, name: String) -> Opened {
        let number = file::narrow(self.files.len());
        let (opened, text) = match file::read(&path, number) {
            Found::Nothing => (Opened::Nothing, String::new()),
            Found::Text(text) => (Opened::Text, text),
            Found::Unfit(unfit) => {
                self.notes.error(unfit.spot, unfit.message, unfit.help);
                (Opened::Unfit, unfit.text)
            }
        };
        self.files.push(File { path, name, text });
        opened
    }

    fn last(&self) -> u32 {
        file::narrow(self.files.len() - 1)
    }

    fn main(&mut self) {
        let number = self.last();
        let tree = Tree::parse(&self.files[number as usize].text, number);
        match &tree.fault {
            Some((spot, message, help)) => {
                self.notes.error(*spot, message, help);
                self.partial = true;
            }
            None if tree.is_empty() => {
                self.partial = true;
                self.notes.error(Spot::whole(number), "the file is empty", EMPTY);
            }
            None => {}
        }
        read::config(&tree, &mut self.draft, &mut self.notes);
    }

    /// A file of people beside the config: its tree, unless it is not there or says nothing.
    fn beside<T: Default>(
        &mut self,
        path: PathBuf,
        read: impl FnOnce(&Tree<'_>, &mut Notes) -> T,
    ) -> T {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !matches!(self.open(path, name), Opened::Text) {
            return T::default();
        }
        let number = self.last();
        let tree = Tree::parse(&self.files[number as usize].text, number);
        if let Some((spot, message, help)) = &tree.fault {
            self.notes.error(*spot, message, help);
        }
        read(&tree, &mut self.notes)
    }

    fn override_file(&mut self, path: PathBuf) {
        let found = self.beside(path, read::overrides);
        let inline = self.draft.overrides.iter().enumerate();
        let inline: HashMap<String, usize> =
            inline.map(|(at, (name, _))| (name.clone(), at)).collect();
        for (name, level) in found {
            match inline.get(&name) {
                // As in the earlier system the file's entry stands for the whole.
                Some(at) => {
                    let message = format!("this entry of {name} is not read");
                    let help = "user-overrides.yaml has one as well, which holds: keep one";
                    let old = &mut self.draft.overrides[*at].1;
                    self.notes.warning(old.spot, message, help);
                    *old = level;
                }
                None => self.draft.overrides.push((name, level)),
            }
        }
    }

    fn exemption_file(&mut self, path: PathBuf) {
        self.draft.exemptions = self.beside(path, read::exemptions);
    }

    /// `groups/<group>.members`: a name a line, `#` begins a remark.
    fn member_files(&mut self, directory: &Path) {
        let mut names = Vec::new();
        match fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            // Members that cannot be read would become the default group's, silently.
            Err(error) => self.unlisted(directory, &error),
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => names.push(entry.file_name()),
                        Err(error) => self.unlisted(directory, &error),
                    }
                }
            }
        }
        names.sort();
        for name in names {
            let name = name.to_string_lossy().into_owned();
            let Some(group) = name.strip_suffix(".members") else { continue };
            if name.starts_with('.') {
                continue;
            }
            self.member_file(directory.join(&name), &name, group);
        }
    }

    fn unlisted(&mut self, directory: &Path, error: &std::io::Error) {
        let file = File { path: directory.to_owned(), name: "groups".into(), text: String::new() };
        self.files.push(file);
        let spot = Spot::whole(self.last());
        self.notes.error(spot, format!("cannot be listed: {error}"), "let its readers read it");
    }

    fn member_file(&mut self, path: PathBuf, name: &str, group: &str) {
        if !matches!(self.open(path, format!("groups/{name}")), Opened::Text) {
            return;
        }
        let number = self.last();
        let Some(at) = self.draft.groups.iter().position(|known| known.name == group) else {
            if !self.partial {
                let groups = self.draft.groups.iter().map(|group| group.name.as_str());
                let help = match keys::nearest(group, groups) {
                    Some(near) => format!("did you mean groups/{near}.members?"),
                    None => format!("add `{group}:` to groups, or remove the file"),
                };
                let message = format!("there is no group `{group}`");
                self.notes.error(Spot::whole(number), message, help);
            }
            return;
        };
        let text = &self.files[number as usize].text;
        for (index, line) in text.lines().enumerate() {
            let bare = line.split('#').next().unwrap_or_default();
            let member = bare.trim();
            if member.is_empty() {
                continue;
            }
            let indent = bare.chars().take_while(|c| c.is_whitespace()).count();
            let spot = Spot {
                file: number,
                line: file::narrow(index + 1),
                column: file::narrow(indent + 1),
                length: file::narrow(member.chars().count()),
            };
            match read::bad_name(member) {
                None => {
                    let named = Named { name: member.to_owned(), spot };
                    self.draft.groups[at].members.push(named);
                }
                Some(why) => {
                    self.notes.error(spot, format!("`{member}`: {why}"), "one name a line");
                }
            }
        }
    }
}
