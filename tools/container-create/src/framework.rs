//! An image by the name of its framework.

use ds01_board::{Depth, Nvml};
use ds01_catalogue::{Arch, Catalogue, Offer};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::{Output, Table};

/// The image of a framework for this machine.
pub fn find(
    site: &Site,
    framework: &str,
    version: Option<&str>,
    cpu_only: bool,
) -> Result<Offer, Fault> {
    let catalogue = Catalogue::load(site)?;
    catalogue.find(framework, version, &archs(cpu_only)).cloned()
}

/// What this machine's GPUs can run. A board that does not answer hides nothing: what the
/// catalogue has is listed as for a machine without GPUs.
fn archs(cpu_only: bool) -> Vec<Arch> {
    let said = std::env::var("MLC_ARCH").ok();
    let gpus = match said.is_some() || cpu_only {
        true => Vec::new(),
        false => Nvml::open().and_then(|nvml| nvml.board(Depth::Whole)).map_or_else(
            |_| Vec::new(),
            |board| board.gpus.into_iter().filter_map(|gpu| gpu.name).collect(),
        ),
    };
    Arch::of_machine(said.as_deref(), &gpus)
}

pub fn list(site: &Site) -> Result<Output, Fault> {
    let catalogue = Catalogue::load(site)?;
    let offers: Vec<Offer> = catalogue.offers(&archs(false)).into_iter().cloned().collect();
    let mut table = Table::new(["FRAMEWORK", "VERSION", "IMAGE"]);
    for one in &offers {
        table.row([one.framework.clone(), one.version.clone(), one.image.clone()]);
    }
    Ok(Output::many(&offers).text(table.render()))
}
