//! pages - writes what is derived from the commands themselves, or checks that it is fresh
//!
//! `pages man` sets the OPTIONS part of every page in man/, `pages completions` writes
//! completions/, `pages readme` the table of commands in README.md and ds01(7). With
//! `--check` nothing is written; what is stale or missing is named and the exit code is 1.
//! A tool of this tree's makers, never installed.

mod completions;
mod mdoc;
mod scripts;
mod splice;
mod tables;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ds01_fault::Fault;

/// One derived file: where it lies, and what should be in it.
#[derive(Debug)]
pub struct Page {
    pub path: PathBuf,
    pub text: String,
}

#[allow(clippy::print_stderr, reason = "a maker's tool, which talks on stderr")]
fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let check =
        words.iter().position(|word| word == "--check").map(|at| words.remove(at)).is_some();
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["man"] => mdoc::pages(&tree),
        ["completions"] => completions::pages(&tree),
        ["readme"] => tables::pages(&tree),
        _ => Err(Fault::usage("pages man|completions|readme [--check]")),
    };
    match pages.and_then(|pages| settle(&pages, check)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("pages: {fault}");
            ExitCode::from(fault.code as u8)
        }
    }
}

/// Writes each page that differs, or with `check` names them all.
fn settle(pages: &[Page], check: bool) -> Result<(), Fault> {
    let stale =
        |page: &&Page| std::fs::read_to_string(&page.path).ok().as_ref() != Some(&page.text);
    let stale: Vec<&Page> = pages.iter().filter(stale).collect();
    if check && !stale.is_empty() {
        let names: Vec<_> = stale.iter().map(|page| page.path.display().to_string()).collect();
        return Err(Fault::failed(format!("stale: {}", names.join(", ")))
            .todo("run `make man completions` and commit what it writes"));
    }
    for page in stale {
        if let Some(parent) = page.path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| Fault::failed(e.to_string()))?;
        }
        std::fs::write(&page.path, &page.text).map_err(|e| {
            Fault::failed(format!("cannot write {}", page.path.display())).why(e.to_string())
        })?;
    }
    Ok(())
}
