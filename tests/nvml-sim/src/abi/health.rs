//! Memory errors and what the card does about them.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{nvmlEccErrorCounts_t, nvmlRowRemapperHistogramValues_t};

use crate::code::{Answer, Code};
use crate::handle::{Handle, Out};
use crate::live::Live;
use crate::world::Ecc;

fn ecc(live: &Live, device: Handle) -> Answer<&Ecc> {
    let ecc = &live.card(device)?.spec.ecc;
    if ecc.enabled { Ok(ecc) } else { Err(Code::NOT_SUPPORTED) }
}

/// `kind`: 0 corrected, 1 not; `life`: 0 since the driver came up, 1 over the card's life.
fn count(ecc: &Ecc, kind: c_uint, life: c_uint) -> Answer<u64> {
    match (kind, life) {
        (0, 0) => Ok(ecc.corrected),
        (1, 0) => Ok(ecc.uncorrected),
        (0, 1) => Ok(ecc.aggregate_corrected.max(ecc.corrected)),
        (1, 1) => Ok(ecc.aggregate_uncorrected.max(ecc.uncorrected)),
        _ => Err(Code::INVALID_ARGUMENT),
    }
}

abi! {
    fn nvmlDeviceGetEccMode: (live, device: Handle, now: Out<c_uint>, pending: Out<c_uint>) {
        let on = live.card(device)?.spec.ecc.enabled.into();
        now.set(on)?;
        pending.set(on)
    }
    fn nvmlDeviceGetDefaultEccMode: (live, device: Handle, mode: Out<c_uint>) {
        live.card(device)?;
        mode.set(1)
    }
    fn nvmlDeviceGetTotalEccErrors: (
        live, device: Handle, kind: c_uint, life: c_uint, errors: Out<c_ulonglong>
    ) {
        errors.set(count(ecc(live, device)?, kind, life)?)
    }
    fn nvmlDeviceGetMemoryErrorCounter: (
        live, device: Handle, kind: c_uint, life: c_uint, place: c_uint, errors: Out<c_ulonglong>
    ) {
        let all = count(ecc(live, device)?, kind, life)?;
        // All of a world's errors are in DRAM (2); the caches (0, 1) and registers (3) have none.
        match place {
            2 => errors.set(all),
            0 | 1 | 3 => errors.set(0),
            _ => Err(Code::NOT_SUPPORTED),
        }
    }
    fn nvmlDeviceGetDetailedEccErrors: (
        live, device: Handle, kind: c_uint, life: c_uint, errors: Out<nvmlEccErrorCounts_t>
    ) {
        let deviceMemory = count(ecc(live, device)?, kind, life)?;
        errors.set(nvmlEccErrorCounts_t { l1Cache: 0, l2Cache: 0, deviceMemory, registerFile: 0 })
    }
    fn nvmlDeviceGetRemappedRows: (
        live,
        device: Handle,
        corrected: Out<c_uint>,
        uncorrected: Out<c_uint>,
        pending: Out<c_uint>,
        failed: Out<c_uint>,
    ) {
        let ecc = live.card(device)?.spec.ecc;
        corrected.set(ecc.remapped_corrected)?;
        uncorrected.set(ecc.remapped_uncorrected)?;
        pending.set(ecc.remap_pending.into())?;
        failed.set(ecc.remap_failed.into())
    }
    fn nvmlDeviceGetRowRemapperHistogram: (
        live, device: Handle, values: Out<nvmlRowRemapperHistogramValues_t>
    ) {
        live.card(device)?;
        values.set(nvmlRowRemapperHistogramValues_t { max: 640, high: 0, partial: 0, low: 0, none: 0 })
    }
}
