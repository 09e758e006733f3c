//! Completions for bash, zsh and fish, one file a command, under the name each shell looks
//! for.

use std::path::Path;

use clap_complete::{Shell, generate};
use ds01_fault::Fault;

use crate::Page;

pub fn pages(tree: &Path) -> Result<Vec<Page>, Fault> {
    let mut pages = Vec::new();
    for entry in ds01::commands() {
        let name = entry.name;
        let files = [
            (Shell::Bash, format!("completions/bash/{name}")),
            (Shell::Zsh, format!("completions/zsh/_{name}")),
            (Shell::Fish, format!("completions/fish/{name}.fish")),
        ];
        for (shell, file) in files {
            let mut bytes = Vec::new();
            generate(shell, &mut (entry.command)(), name, &mut bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            pages.push(Page { path: tree.join(file), text });
        }
    }
    Ok(pages)
}
