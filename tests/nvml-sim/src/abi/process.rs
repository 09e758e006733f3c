//! Processes on cards and instances.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlProcessDetail_v1_t, nvmlProcessDetailList_t, nvmlProcessInfo_v1_t, nvmlProcessInfo_v2_t,
    nvmlProcessUtilizationSample_t,
};

use crate::board::Card;
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, put_list, version_of};
use crate::live::Live;
use crate::world::Process;

/// `NVML_VALUE_NOT_AVAILABLE`: the driver does not know.
const UNKNOWN: u64 = u64::MAX;
/// The whole card rather than an instance.
const NO_INSTANCE: u32 = u32::MAX;

fn list(live: &Live, device: Handle, graphics: bool) -> Answer<Vec<nvmlProcessInfo_v2_t>> {
    let (card, mig) = live.device(device)?;
    let on = mig.map(|(gi, ci)| (gi.id, ci.id));
    let wanted = card.processes(on).filter(|process| process.graphics == graphics);
    Ok(wanted.map(|process| info(card, process)).collect())
}

fn info(card: &Card, process: &Process) -> nvmlProcessInfo_v2_t {
    let gi = process.gi.filter(|_| card.mig);
    nvmlProcessInfo_v2_t {
        pid: process.pid,
        usedGpuMemory: process.memory_mib.map_or(UNKNOWN, |mib| mib << 20),
        gpuInstanceId: gi.unwrap_or(NO_INSTANCE),
        computeInstanceId: if gi.is_some() { process.ci } else { NO_INSTANCE },
    }
}

fn first_revision(list: &[nvmlProcessInfo_v2_t]) -> Vec<nvmlProcessInfo_v1_t> {
    let cut = |info: &nvmlProcessInfo_v2_t| nvmlProcessInfo_v1_t {
        pid: info.pid,
        usedGpuMemory: info.usedGpuMemory,
    };
    list.iter().map(cut).collect()
}

abi! {
    fn nvmlDeviceGetComputeRunningProcesses_v3 | nvmlDeviceGetComputeRunningProcesses_v2: (
        live, device: Handle, count: Out<c_uint>, infos: Out<nvmlProcessInfo_v2_t>
    ) {
        put_list(&list(live, device, false)?, infos, count)
    }
    fn nvmlDeviceGetGraphicsRunningProcesses_v3 | nvmlDeviceGetGraphicsRunningProcesses_v2: (
        live, device: Handle, count: Out<c_uint>, infos: Out<nvmlProcessInfo_v2_t>
    ) {
        put_list(&list(live, device, true)?, infos, count)
    }
    fn nvmlDeviceGetMPSComputeRunningProcesses_v3
        | nvmlDeviceGetMPSComputeRunningProcesses_v2
        | nvmlDeviceGetMPSComputeRunningProcesses: (
        live, device: Handle, count: Out<c_uint>, _infos: Out<nvmlProcessInfo_v2_t>
    ) {
        live.device(device)?;
        count.set(0)
    }
    fn nvmlDeviceGetComputeRunningProcesses: (
        live, device: Handle, count: Out<c_uint>, infos: Out<nvmlProcessInfo_v1_t>
    ) {
        put_list(&first_revision(&list(live, device, false)?), infos, count)
    }
    fn nvmlDeviceGetGraphicsRunningProcesses: (
        live, device: Handle, count: Out<c_uint>, infos: Out<nvmlProcessInfo_v1_t>
    ) {
        put_list(&first_revision(&list(live, device, true)?), infos, count)
    }
    fn nvmlDeviceGetRunningProcessDetailList: (
        live, device: Handle, details: Out<nvmlProcessDetailList_t>
    ) {
        let mut head = details.get()?;
        if head.version != version_of::<nvmlProcessDetailList_t>(1) {
            return Err(Code::ARGUMENT_VERSION_MISMATCH);
        }
        // Mode 0 is compute, 1 graphics, 2 MPS.
        let list = if head.mode == 2 { Vec::new() } else { list(live, device, head.mode == 1)? };
        let room = head.numProcArrayEntries as usize;
        head.numProcArrayEntries = list.len() as c_uint;
        details.set(head)?;
        if room < list.len() {
            return Err(Code::INSUFFICIENT_SIZE);
        }
        let out = Out::of(head.procArray);
        list.iter().enumerate().try_for_each(|(index, one)| {
            out.set_at(index, nvmlProcessDetail_v1_t {
                pid: one.pid,
                usedGpuMemory: one.usedGpuMemory,
                gpuInstanceId: one.gpuInstanceId,
                computeInstanceId: one.computeInstanceId,
                usedGpuCcProtectedMemory: 0,
            })
        })
    }
    fn nvmlDeviceGetProcessUtilization: (
        live,
        device: Handle,
        samples: Out<nvmlProcessUtilizationSample_t>,
        count: Out<c_uint>,
        _since: c_ulonglong,
    ) {
        let card = live.card(device)?;
        // Utilisation by process is not to be had while the card is cut up.
        if card.mig {
            return Err(Code::NOT_SUPPORTED);
        }
        let list: Vec<_> = card
            .processes(None)
            .map(|process| nvmlProcessUtilizationSample_t {
                pid: process.pid,
                timeStamp: super::telemetry::microseconds(),
                smUtil: process.sm,
                memUtil: 0,
                encUtil: 0,
                decUtil: 0,
            })
            .collect();
        if list.is_empty() {
            count.set(0)?;
            return Err(Code::NOT_FOUND);
        }
        put_list(&list, samples, count)
    }
}
