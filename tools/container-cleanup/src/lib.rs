//! container-cleanup - remove your stopped and never started containers
//!
//! Your own and nobody else's (pitfall 9); it lists them with what each holds, and asks.

use cli::{Change, For};
use ds01_ask::Ask;
use ds01_containers::Mine;
use ds01_docker::{Container, State};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::{Output, Table};
use ds01_units::Span;
use serde_json::json;
use verbs::Done;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only those that have stood still this long, such as 7d
    #[arg(long, value_name = "TIME", default_value = "0s")]
    older_than: Span,
    #[command(flatten)]
    change: Change,
}

impl cli::Tool for Args {
    const NAME: &'static str = "container-cleanup";
    const ABOUT: &'static str = "remove your stopped and never started containers";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mine = Mine::open(site)?;
        let mut idle = Vec::new();
        for listed in mine.all()?.into_iter().filter(|one| stands_still(&one.state)) {
            if let Some(container) = mine.docker().inspect(&listed.id)?
                && since(&mine, &container) >= self.older_than
            {
                idle.push(container);
            }
        }
        if idle.is_empty() {
            return Ok(verbs::nothing("nothing to clean up: no container of yours stands still"));
        }
        let dry_run = self.change.dry_run;
        if !dry_run {
            // Where nobody is asked, the question is a line of the fault.
            let list = match Ask::at(site).can_ask() && !self.change.yes {
                true => format!("{}\n", list(&mine, &idle)),
                false => String::new(),
            };
            let count = verbs::count(idle.len(), "container");
            let question = format!("{list}Remove {count}? What was changed inside is lost.");
            if !verbs::agreed(site, self.change.yes, &question)? {
                return Ok(verbs::nothing("nothing is removed"));
            }
        }
        let ids: Vec<String> = idle.iter().map(|one| one.id.clone()).collect();
        let mut idle = idle.into_iter();
        Ok(verbs::each(&ids, dry_run, |id| {
            let found = idle.find(|one| one.id == *id);
            clean(&mine, &found.map_or_else(|| mine.find(id), Ok)?, dry_run)
        }))
    }
}

fn stands_still(state: &State) -> bool {
    matches!(state, State::Created | State::Exited | State::Dead)
}

fn since(mine: &Mine, container: &Container) -> Span {
    container.stopped_since().map_or(Span::ZERO, |at| mine.now().since(at))
}

fn list(mine: &Mine, idle: &[Container]) -> String {
    let mut table = Table::new(["NAME", "STATE", "FOR", "GPU", "IMAGE"]);
    for one in idle {
        let gpus = mine.after(one).gpu.unwrap_or_default().join(",");
        table.row([
            verbs::name(mine, one),
            one.state.to_string(),
            since(mine, one).words(),
            if gpus.is_empty() { "-".to_owned() } else { gpus },
            one.image.clone(),
        ]);
    }
    table.render()
}

fn clean(mine: &Mine, container: &Container, dry_run: bool) -> Result<Done, Fault> {
    if dry_run {
        let words = format!(
            "{} would be removed; it has stood still for {}",
            verbs::line(mine, container),
            since(mine, container).words()
        );
        return Ok(Done { document: verbs::document(mine, container, "would_remove"), words });
    }
    // Not by force: one that was started meanwhile stays.
    ds01_containers::remove(mine, container, false)?;
    let after = mine.after(container);
    let has_gpu = after.gpu.as_ref().is_some_and(|gpus| !gpus.is_empty());
    let freed = if has_gpu { ds01_containers::freed(mine, container) } else { None };
    let document = json!({
        "container": container.name, "container_id": container.id, "did": "removed",
        "name": after.name, "gpu": after.gpu, "gpu_freed": freed,
    });
    Ok(Done { document, words: after.removed(freed) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
