//! gpu-state - who has which GPU, seen by user, by container or by interface
//!
//! Reads and never writes: the ledger, the board and Docker, each for what it knows. What
//! cannot be asked is left out with a note, and is never shown as nothing.

mod rows;
mod table;
mod totals;
mod unmanaged;

use std::io::Read;
use std::time::Duration;

use cli::Tool;
use ds01_board::Slot;
use ds01_config::Config;
use ds01_docker::{Container, Docker, read_listing};
use ds01_fault::{Code, Context, Fault};
use ds01_ledger::view::{View, for_caller};
use ds01_site::Site;
use ds01_text::Output;
use serde::Serialize;

use crate::rows::{ContainerRow, InterfaceRow, UserRow};
use crate::totals::Totals;
use crate::unmanaged::Unmanaged;

/// Docker answers within milliseconds, or something is wrong; a view is not worth the wait.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    view: Option<Verb>,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Verb {
    /// What each user has, and waits for
    ByUser {
        /// This user alone, also one who has nothing
        #[arg(value_name = "USER")]
        user: Option<String>,
    },
    /// Which slots each container has, since when and how long it keeps them
    ByContainer {
        /// This container alone: its name, with or without ._.USER, or its id
        #[arg(value_name = "CONTAINER")]
        container: Option<String>,
    },
    /// What comes in which way: docker, compose, devcontainer, orchestration
    ByInterface,
    /// Containers that use a GPU and have no lease
    Unmanaged {
        /// - reads `docker inspect` documents from stdin in place of asking Docker
        #[arg(value_name = "-", value_parser = ["-"])]
        listing: Option<String>,
    },
    /// Slots and GPU equivalents: all, leased, free
    Totals,
}

/// Everything in one document.
#[derive(Serialize)]
struct Report {
    totals: Totals,
    users: Vec<UserRow>,
    containers: Vec<ContainerRow>,
    interfaces: Vec<InterfaceRow>,
    /// None: Docker cannot be asked.
    unmanaged: Option<Vec<Unmanaged>>,
}

impl Tool for Args {
    const NAME: &'static str = "gpu-state";
    const ABOUT: &'static str = "who has which GPU, seen by user, by container or by interface";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let view = for_caller(site)?;
        match self.view {
            None => Ok(whole(site, &view)),
            Some(Verb::ByUser { user }) => {
                let rows = match user {
                    Some(user) => vec![rows::user(&view, &user)],
                    None => rows::users(&view),
                };
                Ok(Output::many(&rows).text(table::users(&rows)))
            }
            Some(Verb::ByContainer { container }) => {
                let mut rows = rows::containers(&view);
                if let Some(wanted) = container {
                    rows.retain(|row| row.is(&wanted));
                    if rows.is_empty() {
                        return Err(no_lease(&wanted));
                    }
                }
                Ok(Output::many(&rows).text(table::containers(&rows)))
            }
            Some(Verb::ByInterface) => {
                let rows = rows::interfaces(&view);
                Ok(Output::many(&rows).text(table::interfaces(&rows)))
            }
            Some(Verb::Unmanaged { listing }) => {
                let (slots, note) = slots(site);
                let containers = if listing.is_some() { listed()? } else { ask_docker(&view)? };
                let rows = unmanaged::of(&containers, &view, slots.as_deref());
                Ok(noted(Output::many(&rows).text(table::unmanaged(&rows)), note))
            }
            Some(Verb::Totals) => {
                let (slots, note) = slots(site);
                let totals = Totals::of(&view, slots.as_deref());
                Ok(noted(Output::one(&totals).text(table::totals(&totals)), note))
            }
        }
    }
}

fn whole(site: &Site, view: &View) -> Output {
    let (slots, no_board) = slots(site);
    let (unmanaged, no_docker) = match ask_docker(view) {
        Ok(containers) => (Some(unmanaged::of(&containers, view, slots.as_deref())), None),
        Err(fault) => {
            (None, Some(format!("unmanaged containers are not known: {}", because(&fault))))
        }
    };
    let report = Report {
        totals: Totals::of(view, slots.as_deref()),
        users: rows::users(view),
        containers: rows::containers(view),
        interfaces: rows::interfaces(view),
        unmanaged,
    };
    let mut text = table::totals(&report.totals);
    let containers = [
        table::containers(&report.containers),
        report.unmanaged.as_deref().map(table::unmanaged).unwrap_or_default(),
    ];
    for part in containers.iter().filter(|part| !part.is_empty()) {
        text += &format!("\n{part}");
    }
    noted(noted(Output::one(&report).text(text), no_board), no_docker)
}

/// What can be leased at all; nothing but a note where the board or its weights are unknown.
fn slots(site: &Site) -> (Option<Vec<Slot>>, Option<String>) {
    let slots = ds01_ledger::facts::read_board().and_then(|board| {
        let config = Config::load(site)?;
        Ok(board.slots(ds01_ledger::decide::weight(config.gpu())))
    });
    match slots {
        Ok(slots) => (Some(slots), None),
        Err(fault) => (None, Some(format!("what is free is not known: {}", because(&fault)))),
    }
}

/// The containers without a lease, inspected: the list alone says nothing of GPUs.
fn ask_docker(view: &View) -> Result<Vec<Container>, Fault> {
    let docker = Docker::from_env()?.patience(PATIENCE);
    let mut containers = Vec::new();
    for listed in docker.list()? {
        if !unmanaged::has_lease(view, &listed.id, &listed.name) {
            containers.extend(docker.inspect(&listed.id)?);
        }
    }
    Ok(containers)
}

fn listed() -> Result<Vec<Container>, Fault> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .or_fault(Code::Usage, || "cannot read the listing on stdin".into())?;
    read_listing(&text)
}

fn no_lease(container: &str) -> Fault {
    Fault::not_found(format!("no container `{container}` has a GPU"))
        .why("the ledger has no lease for it")
        .todo("`gpu-state by-container` lists those that have one, `gpu-state unmanaged` who has one without")
}

fn because(fault: &Fault) -> String {
    if fault.why.is_empty() { fault.what.clone() } else { format!("{}: {}", fault.what, fault.why) }
}

fn noted(output: Output, note: Option<String>) -> Output {
    match note {
        Some(note) => output.note(format!("note: {note}")),
        None => output,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
