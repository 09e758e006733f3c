//! `status` and `validate`: what the ledger says, and whether it can be believed.

use ds01_fault::Fault;
use ds01_ledger::decide::find;
use ds01_ledger::facts::Facts;
use ds01_ledger::view::{View, for_caller};
use ds01_site::Site;
use ds01_text::{Output, Table};
use serde_json::json;

use crate::after;

pub fn status(site: &Site) -> Result<Output, Fault> {
    let view = for_caller(site)?;
    Ok(Output::large(&view).text_from(move || table(&view)))
}

fn table(view: &View) -> String {
    let mut table = Table::new(["CONTAINER", "USER", "GPU", "PROFILE", "EQ", "SINCE", "STATE"]);
    for (name, one) in &view.allocations {
        let profiles: Vec<&str> = one.slots.iter().map(|slot| slot.profile.as_str()).collect();
        let weight: f64 = one.slots.iter().map(|slot| slot.gpueq).sum();
        let state = match (one.stopped_at, one.hold_until) {
            (None, _) => one.state.clone(),
            (Some(at), Some(until)) => format!("stopped_at {at}, kept until {until}"),
            (Some(at), None) => format!("stopped_at {at}, kept until removed"),
        };
        table.row([
            name.clone(),
            one.user.clone(),
            one.gpu_id.clone(),
            profiles.join(","),
            format!("{weight:.2}"),
            one.allocated_at.to_string(),
            state,
        ]);
    }
    for one in &view.pending {
        let profiles: Vec<&str> = one.slots.iter().map(|slot| slot.profile.as_str()).collect();
        let weight: f64 = one.slots.iter().map(|slot| slot.gpueq).sum();
        table.row([
            one.container.clone(),
            one.user.clone(),
            one.gpu_id.clone(),
            profiles.join(","),
            format!("{weight:.2}"),
            one.allocated_at.to_string(),
            format!("pending until {}", one.deadline),
        ]);
    }
    if table.is_empty() { "no GPU is leased\n".into() } else { table.render() }
}

#[derive(clap::Args, Debug)]
pub struct Validate {
    /// This container's slots: are they its own, and on the board?
    #[arg(long, value_name = "NAME", conflicts_with = "repair")]
    container: Option<String>,
    /// The slots it should have, as a comma list of display names or UUIDs
    #[arg(long, value_name = "IDS", requires = "container", value_delimiter = ',')]
    gpu: Vec<String>,
    /// Make a usable ledger of a damaged one; the damaged files are kept beside it
    #[arg(long)]
    repair: bool,
}

impl Validate {
    pub fn run(self, site: &Site) -> Result<Output, Fault> {
        match self.container {
            Some(container) => of_container(site, &container, &self.gpu),
            None if self.repair => repair(site),
            None => of_ledger(site),
        }
    }
}

/// Reading the ledger checks every record of it.
fn of_ledger(site: &Site) -> Result<Output, Fault> {
    // The records are root's; the view, which everybody reads, proves nothing about them.
    ds01_ledger::may_write(site)?;
    let state = ds01_ledger::look(site)?;
    let leases = state.leases.len();
    let document = json!({"ok": true, "decisions": state.seq, "leases": leases,
        "last_decision": state.at});
    Ok(Output::one(&document)
        .text(format!("the ledger is whole: {} decisions, {leases} leases", state.seq)))
}

fn repair(site: &Site) -> Result<Output, Fault> {
    ds01_ledger::may_write(site)?;
    let (ledger, mended) = ds01_ledger::mend(site)?;
    let (state, born) = (ledger.state().clone(), ledger.born());
    let trouble = mended.trouble.map(|trouble| trouble.to_string());
    let document = json!({"mended": trouble.is_some(), "trouble": trouble, "kept": mended.kept,
        "skipped": mended.skipped, "leases": state.leases.len()});
    let text = match &trouble {
        None => "the ledger is whole: nothing to mend".to_owned(),
        Some(trouble) => format!(
            "mended: {trouble}\nkept: {}\nnow compare with Docker: gpu-alloc reconcile --apply",
            mended.kept.join(", ")
        ),
    };
    let site = site.clone();
    Ok(Output::one(&document).text(text).after(move || after::tell(&site, &state, born, &[])))
}

fn of_container(site: &Site, container: &str, gpu: &[String]) -> Result<Output, Fault> {
    let view = for_caller(site)?;
    let lease = view.allocations.get(container).ok_or_else(|| {
        Fault::not_found(format!("container `{container}` has no GPU lease"))
            .todo(format!("gpu-alloc allocate --container {container} --user USER"))
    })?;
    let facts = Facts::gather(site)?;
    for slot in &lease.slots {
        find(&facts.board, &slot.uuid).map_err(|fault| {
            Fault { what: format!("the GPU {} of `{container}` is gone", slot.id), ..fault }
                .todo(format!("create {container} anew; `gpu-list` shows the slots there are"))
        })?;
    }
    let named = |id: &&String| lease.slots.iter().any(|slot| slot.id == **id || slot.uuid == **id);
    if let Some(other) = gpu.iter().find(|id| !named(id)) {
        return Err(Fault::limit(format!("`{container}` does not have GPU {other}"))
            .why(format!("it has {}", lease.gpu_id))
            .todo(format!("gpu-alloc allocate --container {container} answers which it may use")));
    }
    let uuids: Vec<&str> = lease.slots.iter().map(|slot| slot.uuid.as_str()).collect();
    let document = json!({"ok": true, "container": container, "user": lease.user,
        "gpu_id": lease.gpu_id, "uuids": uuids});
    Ok(Output::one(&document).text(format!("{container} has {}", lease.gpu_id)))
}
