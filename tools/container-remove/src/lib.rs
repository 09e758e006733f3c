//! container-remove - remove containers and free their GPU
//!
//! What was changed inside a container goes with it; volumes and mounted directories stay. A
//! running one is removed only with --force, and nobody's packages are lost unasked.

mod keep;

use cli::{Change, For};
use ds01_ask::Ask;
use ds01_containers::Mine;
use ds01_docker::{Container, State};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use serde_json::{Value, json};
use verbs::{Done, Fit, Names};

use crate::keep::Keep;

const ANY: Fit = Fit { verb: "remove", state: "", fits: |_| true };
const STOPPED: Fit = Fit { verb: "remove", state: "stopped", fits: |state| !state.is_running() };

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    names: Names,
    /// All of your own that do not run
    #[arg(long, conflicts_with_all = ["names", "all"])]
    stopped: bool,
    /// Running ones too: they are killed
    #[arg(short, long)]
    force: bool,
    /// First write down what was installed beyond the image, with exact versions
    #[arg(long)]
    save_packages: bool,
    #[command(flatten)]
    change: Change,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-remove";
    const ABOUT: &'static str = "remove containers and free their GPU";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mine = Mine::open(site)?;
        let fit = if self.stopped || !self.force { STOPPED } else { ANY };
        let all = self.names.is_all() || self.stopped;
        let meant = match self.stopped {
            true => verbs::fitting(&mine, fit)?.into_iter().map(|one| one.id).collect(),
            // Every one: those that run are told, not passed over.
            false if self.names.is_all() => self.names.meant(site, &mine, ANY)?.names,
            false => self.names.some(site, &mine, fit)?.names,
        };
        if all && meant.is_empty() {
            let state = if self.stopped { "stopped " } else { "" };
            return Ok(verbs::nothing(format!("you have no {state}container")));
        }
        let found: Vec<_> = meant.iter().map(|name| (name.clone(), mine.find(name))).collect();
        if !self.change.dry_run && !agreed(site, &mine, &found, self.force, self.change.yes)? {
            return Ok(verbs::nothing("nothing is removed"));
        }
        let ask = Ask::at(site);
        let keep = Keep::of(self.save_packages, &ask, self.change.yes);
        let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
        let mut found = found.into_iter();
        let how = How { force: self.force, dry_run: self.change.dry_run, keep };
        Ok(verbs::each(&names, how.dry_run, |name| {
            let one = found.find(|(found, _)| found == name);
            remove(&mine, one.map_or_else(|| mine.find(name), |(_, one)| one)?, &how)
        }))
    }
}

/// One question for all, which names them.
fn agreed(
    site: &Site,
    mine: &Mine,
    found: &[(String, Result<Container, Fault>)],
    force: bool,
    yes: bool,
) -> Result<bool, Fault> {
    let those = || found.iter().filter_map(|(_, one)| one.as_ref().ok());
    let removable: Vec<String> = those()
        .filter(|one| force || !one.is_running())
        .map(|one| verbs::line(mine, one))
        .collect();
    if removable.is_empty() {
        return Ok(true);
    }
    let question = format!("Remove {}? What was changed inside is lost.", removable.join(", "));
    verbs::agreed(site, yes, &question)
}

struct How<'a> {
    force: bool,
    dry_run: bool,
    keep: Keep<'a>,
}

fn remove(mine: &Mine, container: Container, how: &How) -> Result<Done, Fault> {
    let name = verbs::name(mine, &container);
    if container.is_running() && !how.force {
        return Err(Fault::failed(format!("{name} runs, so it is not removed"))
            .why(format!("it is {}", container.state))
            .todo(format!("container-stop {name} first, or --force")));
    }
    let after = mine.after(&container);
    if how.dry_run {
        let kept = how.keep.would(mine, &container)?;
        let mut document = verbs::document(mine, &container, "would_remove");
        insert(&mut document, "packages", kept.as_ref().map_or(Value::Null, |kept| json!(kept)));
        let mut words = format!("{} would be removed", verbs::line(mine, &container));
        if let Some(kept) = kept {
            words += &format!(
                "; {} would be written down in {}",
                verbs::count(kept.count(), "package"),
                keep::folder(mine, &container)?.display()
            );
        }
        return Ok(Done { document, words });
    }
    // A list that cannot be written keeps the container.
    let files = how.keep.write(mine, &container)?;
    ds01_containers::remove(mine, &container, how.force && container.state != State::Created)?;
    let has_gpu = after.gpu.as_ref().is_some_and(|gpus| !gpus.is_empty());
    let freed = if has_gpu { ds01_containers::freed(mine, &container) } else { None };
    let mut document = json!({
        "container": container.name, "container_id": container.id, "did": "removed",
        "name": name, "gpu": after.gpu, "gpu_freed": freed, "packages": files,
    });
    if !has_gpu {
        insert(&mut document, "gpu_freed", Value::Null);
    }
    let mut words = after.removed(freed);
    for file in &files {
        words += &format!("\nIts packages are written down in {}.", file.display());
    }
    Ok(Done { document, words })
}

fn insert(document: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = document {
        object.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
