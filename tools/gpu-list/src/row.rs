//! One GPU or instance as it is printed.

use ds01_board::{Board, Gpu, Instance, Lost, Mig, Process, SlotId, Weight};
use ds01_ledger::types::Drain;
use ds01_text::Table;
use ds01_units::Bytes;
use serde::Serialize;

/// Key order is the order in JSON.
#[derive(Debug, Serialize)]
pub struct Row {
    /// For people; shifts when a layout changes.
    pub id: String,
    pub uuid: Option<String>,
    kind: Kind,
    /// Whether it can be leased.
    pub slot: bool,
    profile: Option<String>,
    memory: Option<Bytes>,
    /// First memory slot and their number; what only root is told is null for others.
    start: Option<u32>,
    size: Option<u32>,
    compute_slices: Option<u32>,
    gpueq: Option<f64>,
    pub health: Health,
    /// Why it is not ok.
    why: Option<String>,
    numa: Option<u32>,
    nvlink: Vec<u32>,
    gpu: u32,
    gpu_uuid: Option<String>,
    name: Option<String>,
    pci: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<Vec<Running>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A whole card.
    Gpu,
    /// A card that is cut into instances.
    Mig,
    /// One of them.
    Instance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Ok,
    /// Taken out of service.
    Drained,
    /// The card does not answer.
    Lost,
    /// The ledger could not be read.
    Unknown,
}

#[derive(Debug, Serialize)]
struct Running {
    pid: u32,
    kind: ds01_board::Kind,
    memory: Option<Bytes>,
}

/// The whole board in natural order, each card before its instances.
pub fn all(board: &Board, weight: Weight) -> Vec<Row> {
    let slots = board.slots(weight);
    let gpueq = |id: SlotId| slots.iter().find(|slot| slot.id == id).map(|slot| slot.gpueq);
    let mut rows: Vec<(SlotId, Row)> = Vec::new();
    for gpu in &board.gpus {
        let id = SlotId::gpu(gpu.index);
        rows.push((id, of_gpu(gpu, gpueq(id))));
        for instance in &gpu.instances {
            let id = SlotId::instance(gpu.index, instance.index);
            rows.push((id, of_instance(gpu, instance, id, gpueq(id))));
        }
    }
    rows.extend(board.lost.iter().map(|lost| (SlotId::gpu(lost.index), of_lost(lost))));
    rows.sort_by_key(|row| row.0);
    rows.into_iter().map(|row| row.1).collect()
}

fn of_gpu(gpu: &Gpu, gpueq: Option<f64>) -> Row {
    let (kind, compute_slices, size) = match gpu.mig {
        Mig::Off => (Kind::Gpu, None, None),
        Mig::On { compute_slices, memory_slots } => (Kind::Mig, Some(compute_slices), memory_slots),
    };
    Row {
        id: SlotId::gpu(gpu.index).to_string(),
        uuid: Some(gpu.uuid.clone()),
        kind,
        slot: kind == Kind::Gpu,
        profile: None,
        memory: gpu.memory,
        start: None,
        size,
        compute_slices,
        gpueq: if kind == Kind::Gpu { gpueq } else { None },
        health: Health::Ok,
        why: None,
        numa: gpu.numa,
        nvlink: gpu.nvlink.clone(),
        gpu: gpu.index,
        gpu_uuid: Some(gpu.uuid.clone()),
        name: gpu.name.clone(),
        pci: gpu.pci.clone(),
        processes: None,
    }
}

fn of_instance(gpu: &Gpu, instance: &Instance, id: SlotId, gpueq: Option<f64>) -> Row {
    Row {
        id: id.to_string(),
        uuid: Some(instance.uuid.clone()),
        kind: Kind::Instance,
        slot: true,
        profile: Some(instance.profile.clone()),
        memory: Some(instance.memory),
        start: instance.placement.map(|place| place.start),
        size: instance.placement.map(|place| place.size),
        compute_slices: Some(instance.compute_slices),
        gpueq,
        nvlink: Vec::new(),
        ..of_gpu(gpu, None)
    }
}

