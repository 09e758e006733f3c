//! The table of commands in README.md, and the same in ds01(7).

use std::fs;
use std::path::Path;

use ds01_fault::{Code, Context, Fault};

use crate::{Page, splice::splice};

pub fn pages(tree: &Path) -> Result<Vec<Page>, Fault> {
    let readme =
        fill(tree, "README.md", "<!-- commands: begin -->", "<!-- commands: end -->", &markdown())?;
    let manual = fill(tree, "man/ds01.7", ".\\\" commands: begin", ".\\\" commands: end", &mdoc())?;
    Ok(vec![readme, manual])
}

fn fill(tree: &Path, file: &str, begin: &str, end: &str, part: &str) -> Result<Page, Fault> {
    let path = tree.join(file);
    let text =
        fs::read_to_string(&path).or_fault(Code::Failed, || format!("cannot read {file}"))?;
    Ok(Page { text: splice(file, &text, begin, end, part)?, path })
}

fn markdown() -> String {
    let mut text = String::from("| | command | does |\n|---|---|---|\n");
    for group in ds01::GROUPS {
        let mut title = group.title;
        for entry in group.commands {
            text +=
                &format!("| {title} | `{}` | {} |\n", entry.name, entry.about.replace('|', "\\|"));
            title = "";
        }
    }
    text
}

fn mdoc() -> String {
    let mut text = String::new();
    for group in ds01::GROUPS {
        text += &format!(".Ss {}\n.Bl -tag -width limits-resolve\n", group.title);
        for entry in group.commands {
            text += &format!(".It Xr {} 1\n{}.\n", entry.name, entry.about);
        }
        text += ".El\n";
    }
    text
}
