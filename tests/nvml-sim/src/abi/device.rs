//! Which devices there are, and what never changes about them.

use std::ffi::{c_char, c_int, c_uint, c_ulong};

use nvml_wrapper_sys::bindings::{nvmlPciInfo_t, nvmlPciInfoExt_t};

use crate::board::{Card, Pci};
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, Target, chars, version_of};
use crate::live::{Live, handle_of_mig};

fn find(live: &Live, wanted: impl Fn(&Card) -> bool) -> Answer<Handle> {
    let gpu = live.cards.iter().position(wanted).ok_or(Code::NOT_FOUND)?;
    // A card that is gone has no handle.
    let handle = Handle::to(Target::Gpu(gpu));
    live.card(handle)?;
    Ok(handle)
}

pub(super) fn pci_info(card: &Card) -> nvmlPciInfo_t {
    nvmlPciInfo_t {
        busIdLegacy: chars(&card.pci.short()),
        domain: card.pci.domain,
        bus: card.pci.bus,
        device: card.pci.device,
        pciDeviceId: card.model.pci_device,
        pciSubSystemId: 0x1450_10DE,
        busId: chars(&card.pci.long()),
    }
}

/// One bit in a set of machine words.
fn set_bit(words: Out<c_ulong>, size: c_uint, bit: Option<u32>) -> Answer {
    if size == 0 {
        return Err(Code::INVALID_ARGUMENT);
    }
    for word in 0..size {
        let here = bit.filter(|bit| bit / 64 == word).map_or(0, |bit| 1 << (bit % 64));
        words.set_at(word as usize, here)?;
    }
    Ok(())
}

