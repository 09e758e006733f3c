//! Asking NVIDIA's library. No question is asked that the answer does not need: each may
//! cost a call into the driver.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use ds01_fault::Fault;
use ds01_units::{Bytes, Span};
use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{P2pCapabilitiesIndex, P2pStatus, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::enums::gpm::GpmMetricId;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::gpm::{GpmSample, gpm_metrics_get};
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use crate::{Board, Driver, Gpu, Instance, Kind, Lost, Mig, Process, Reading, SlotId, raw};

/// How much to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What a lease of one slot needs: identities, sizes, weights.
    Slots,
    /// And which cards are near each other, for leases of several.
    Topology,
    /// All there is to show.
    Whole,
}

/// NVIDIA's library, loaded and answering.
#[derive(Debug)]
pub struct Nvml {
    library: nvml_wrapper::Nvml,
}

const SYSTEM_LIBRARY: &str = "libnvidia-ml.so.1";

impl Nvml {
    /// `DS01_NVML_LIB` names the library, else the system's own is taken.
    pub fn open() -> Result<Self, Fault> {
        let named = std::env::var_os("DS01_NVML_LIB").filter(|path| !path.is_empty());
        Self::load(&named.unwrap_or_else(|| OsString::from(SYSTEM_LIBRARY)))
    }

    /// The library at a path.
    pub fn load(path: &OsStr) -> Result<Self, Fault> {
        match nvml_wrapper::Nvml::builder().lib_path(path).init() {
            Ok(library) => Ok(Self { library }),
            Err(error) => Err(no_start(path, &error)),
        }
    }

    /// For what this crate does not offer, such as changing a layout.
    pub fn library(&self) -> &nvml_wrapper::Nvml {
        &self.library
    }

    /// The board as it is now. A card that does not answer is listed as lost and hides no
    /// other.
    pub fn board(&self, depth: Depth) -> Result<Board, Fault> {
        let count =
            self.library.device_count().map_err(|error| failed("count the GPUs", &error))?;
        let mut board = Board { driver: self.driver(depth), ..Board::default() };
        let mut whole = Vec::new();
        for index in 0..count {
            let read = self
                .library
                .device_by_index(index)
                .and_then(|device| Ok((self.gpu(&device, index, depth)?, device)));
            match read {
                Ok((gpu, device)) => {
                    if !gpu.mig_enabled() {
                        whole.push((board.gpus.len(), device));
                    }
                    board.gpus.push(gpu);
                }
                Err(error) => board.lost.push(Lost { index, why: error.to_string() }),
            }
        }
        if depth >= Depth::Topology {
            link(&mut board, &whole);
        }
        Ok(board)
    }

    fn driver(&self, depth: Depth) -> Driver {
        if depth < Depth::Whole {
            return Driver::default();
        }
        let cuda = |number: i32| format!("{}.{}", number / 1000, number % 1000 / 10);
        Driver {
            version: self.library.sys_driver_version().ok(),
            nvml: self.library.sys_nvml_version().ok(),
            cuda: self.library.sys_cuda_driver_version().ok().map(cuda),
        }
    }

