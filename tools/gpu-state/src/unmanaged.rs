//! Containers that use a GPU behind the ledger's back: made before the door stood, by root,
//! or under a lease that has ended.

use ds01_board::{Slot, SlotId};
use ds01_docker::{Container, Device, GpuUse};
use ds01_ledger::view::View;
use ds01_names::Owner;
use ds01_units::Stamp;
use serde::Serialize;

/// Such a container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unmanaged {
    pub container: String,
    pub container_id: String,
    /// Whom its labels or its name say; none where neither says anybody.
    pub user: Option<String>,
    /// What it asked for: `all`, `count` or `devices`.
    pub access: &'static str,
    /// In the words of the request: `all`, `2`, `0:1,MIG-…`.
    pub gpus: String,
    /// Display names of the slots that is today; none where the board is not known.
    pub slots: Option<Vec<String>>,
    /// Containers that have a lease of one of these slots.
    pub beside: Vec<String>,
    pub running: bool,
    /// Since when it runs, or has stopped.
    pub since: Option<Stamp>,
    pub image: String,
    /// Watches GPUs and uses none, as an admin has said.
    pub monitoring: bool,
}

pub fn of(containers: &[Container], view: &View, board: Option<&[Slot]>) -> Vec<Unmanaged> {
    let mut rows: Vec<_> = containers
        .iter()
        .filter(|one| !has_lease(view, &one.id, &one.name))
        .filter_map(|one| row(one, view, board))
        .collect();
    rows.sort_by(|a, b| a.container.cmp(&b.container));
    rows
}

/// By the id; by the name only where the lease knows no id yet, since Docker may have given
/// the name to another container.
pub fn has_lease(view: &View, id: &str, name: &str) -> bool {
    let by_name = view.allocations.get(name).is_some_and(|one| one.container_id.is_none());
    by_name
        || view.allocations.values().any(|one| one.container_id.as_deref() == Some(id))
        || view.pending.iter().any(|one| one.container == name)
}

fn row(container: &Container, view: &View, board: Option<&[Slot]>) -> Option<Unmanaged> {
    let uses = container.gpu_use();
    let (access, gpus) = match &uses {
        GpuUse::None => return None,
        GpuUse::All => ("all", "all".to_owned()),
        GpuUse::Count(count) => ("count", count.to_string()),
        GpuUse::Devices(devices) => {
            let words: Vec<String> = devices.iter().map(ToString::to_string).collect();
            ("devices", words.join(","))
        }
    };
    let slots =
        board.map(|board| board.iter().filter(|slot| is_used(&uses, slot)).collect::<Vec<_>>());
    let leased = |uuid: &str| {
        view.allocations
            .iter()
            .filter(move |(_, one)| one.slots.iter().any(|slot| slot.uuid == uuid))
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let mut beside: Vec<String> =
        slots.iter().flatten().flat_map(|slot| leased(&slot.uuid)).collect();
    beside.sort();
    beside.dedup();
    Some(Unmanaged {
        container: container.name.clone(),
        container_id: container.id.clone(),
        user: owner(container),
        access,
        gpus,
        slots: slots.map(|slots| slots.iter().map(|slot| slot.id.to_string()).collect()),
        beside,
        running: container.is_running(),
        since: container.stopped_since().or(container.started),
        image: container.image.clone(),
        monitoring: container.label("ds01.monitoring") == Some("true"),
    })
}

/// Whether what a container uses takes in a slot. A card that is cut is all its instances.
fn is_used(uses: &GpuUse, slot: &Slot) -> bool {
    match uses {
        GpuUse::None => false,
        GpuUse::All => true,
        GpuUse::Count(count) => slot.gpu < *count,
        GpuUse::Devices(devices) => devices.iter().any(|device| match device {
            Device::Uuid(uuid) => *uuid == slot.uuid || *uuid == slot.gpu_uuid,
            Device::Index { gpu, mig: None } | Device::Node(gpu) => *gpu == slot.gpu,
            Device::Index { gpu, mig: Some(mig) } => slot.id == SlotId::instance(*gpu, *mig),
            Device::Unknown(_) => false,
        }),
    }
}

fn owner(container: &Container) -> Option<String> {
    container.owner().map(str::to_owned).or_else(|| {
        Some(match ds01_names::container::parse(&container.name)?.1 {
            Owner::Name(name) | Owner::Number(name) => name,
            Owner::Uid(uid) => uid.to_string(),
        })
    })
}
