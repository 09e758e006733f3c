//! Calls that `nvml-wrapper` 0.13 lacks, or gets wrong: its `possible_placements` always
//! answers with an empty list.
#![allow(unsafe_code)] // C calls; each argument is the library's own handle or a local.

use nvml_wrapper::error::{NvmlError, nvml_sym, nvml_try};
use nvml_wrapper::{Device, Nvml};
use nvml_wrapper_sys::bindings::{
    NVML_GPU_INSTANCE_PROFILE_4_SLICE, NVML_GPU_INSTANCE_PROFILE_7_SLICE, nvmlGpuInstanceInfo_t,
    nvmlGpuInstancePlacement_t,
};

use crate::Placement;

/// Ids of the GPU instance and the compute instance behind a MIG device.
pub fn instance_ids(nvml: &Nvml, mig: &Device) -> Result<(u32, u32), NvmlError> {
    let gi = nvml_sym(nvml.lib().nvmlDeviceGetGpuInstanceId.as_ref())?;
    let ci = nvml_sym(nvml.lib().nvmlDeviceGetComputeInstanceId.as_ref())?;
    let mut ids = (0, 0);
    // SAFETY: the handle comes from NVML and lives as long as `nvml`; the numbers are ours.
    unsafe {
        nvml_try(gi(mig.handle(), &mut ids.0))?;
        nvml_try(ci(mig.handle(), &mut ids.1))?;
    }
    Ok(ids)
}

/// Where a GPU instance lies. Only root may ask.
pub fn placement(nvml: &Nvml, card: &Device, gi: u32) -> Result<Placement, NvmlError> {
    let by_id = nvml_sym(nvml.lib().nvmlDeviceGetGpuInstanceById.as_ref())?;
    let get_info = nvml_sym(nvml.lib().nvmlGpuInstanceGetInfo.as_ref())?;
    let mut handle = std::ptr::null_mut();
    let mut info = nvmlGpuInstanceInfo_t {
        device: std::ptr::null_mut(),
        id: 0,
        profileId: 0,
        placement: nvmlGpuInstancePlacement_t { start: 0, size: 0 },
    };
    // SAFETY: as above.
    unsafe {
        nvml_try(by_id(card.handle(), gi, &mut handle))?;
        nvml_try(get_info(handle, &mut info))?;
    }
    Ok(Placement { start: info.placement.start, size: info.placement.size })
}

/// How many memory slots a card has: as many as the profile that takes it whole covers.
pub fn memory_slots(nvml: &Nvml, card: &Device) -> Result<u32, NvmlError> {
    let placements = nvml_sym(nvml.lib().nvmlDeviceGetGpuInstancePossiblePlacements_v2.as_ref())?;
    let whole = card
        .profile_info(NVML_GPU_INSTANCE_PROFILE_7_SLICE)
        .or_else(|_| card.profile_info(NVML_GPU_INSTANCE_PROFILE_4_SLICE))?;
    // No card has a profile with more places than slots, nor more slots than this.
    let mut places = [nvmlGpuInstancePlacement_t { start: 0, size: 0 }; 32];
    let mut count = places.len() as u32;
    // SAFETY: as above; the count says how much room there is.
    unsafe {
        nvml_try(placements(card.handle(), whole.id, places.as_mut_ptr(), &mut count))?;
    }
    let ends = places.iter().take(count as usize).map(|place| place.start + place.size);
    ends.max().ok_or(NvmlError::NotFound)
}
