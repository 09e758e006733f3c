//! `--guided`: what a command is about to do and what comes next, in the words of
//! `share/guide/`, one file a topic. It goes to stderr, in a terminal and in a pipe alike,
//! and changes neither the answer nor the exit code; a text that is missing is no failure.

use std::fs;
use std::path::PathBuf;

use ds01_site::Site;

/// Which part of a topic; in its file a line `---` stands between the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What happens now.
    Before,
    /// What has happened, and what to do next.
    After,
    /// What to make of a failure: one text for all commands.
    Failed,
}

impl Part {
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "before" => Some(Self::Before),
            "after" => Some(Self::After),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// The text of a topic with a margin, so that it is told apart from what a command says;
/// empty where there is none.
pub fn text(site: &Site, topic: &str, part: Part) -> String {
    let Some(directory) = directory(site) else { return String::new() };
    let read = |topic: &str| {
        let name = topic.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        name.then(|| fs::read_to_string(directory.join(format!("{topic}.txt"))).ok()).flatten()
    };
    let topic = if part == Part::Failed { "failed" } else { topic };
    part_of(&read(topic).unwrap_or_default(), part, |term| read(term).unwrap_or_default())
}

/// Beside the commands, wherever they were installed; in a try-out, of the try-out.
fn directory(site: &Site) -> Option<PathBuf> {
    if !site.is_real() {
        return Some(site.root().join("usr/share/ds01/guide"));
    }
    let own = std::env::current_exe().ok()?;
    Some(own.parent()?.parent()?.join("share/ds01/guide"))
}

/// A line `@topic` stands for that topic's text: what a hold is, is said in one place.
fn part_of(file: &str, part: Part, term: impl Fn(&str) -> String) -> String {
    let (before, after) = file.split_once("\n---\n").unwrap_or((file, ""));
    let wanted = if part == Part::After { after } else { before };
    let lines = wanted.trim_end().lines().flat_map(|line| match line.strip_prefix('@') {
        Some(topic) => term(topic.trim()).trim_end().lines().map(str::to_owned).collect(),
        None => vec![line.to_owned()],
    });
    lines.map(|line| format!("| {line}").trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_two_parts_and_takes_terms_from_others() {
        let file = "It is made.\n@gpu\n\nThat is all.\n---\nNow start it.\n";
        let term = |name: &str| format!("A {name} computes.\n");
        assert_eq!(
            part_of(file, Part::Before, term),
            "| It is made.\n| A gpu computes.\n|\n| That is all.\n"
        );
        assert_eq!(part_of(file, Part::After, term), "| Now start it.\n");
        assert_eq!(part_of("", Part::Before, term), "");
    }

    #[test]
    fn only_a_plain_name_is_a_topic() {
        let root = tempfile::tempdir().unwrap();
        let guide = root.path().join("usr/share/ds01/guide");
        fs::create_dir_all(&guide).unwrap();
        fs::write(guide.join("x.txt"), "words\n").unwrap();
        let site = Site::at(root.path());
        assert_eq!(text(&site, "x", Part::Before), "| words\n");
        assert_eq!(text(&site, "../guide/x", Part::Before), "");
        assert_eq!(text(&site, "y", Part::Before), "");
    }
}