    fn gpu(&self, device: &Device, index: u32, depth: Depth) -> Result<Gpu, NvmlError> {
        let uuid = device.uuid()?;
        let cut = match device.mig_mode() {
            Ok(mode) => mode.current == 1,
            Err(error) => known(Err(error))?.unwrap_or(false),
        };
        let memory = known(device.memory_info())?.map(|memory| Bytes(memory.total));
        let whole = depth == Depth::Whole;
        let (mut mig, mut instances) = (Mig::Off, Vec::new());
        if cut {
            // As many devices as compute slices fit on a card.
            let compute_slices = device.mig_device_count()?;
            let memory_slots = whole.then(|| raw::memory_slots(&self.library, device).ok());
            mig = Mig::On { compute_slices, memory_slots: memory_slots.flatten() };
            for at in 0..compute_slices {
                match device.mig_device_by_index(at) {
                    Ok(piece) => instances.push(self.instance(device, &piece, at, memory, depth)?),
                    // Not every place is taken.
                    Err(NvmlError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Gpu {
            index,
            uuid,
            name: if whole { known(device.name())? } else { None },
            pci: if whole { known(device.pci_info())?.map(|pci| pci.bus_id) } else { None },
            memory,
            numa: if depth >= Depth::Topology { numa(device)? } else { None },
            nvlink: Vec::new(),
            mig,
            instances,
        })
    }

    fn instance(
        &self,
        card: &Device,
        piece: &Device,
        index: u32,
        card_memory: Option<Bytes>,
        depth: Depth,
    ) -> Result<Instance, NvmlError> {
        let (gi, ci) = raw::instance_ids(&self.library, piece)?;
        let attributes = piece.attributes()?;
        let memory = Bytes(attributes.memory_size_mb << 20);
        let compute_slices = attributes.compute_instance_slice_count;
        let name = known(piece.name())?;
        let profile = name.as_deref().and_then(|name| name.rsplit_once(" MIG ")).map_or_else(
            || {
                profile_name(
                    compute_slices,
                    attributes.gpu_instance_slice_count,
                    memory,
                    card_memory,
                )
            },
            |(_, profile)| profile.to_owned(),
        );
        let placement = match depth {
            Depth::Whole => raw::placement(&self.library, card, gi).ok(),
            _ => None,
        };
        Ok(Instance {
            index,
            uuid: piece.uuid()?,
            gi,
            ci,
            profile,
            compute_slices,
            memory,
            placement,
        })
    }

    /// The processes on every slot of the board.
    pub fn processes(&self, board: &Board) -> Vec<Process> {
        let mut all = Vec::new();
        for slot in board.slots(crate::Weight::Compute) {
            let Ok(device) = self.library.device_by_uuid(slot.uuid.as_str()) else { continue };
            let lists = [
                (Kind::Compute, device.running_compute_processes()),
                (Kind::Graphics, device.running_graphics_processes()),
            ];
            for (kind, list) in lists {
                all.extend(list.unwrap_or_default().iter().map(|process| Process {
                    pid: process.pid,
                    kind,
                    memory: used(process),
                    slot: slot.id,
                    uuid: slot.uuid.clone(),
                }));
            }
        }
        all
    }

    /// How busy every slot is. With an interval, MIG instances are watched that long where
    /// the card can; without, or where it cannot, nobody knows.
    pub fn readings(&self, board: &Board, interval: Option<Span>) -> Vec<Reading> {
        let slots = board.slots(crate::Weight::Compute);
        let watched = interval.map(|interval| self.watch(board, interval)).unwrap_or_default();
        let reading = |slot: &crate::Slot| {
            let device = self.library.device_by_uuid(slot.uuid.as_str()).ok();
            let card = self.library.device_by_index(slot.gpu).ok();
            let memory = device.as_ref().and_then(|device| device.memory_info().ok());
            let busy = if slot.id.mig().is_none() {
                let rates = device.as_ref().and_then(|device| device.utilization_rates().ok());
                rates.map(|rates| f64::from(rates.gpu))
            } else {
                watched.iter().find(|(id, _)| *id == slot.id).map(|(_, busy)| *busy)
            };
            let card = card.as_ref();
            Reading {
                slot: slot.id,
                uuid: slot.uuid.clone(),
                busy,
                memory_used: memory.as_ref().map(|memory| Bytes(memory.used)),
                memory: memory.as_ref().map(|memory| Bytes(memory.total)),
                temperature: card.and_then(|card| card.temperature(TemperatureSensor::Gpu).ok()),
                power_watts: card
                    .and_then(|card| card.power_usage().ok())
                    .map(|milliwatts| f64::from(milliwatts) / 1000.0),
                energy_joules: card
                    .and_then(|card| card.total_energy_consumption().ok())
                    .map(|millijoules| millijoules as f64 / 1000.0),
            }
        };
        slots.iter().map(reading).collect()
    }

    /// Performance monitoring of MIG instances over an interval, in percent.
    fn watch(&self, board: &Board, interval: Span) -> Vec<(SlotId, f64)> {
        let first = self.samples(board);
        if first.is_empty() {
            return Vec::new();
        }
        std::thread::sleep(Duration::from(interval));
        let second = self.samples(board);
        first
            .iter()
            .filter_map(|(id, first)| {
                let (_, second) = second.iter().find(|(other, _)| other == id)?;
                let metrics = [GpmMetricId::GraphicsUtil];
                let read = gpm_metrics_get(&self.library, first, second, &metrics).ok()?;
                Some((*id, read.into_iter().next()?.ok()?.value))
            })
            .collect()
    }

    fn samples(&self, board: &Board) -> Vec<(SlotId, GpmSample<'_>)> {
        let mut samples = Vec::new();
        for gpu in board.gpus.iter().filter(|gpu| !gpu.instances.is_empty()) {
            let Ok(device) = self.library.device_by_index(gpu.index) else { continue };
            if !device.gpm_support().unwrap_or(false) {
                continue;
            }
            for instance in &gpu.instances {
                if let Ok(sample) = device.gpm_mig_sample(instance.gi) {
                    samples.push((SlotId::instance(gpu.index, instance.index), sample));
                }
            }
        }
        samples
    }
}

/// What is worth knowing but may not be told: none where the card, the driver or the
/// caller's rights do not reach; a card that is gone is an error all the same.
fn known<T>(answer: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(gone @ (NvmlError::GpuLost | NvmlError::ResetRequired)) => Err(gone),
        Err(_) => Ok(None),
    }
}

fn used(process: &ProcessInfo) -> Option<Bytes> {
    match process.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => Some(Bytes(bytes)),
        UsedGpuMemory::Unavailable => None,
    }
}

/// The nearest NUMA node: the first of the set that NVML gives. `nvmlDeviceGetNumaNodeId` is
/// another thing, the node that a coherent GPU's own memory makes.
fn numa(device: &Device) -> Result<Option<u32>, NvmlError> {
    /// `NVML_AFFINITY_SCOPE_NODE`.
    const NODE: u32 = 0;
    /// Room for 1024 nodes, the most that Linux knows.
    const WORDS: usize = 16;
    let set = known(device.memory_affinity(WORDS, NODE))?.unwrap_or_default();
    let first = set.iter().enumerate().find(|(_, word)| **word != 0);
    Ok(first.map(|(at, word)| at as u32 * 64 + word.trailing_zeros()))
}

/// Which whole cards reach each other over NVLink, directly or through switches. Each pair
/// is asked once; MIG takes a card's links away.
fn link(board: &mut Board, whole: &[(usize, Device)]) {
    for (position, (at, device)) in whole.iter().enumerate() {
        for (other_at, other) in &whole[position + 1..] {
            if let Ok(P2pStatus::Ok) = device.p2p_status(other, P2pCapabilitiesIndex::NvLink) {
                let (one, two) = (board.gpus[*at].index, board.gpus[*other_at].index);
                board.gpus[*at].nvlink.push(two);
                board.gpus[*other_at].nvlink.push(one);
            }
        }
    }
}

/// `2g.20gb`, or `1c.3g.20gb`, as NVIDIA's own tools make it up from sizes.
fn profile_name(compute: u32, slices: u32, memory: Bytes, card: Option<Bytes>) -> String {
    let gib = |bytes: Bytes| bytes.0 as f64 / f64::from(1 << 30);
    let gigabytes = match card {
        Some(card) if card.0 > 0 => {
            let eighths = (memory.0 as f64 / card.0 as f64 * 8.0).ceil();
            (eighths / 8.0 * gib(card).ceil()).round()
        }
        _ => gib(memory).ceil(),
    };
    let part = if compute == slices { String::new() } else { format!("{compute}c.") };
    format!("{part}{slices}g.{gigabytes:.0}gb")
}

fn no_start(path: &OsStr, error: &NvmlError) -> Fault {
    let path = path.to_string_lossy();
    match error {
        NvmlError::LibloadingError(why) => {
            Fault::unreachable("no GPU can be seen: NVIDIA's management library does not load")
                .why(why.to_string())
                .todo("install the NVIDIA driver, or name its library in DS01_NVML_LIB")
        }
        NvmlError::DriverNotLoaded => {
            Fault::unreachable("no GPU can be seen: the NVIDIA driver is not loaded")
                .why(format!("{path} is here, but the kernel has no NVIDIA driver running"))
                .todo("load it with `modprobe nvidia`; `dmesg` says why if it refuses")
        }
        NvmlError::LibRmVersionMismatch => {
            Fault::unreachable("no GPU can be seen: driver and library are of different versions")
                .why(format!("{path} was updated, the kernel still runs the driver from before"))
                .todo("restart the host, or reload the nvidia modules while nobody uses a GPU")
        }
        NvmlError::NoPermission => {
            Fault::unreachable("no GPU can be seen: the NVIDIA driver does not let this user in")
                .why("the device files /dev/nvidia* cannot be opened")
                .todo("give their group to the user, or run this as root")
        }
        other => failed("start", other),
    }
    .detail("library", path.as_ref())
}

fn failed(verb: &str, error: &NvmlError) -> Fault {
    Fault::unreachable(format!("NVIDIA's management library cannot {verb}"))
        .why(error.to_string())
        .todo("look what `nvidia-smi` and `dmesg` say; a GPU reset or a restart may be needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_from_sizes_as_the_driver_names_it() {
        let named = |compute, slices, mib: u64, card: u64| {
            profile_name(compute, slices, Bytes(mib << 20), Some(Bytes(card << 20)))
        };
        assert_eq!(named(1, 1, 4864, 40960), "1g.5gb");
        assert_eq!(named(3, 3, 19968, 40960), "3g.20gb");
        assert_eq!(named(1, 2, 9856, 40960), "1c.2g.10gb");
        assert_eq!(named(1, 1, 16384, 143_771), "1g.18gb");
        assert_eq!(profile_name(1, 1, Bytes(5 << 30), None), "1g.5gb");
    }
}
