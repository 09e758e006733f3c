//! Debian's packages: names from dpkg's lists, versions from its status.

use std::collections::BTreeSet;

use super::plain;

/// Packages whose list of files the image does not have.
pub fn new_names(added: &[String]) -> BTreeSet<String> {
    let read = |path: &String| {
        let file = path.strip_prefix("/var/lib/dpkg/info/")?.strip_suffix(".list")?;
        let name = file.split(':').next().unwrap_or(file);
        plain(name).then(|| name.to_owned())
    };
    added.iter().filter_map(read).collect()
}

/// `name=version` of the new ones that somebody asked for: apt notes which it only pulled in.
pub fn lines(new: &BTreeSet<String>, status: &str, extended_states: &str) -> Vec<String> {
    let pulled_in: BTreeSet<&str> = stanzas(extended_states)
        .filter(|stanza| field(stanza, "Auto-Installed") == Some("1"))
        .filter_map(|stanza| field(stanza, "Package"))
        .collect();
    let mut lines: Vec<String> = stanzas(status)
        .filter(|stanza| field(stanza, "Status").is_some_and(|s| s.ends_with(" installed")))
        .filter_map(|stanza| Some((field(stanza, "Package")?, field(stanza, "Version")?)))
        .filter(|(name, version)| {
            new.contains(*name) && !pulled_in.contains(name) && plain(version)
        })
        .map(|(name, version)| format!("{name}={version}"))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n")
}

fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
}
