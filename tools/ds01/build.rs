//! The scripts of `shell/`, read from their own heads, so that no list of them is typed twice.
//!
//! A script's second line is `# NAME ARGUMENTS - what it does`; a script under several names
//! has such a line for each. Behind them stand its options, one a line, as `--help` shows
//! them, until the line that begins with `# shellcheck`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What each folder of `shell/` holds, in the words of README.
const FOLDERS: [(&str, &str); 4] = [
    ("orchestrators", "Several steps in one"),
    ("dispatch", "One word for many"),
    ("mlc", "The names that AIME's containers have"),
    ("admin", "Setting up"),
];

fn main() {
    let shell = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shell");
    println!("cargo::rerun-if-changed={}", shell.display());
    let mut text = String::from("&[\n");
    for (folder, title) in FOLDERS {
        let _ = writeln!(text, "ScriptGroup {{ title: {title:?}, commands: &[");
        for path in files(&shell.join(folder)) {
            text += &entry(&path);
        }
        text += "] },\n";
    }
    text += "]\n";
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("scripts.rs");
    if let Err(error) = fs::write(&out, text) {
        panic!("cannot write {}: {error}", out.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn entry(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap_or_default();
    let head: Vec<&str> = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('#') && !line.starts_with("# shellcheck"))
        .map(|line| line.trim_start_matches('#').strip_prefix(' ').unwrap_or(""))
        .collect();
    let own = |line: &&&str| **line == name || line.starts_with(&format!("{name} "));
    let Some((usage, about)) = head.iter().find(own).and_then(|line| line.split_once(" - ")) else {
        panic!("{}: no line `# {name} ARGUMENTS - what it does`", path.display());
    };
    let mut options = String::new();
    for (at, line) in head.iter().enumerate() {
        let Some((flags, help)) = option(line) else { continue };
        let more = head[at + 1..].iter().take_while(|line| line.starts_with("        "));
        let more = more.filter(|line| option(line).is_none()).map(|line| line.trim());
        let help = std::iter::once(help).chain(more).collect::<Vec<_>>().join(" ");
        let _ = write!(options, "({flags:?}, {help:?}), ");
    }
    let usage = usage.trim();
    format!(
        "Script {{ name: {name:?}, usage: {usage:?}, about: {about:?}, options: &[{options}] }},\n"
    )
}

/// `  -w, --workspace DIR  what it is for`: the flags with their value, and the words.
fn option(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let (flags, help) = line.split_once("  ")?;
    line.starts_with('-').then(|| (flags.trim(), help.trim()))
}
