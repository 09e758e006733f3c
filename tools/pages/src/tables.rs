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

/// The groups with their lines, one after another.
fn table(head: impl Fn(&str) -> String, line: impl Fn(&str, &str) -> String, foot: &str) -> String {
    let (mut text, mut shown) = (String::new(), "");
    for (title, name, about) in ds01::everything() {
        if title != shown {
            text += if shown.is_empty() { "" } else { foot };
            text += &head(title);
            shown = title;
        }
        text += &line(name, about);
    }
    text + foot
}

fn markdown() -> String {
    let title = std::cell::RefCell::new(String::new());
    let head = |new: &str| {
        new.clone_into(&mut title.borrow_mut());
        String::new()
    };
    let line = |name: &str, about: &str| {
        let title = title.take();
        format!("| {title} | `{name}` | {} |\n", about.replace('|', "\\|"))
    };
    format!("| | command | does |\n|---|---|---|\n{}", table(head, line, ""))
}

fn mdoc() -> String {
    let head = |title: &str| format!(".Ss {title}\n.Bl -tag -width limits-resolve\n");
    let line = |name: &str, about: &str| format!(".It Xr {name} 1\n{about}.\n");
    table(head, line, ".El\n")
}