abi! {
    fn nvmlDeviceGetCount_v2 | nvmlDeviceGetCount: (live, count: Out<c_uint>) {
        count.set(live.cards.len() as c_uint)
    }
    fn nvmlDeviceGetHandleByIndex_v2 | nvmlDeviceGetHandleByIndex: (
        live, index: c_uint, device: Out<Handle>
    ) {
        let there = (index as usize) < live.cards.len();
        let handle = Handle::to(Target::Gpu(index as usize));
        if !there {
            return Err(Code::INVALID_ARGUMENT);
        }
        live.card(handle)?;
        device.set(handle)
    }
    fn nvmlDeviceGetHandleByUUID: (live, uuid: Out<c_char>, device: Out<Handle>) {
        let uuid = uuid.text()?;
        for card in &live.cards {
            if let Some((gi, ci)) = card.mig_devices().find(|(_, ci)| ci.uuid == uuid) {
                return device.set(handle_of_mig(card, gi, ci));
            }
        }
        device.set(find(live, |card| card.uuid == uuid)?)
    }
    fn nvmlDeviceGetHandleBySerial: (live, serial: Out<c_char>, device: Out<Handle>) {
        let serial = serial.text()?;
        device.set(find(live, |card| card.serial == serial)?)
    }
    fn nvmlDeviceGetHandleByPciBusId_v2 | nvmlDeviceGetHandleByPciBusId: (
        live, pci: Out<c_char>, device: Out<Handle>
    ) {
        let pci = Pci::parse(&pci.text()?).ok_or(Code::INVALID_ARGUMENT)?;
        device.set(find(live, |card| card.pci == pci)?)
    }
    fn nvmlDeviceGetIndex: (live, device: Handle, index: Out<c_uint>) {
        let (card, mig) = live.device(device)?;
        match mig {
            None => index.set(card.index),
            Some((_, wanted)) => {
                let place = card.mig_devices().position(|(_, ci)| ci.uuid == wanted.uuid);
                index.set(place.ok_or(Code::UNKNOWN)? as c_uint)
            }
        }
    }
    fn nvmlDeviceGetName: (live, device: Handle, name: Out<c_char>, length: c_uint) {
        let (card, mig) = live.device(device)?;
        match mig {
            None => name.set_text(length, card.model.name),
            Some((gi, ci)) => {
                let profile = card.profile_of(gi).ok_or(Code::UNKNOWN)?;
                name.set_text(length, &format!("{} MIG {}", card.model.name, card.name_of(profile, ci.size)))
            }
        }
    }
    fn nvmlDeviceGetUUID: (live, device: Handle, uuid: Out<c_char>, length: c_uint) {
        let (card, mig) = live.device(device)?;
        uuid.set_text(length, mig.map_or(&card.uuid, |(_, ci)| &ci.uuid))
    }
    fn nvmlDeviceGetSerial: (live, device: Handle, serial: Out<c_char>, length: c_uint) {
        serial.set_text(length, &live.card(device)?.serial)
    }
    fn nvmlDeviceGetBoardId: (live, device: Handle, id: Out<c_uint>) {
        id.set(live.card(device)?.pci.bus << 8)
    }
    fn nvmlDeviceGetBoardPartNumber: (live, device: Handle, number: Out<c_char>, length: c_uint) {
        live.card(device)?;
        number.set_text(length, "692-2G506-0200-002")
    }
    fn nvmlDeviceGetVbiosVersion: (live, device: Handle, version: Out<c_char>, length: c_uint) {
        live.card(device)?;
        version.set_text(length, "92.00.45.00.03")
    }
    fn nvmlDeviceGetInforomImageVersion: (
        live, device: Handle, version: Out<c_char>, length: c_uint
    ) {
        live.card(device)?;
        version.set_text(length, "G506.0200.00.04")
    }
    fn nvmlDeviceGetMinorNumber: (live, device: Handle, minor: Out<c_uint>) {
        minor.set(live.card(device)?.index)
    }
    fn nvmlDeviceGetBrand: (live, device: Handle, brand: Out<c_uint>) {
        live.card(device)?;
        brand.set(14)
    }
    fn nvmlDeviceGetArchitecture: (live, device: Handle, architecture: Out<c_uint>) {
        architecture.set(live.device(device)?.0.model.architecture)
    }
    fn nvmlDeviceGetCudaComputeCapability: (
        live, device: Handle, major: Out<c_int>, minor: Out<c_int>
    ) {
        let (card, _) = live.device(device)?;
        major.set(card.model.capability.0)?;
        minor.set(card.model.capability.1)
    }
    fn nvmlDeviceGetNumGpuCores: (live, device: Handle, cores: Out<c_uint>) {
        cores.set(live.card(device)?.model.multiprocessors * 64)
    }
    fn nvmlDeviceGetPciInfo_v3 | nvmlDeviceGetPciInfo_v2 | nvmlDeviceGetPciInfo: (
        live, device: Handle, pci: Out<nvmlPciInfo_t>
    ) {
        pci.set(pci_info(live.device(device)?.0))
    }
    fn nvmlDeviceGetPciInfoExt: (live, device: Handle, pci: Out<nvmlPciInfoExt_t>) {
        let (card, _) = live.device(device)?;
        if pci.get()?.version != version_of::<nvmlPciInfoExt_t>(1) {
            return Err(Code::ARGUMENT_VERSION_MISMATCH);
        }
        let plain = pci_info(card);
        pci.set(nvmlPciInfoExt_t {
            version: version_of::<nvmlPciInfoExt_t>(1),
            domain: plain.domain,
            bus: plain.bus,
            device: plain.device,
            pciDeviceId: plain.pciDeviceId,
            pciSubSystemId: plain.pciSubSystemId,
            baseClass: 0x03,
            subClass: 0x02,
            busId: plain.busId,
        })
    }
    fn nvmlDeviceGetMemoryAffinity: (
        live, device: Handle, size: c_uint, nodes: Out<c_ulong>, _scope: c_uint
    ) {
        let node = live.card(device)?.spec.numa.ok_or(Code::NOT_SUPPORTED)?;
        set_bit(nodes, size, Some(node))
    }
    fn nvmlDeviceGetCpuAffinity: (live, device: Handle, size: c_uint, cpus: Out<c_ulong>) {
        let node = live.card(device)?.spec.numa.ok_or(Code::NOT_SUPPORTED)?;
        set_bit(cpus, size, Some(node))
    }
    fn nvmlDeviceGetCpuAffinityWithinScope: (
        live, device: Handle, size: c_uint, cpus: Out<c_ulong>, _scope: c_uint
    ) {
        let node = live.card(device)?.spec.numa.ok_or(Code::NOT_SUPPORTED)?;
        set_bit(cpus, size, Some(node))
    }
    fn nvmlDeviceGetDisplayMode | nvmlDeviceGetDisplayActive | nvmlDeviceGetMultiGpuBoard: (
        live, device: Handle, is: Out<c_uint>
    ) {
        live.card(device)?;
        is.set(0)
    }
    fn nvmlDeviceGetPersistenceMode: (live, device: Handle, mode: Out<c_uint>) {
        live.card(device)?;
        mode.set(1)
    }
    fn nvmlDeviceGetComputeMode: (live, device: Handle, mode: Out<c_uint>) {
        live.card(device)?;
        mode.set(0)
    }
    fn nvmlDeviceGetVirtualizationMode: (live, device: Handle, mode: Out<c_uint>) {
        live.card(device)?;
        mode.set(0)
    }
}
