//! Completions for bash, zsh and fish, one file a command, under the name each shell looks
//! for.

use std::path::Path;

use clap_complete::{Shell, generate};
use ds01_fault::Fault;

use crate::{Page, scripts};

pub fn pages(tree: &Path) -> Result<Vec<Page>, Fault> {
    let mut pages = Vec::new();
    let tools = ds01::commands().map(|entry| (entry.name, (entry.command)()));
    let aliases = ds01::ALIASES.iter().filter_map(|(alias, own)| {
        ds01::find(own).map(|entry| (*alias, (entry.command)().name(*alias)))
    });
    let scripts = ds01::scripts().map(|script| (script.name, scripts::completed(script)));
    for (name, mut command) in tools.chain(aliases).chain(scripts) {
        let files = [
            (Shell::Bash, format!("completions/bash/{name}")),
            (Shell::Zsh, format!("completions/zsh/_{name}")),
            (Shell::Fish, format!("completions/fish/{name}.fish")),
        ];
        for (shell, file) in files {
            let mut bytes = Vec::new();
            generate(shell, &mut command, name, &mut bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            pages.push(Page { path: tree.join(file), text });
        }
    }
    Ok(pages)
}
