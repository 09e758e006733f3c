//! What was installed in a container beyond its image, with exact versions, and a file of it
//! for the next image (pitfall 13).
//!
//! Read from the container's files through the daemon, so it works on a stopped one and runs
//! nothing in it. What lies on a mounted directory stays anyway and is not looked at.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use ds01_docker::{Container, Docker};
use ds01_fault::{Code, Context, Fault};
use ds01_units::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod apt;
mod tar;

/// Docker's number for a path that the image does not have.
const ADDED: u8 = 1;
/// Files are never overwritten; so many names are tried.
const MOST_FILES: u32 = 1000;

/// Packages, each as the line that its installer takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packages {
    /// `numpy==1.26.4`.
    pub pip: Vec<String>,
    /// `cudatoolkit=11.8.0=h6a678d5_0`.
    pub conda: Vec<String>,
    /// `htop=3.2.2-2`; what was only pulled in by another is left out.
    pub apt: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    path: String,
    kind: u8,
}

impl Packages {
    /// What `container` has beyond its image.
    pub fn added(docker: &Docker, container: &Container) -> Result<Self, Fault> {
        let id = container.id.as_str();
        let changes: Option<Vec<Change>> = docker.get(&["containers", id, "changes"], &[])?;
        let added: Vec<String> = changes
            .unwrap_or_default()
            .into_iter()
            .filter(|change| change.kind == ADDED)
            .map(|change| change.path)
            .collect();
        let read = |path: &str| -> Result<Option<Vec<u8>>, Fault> {
            let archive = docker.get_archive(id, path)?;
            Ok(archive.as_deref().and_then(tar::first_file))
        };
        let conda = conda(&added);
        let mut pip = pip(&added, &conda);
        for one in &mut pip {
            one.origin = read(&format!("{}/direct_url.json", one.folder))?.and_then(origin);
        }
        let new = apt::new_names(&added);
        let apt = match new.is_empty() {
            true => Vec::new(),
            false => {
                let status = read("/var/lib/dpkg/status")?.unwrap_or_default();
                let auto = read("/var/lib/apt/extended_states")?.unwrap_or_default();
                apt::lines(&new, &text(&status), &text(&auto))
            }
        };
        Ok(Self { pip: pip_lines(pip), conda: conda.into_values().collect(), apt })
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub fn count(&self) -> usize {
        let real = |lines: &Vec<String>| lines.iter().filter(|line| !line.starts_with('#')).count();
        real(&self.pip) + real(&self.conda) + real(&self.apt)
    }

    /// Writes a file a kind into `folder`, beside whatever is there: `requirements-NAME.txt`,
    /// `conda-NAME.txt`, `apt-NAME.txt`. A name that is taken gets a number, for no file is
    /// overwritten; one that says the same already is left as it is.
    pub fn save(
        &self,
        folder: &Path,
        name: &str,
        container: &Container,
        now: Stamp,
    ) -> Result<Vec<PathBuf>, Fault> {
        let kinds = [("requirements", &self.pip), ("conda", &self.conda), ("apt", &self.apt)];
        let mut written = Vec::new();
        for (kind, lines) in kinds.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            let head = format!(
                "# Installed in {} beyond its image {}; written {now}.\n",
                container.name,
                container.image.escape_debug()
            );
            let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
            written.push(place(folder, &format!("{kind}-{name}"), &head, &body)?);
        }
        Ok(written)
    }
}

fn place(folder: &Path, stem: &str, head: &str, body: &str) -> Result<PathBuf, Fault> {
    for number in 1..=MOST_FILES {
        let tail = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{tail}.txt"));
        let cannot = || format!("cannot write {}", path.display());
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => {
                return fill(file, head, body).map(|()| path.clone()).map_err(|error| {
                    // Half a list would be taken for a whole one.
                    let _ = std::fs::remove_file(&path);
                    Fault::failed(cannot()).why(error.to_string())
                });
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let there = std::fs::read_to_string(&path).unwrap_or_default();
                if there.split_once('\n').is_some_and(|(_, lines)| lines == body) {
                    return Ok(path);
                }
            }
            Err(error) => return Err(error).or_fault(Code::Failed, cannot),
        }
    }
    Err(Fault::failed(format!("{} has {MOST_FILES} lists of {stem}", folder.display()))
        .todo("remove some of them"))
}

fn fill(mut file: File, head: &str, body: &str) -> std::io::Result<()> {
    file.write_all(head.as_bytes())?;
    file.write_all(body.as_bytes())?;
    file.sync_all()
}

/// A Python package, by the directory that pip made for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wheel {
    name: String,
    version: String,
    folder: String,
    /// Where it came from, where that was no index.
    origin: Option<String>,
}

fn pip(added: &[String], conda: &BTreeMap<String, String>) -> Vec<Wheel> {
    let read = |path: &String| {
        let (site, folder) = path.rsplit_once('/')?;
        // Some packages bring copies of others inside themselves; those are nobody's choice.
        let place = site.rsplit('/').next()?;
        if !["site-packages", "dist-packages"].contains(&place) {
            return None;
        }
        let (name, version) = folder.strip_suffix(".dist-info")?.rsplit_once('-')?;
        let from_conda = conda.contains_key(&normal(name)) && site.contains("conda");
        (plain(name) && plain(version) && !from_conda).then(|| Wheel {
            name: name.to_owned(),
            version: version.to_owned(),
            folder: path.clone(),
            origin: None,
        })
    };
    let mut found: Vec<Wheel> = added.iter().filter_map(read).collect();
    found.sort_by(|a, b| (normal(&a.name), &a.folder).cmp(&(normal(&b.name), &b.folder)));
    found
}

fn pip_lines(wheels: Vec<Wheel>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut last: Option<Wheel> = None;
    for one in wheels {
        let line = match &one.origin {
            Some(origin) => origin.replace("{name}", &one.name).replace("{version}", &one.version),
            None => format!("{}=={}", one.name, one.version),
        };
        match &last {
            // Two pins of one package would be a file that pip refuses.
            Some(before) if normal(&before.name) == normal(&one.name) => {
                if before.version != one.version {
                    lines.push(format!("# {line}, in {}", one.folder));
                }
            }
            _ => lines.push(line),
        }
        last = Some(one);
    }
    lines
}

/// pip's own note of an install from a repository or a directory, as a line.
fn origin(note: Vec<u8>) -> Option<String> {
    let note: Value = serde_json::from_slice(&note).ok()?;
    let url = note["url"].as_str().filter(|url| !url.chars().any(char::is_whitespace))?;
    let vcs = note["vcs_info"]["vcs"].as_str();
    Some(match (vcs, note["vcs_info"]["commit_id"].as_str()) {
        (Some(vcs), Some(commit)) if plain(vcs) && plain(commit) => {
            format!("{{name}} @ {vcs}+{url}@{commit}")
        }
        _ if url.starts_with("file:") => format!("# {{name}}=={{version}} came from {url}"),
        _ => format!("{{name}} @ {url}"),
    })
}

/// By normal name, since the same package is told from pip's view by it.
fn conda(added: &[String]) -> BTreeMap<String, String> {
    let read = |path: &String| {
        let (folder, file) = path.rsplit_once('/')?;
        folder.ends_with("/conda-meta").then_some(())?;
        let (rest, build) = file.strip_suffix(".json")?.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let fine = plain(name) && plain(version) && plain(build);
        fine.then(|| (normal(name), format!("{name}={version}={build}")))
    };
    added.iter().filter_map(read).collect()
}

/// `Foo_Bar` and `foo-bar` are one package.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// What may stand in a line: a path in a container can hold anything.
fn plain(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+!~:-".contains(c))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