fn of_lost(lost: &Lost) -> Row {
    Row {
        id: SlotId::gpu(lost.index).to_string(),
        uuid: None,
        kind: Kind::Gpu,
        slot: false,
        profile: None,
        memory: None,
        start: None,
        size: None,
        compute_slices: None,
        gpueq: None,
        health: Health::Lost,
        why: Some(lost.why.clone()),
        numa: None,
        nvlink: Vec::new(),
        gpu: lost.index,
        gpu_uuid: None,
        name: None,
        pci: None,
        processes: None,
    }
}

impl Row {
    /// Its health by what is drained; a card's drain is its instances' too. None: nobody
    /// knows what is drained.
    pub fn judge(&mut self, drains: Option<&[Drain]>) {
        if self.health == Health::Lost {
            return;
        }
        let Some(drains) = drains else {
            self.health = Health::Unknown;
            return;
        };
        let own = [&self.uuid, &self.gpu_uuid];
        let hit = |drain: &&Drain| own.iter().any(|uuid| uuid.as_ref() == Some(&drain.uuid));
        if let Some(drain) = drains.iter().find(hit) {
            self.health = Health::Drained;
            self.why = Some(drain.reason.clone());
        }
    }
}

/// Puts each process where it runs.
pub fn populate(rows: &mut [Row], processes: Vec<Process>) {
    for row in rows.iter_mut().filter(|row| row.slot) {
        row.processes = Some(Vec::new());
    }
    for process in processes {
        let place = rows.iter_mut().find(|row| row.uuid.as_ref() == Some(&process.uuid));
        if let Some(list) = place.and_then(|row| row.processes.as_mut()) {
            list.push(Running { pid: process.pid, kind: process.kind, memory: process.memory });
        }
    }
}

pub fn table(rows: &[Row], processes: bool) -> String {
    let mut table = if processes {
        Table::new([
            "GPU",
            "PROFILE",
            "MEMORY",
            "PLACE",
            "GPUEQ",
            "NUMA",
            "HEALTH",
            "PROCESSES",
            "UUID",
        ])
    } else {
        Table::new(["GPU", "PROFILE", "MEMORY", "PLACE", "GPUEQ", "NUMA", "HEALTH", "NAME", "UUID"])
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    for row in rows {
        let profile = match row.kind {
            Kind::Gpu => "full".into(),
            Kind::Mig => "mig".into(),
            Kind::Instance => or_dash(row.profile.clone()),
        };
        let place = row.start.zip(row.size).map(|(start, size)| match size {
            1 => start.to_string(),
            _ => format!("{start}-{}", start + size - 1),
        });
        let health = match row.health {
            Health::Ok => "ok".into(),
            Health::Drained => format!("drained: {}", row.why.as_deref().unwrap_or_default()),
            Health::Lost => format!("lost: {}", row.why.as_deref().unwrap_or_default()),
            Health::Unknown => "unknown".into(),
        };
        let last = if processes { row.running() } else { or_dash(row.name.clone()) };
        table.row([
            row.id.clone(),
            profile,
            or_dash(row.memory.map(Bytes::words)),
            or_dash(place),
            or_dash(row.gpueq.map(|gpueq| format!("{gpueq:.4}"))),
            or_dash(row.numa.map(|node| node.to_string())),
            health,
            last,
            or_dash(row.uuid.clone()),
        ]);
    }
    table.render()
}

impl Row {
    fn running(&self) -> String {
        let Some(list) = self.processes.as_ref().filter(|list| !list.is_empty()) else {
            return "-".into();
        };
        let one = |process: &Running| match process.memory {
            Some(memory) => format!("{} ({})", process.pid, memory.words()),
            None => process.pid.to_string(),
        };
        list.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}
