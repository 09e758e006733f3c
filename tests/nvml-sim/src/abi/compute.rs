//! Compute instances inside GPU instances. With one of all slices, an instance becomes a
//! device that programs can use.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{
    nvmlComputeInstanceInfo_t, nvmlComputeInstancePlacement_t, nvmlComputeInstanceProfileInfo_t,
    nvmlComputeInstanceProfileInfo_v2_t,
};

use crate::board::{Card, uuid_from};
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, Target, chars, put_all, put_list, version_of};
use crate::live::{Live, handle_of_ci, handle_of_gi};
use crate::state::{Ci, Gi};

/// Compute slices of the profiles, by `NVML_COMPUTE_INSTANCE_PROFILE_*`, which are their ids
/// too.
const SLICES: [u32; 8] = [1, 2, 3, 4, 7, 8, 6, 1];

/// The slices of a profile, when it fits into the instance at all.
fn slices(card: &Card, gi: &Gi, id: c_uint) -> Answer<u32> {
    let slices = *SLICES.get(id as usize).ok_or(Code::INVALID_ARGUMENT)?;
    let whole = card.profile_of(gi).ok_or(Code::UNKNOWN)?.compute;
    if slices > whole || id == 7 { Err(Code::NOT_SUPPORTED) } else { Ok(slices) }
}

fn profile_id(slices: u32) -> u32 {
    SLICES.iter().position(|one| *one == slices).unwrap_or(0) as u32
}

fn free(gi: &Gi, start: u32, size: u32) -> bool {
    gi.computes.iter().all(|ci| start + size <= ci.start || ci.start + ci.size <= start)
}

fn starts(card: &Card, gi: &Gi, size: u32) -> std::ops::RangeInclusive<u32> {
    let whole = card.profile_of(gi).map_or(0, |profile| profile.compute);
    0..=whole.saturating_sub(size)
}

fn info(card: &Card, gi: &Gi, id: c_uint) -> Answer<nvmlComputeInstanceProfileInfo_t> {
    let sliceCount = slices(card, gi, id)?;
    let profile = card.profile_of(gi).ok_or(Code::UNKNOWN)?;
    Ok(nvmlComputeInstanceProfileInfo_t {
        id,
        sliceCount,
        instanceCount: profile.compute / sliceCount,
        multiprocessorCount: card.model.share_of_sms(sliceCount),
        sharedCopyEngineCount: profile.compute.min(card.model.copy_engines),
        sharedDecoderCount: profile.compute / 2,
        sharedEncoderCount: 0,
        sharedJpegCount: profile.media.into(),
        sharedOfaCount: profile.media.into(),
    })
}

fn create(
    live: &mut Live,
    handle: Handle,
    id: c_uint,
    place: Option<(u32, u32)>,
) -> Answer<Handle> {
    let (card, gi) = live.gi(handle)?;
    let (gpu, size) = (card.index as usize, slices(card, gi, id)?);
    let mut made = None;
    live.change(gpu, |card, serial| {
        let at = card.gis.iter().position(|one| handle_of_gi(card, one) == handle);
        let at = at.ok_or(Code::INVALID_ARGUMENT)?;
        let gi = &card.gis[at];
        let mut starts = starts(card, gi, size);
        let start = match place {
            Some((_, asked)) if asked != size => return Err(Code::INVALID_ARGUMENT),
            Some((start, _)) => starts.contains(&start).then_some(start),
            None => starts.find(|start| free(gi, *start, size)),
        };
        let start = start.filter(|start| free(gi, *start, size));
        let start = start.ok_or(Code::INSUFFICIENT_RESOURCES)?;
        let number = (0..).find(|number| gi.computes.iter().all(|ci| ci.id != *number));
        *serial += 1;
        // Never the same again, also when the state is thrown away and made anew.
        let moment = super::telemetry::microseconds();
        let uuid = format!("MIG-{}", uuid_from(&format!("{} {serial} {moment}", card.uuid)));
        let ci = Ci { id: number.unwrap_or(0), start, size, serial: *serial, uuid };
        made = Some(handle_of_ci(card, gi, &ci));
        card.gis[at].computes.push(ci);
        card.gis[at].computes.sort_by_key(|ci| ci.id);
        Ok(())
    })?;
    made.ok_or(Code::UNKNOWN)
}

abi! {
    fn nvmlGpuInstanceGetComputeInstanceProfileInfo: (
        live, gi: Handle, id: c_uint, _engine: c_uint, out: Out<nvmlComputeInstanceProfileInfo_t>
    ) {
        let (card, gi) = live.gi(gi)?;
        out.set(info(card, gi, id)?)
    }
    fn nvmlGpuInstanceGetComputeInstanceProfileInfoV: (
        live,
        gi: Handle,
        id: c_uint,
        _engine: c_uint,
        out: Out<nvmlComputeInstanceProfileInfo_v2_t>,
    ) {
        let (card, gi) = live.gi(gi)?;
        let version = out.at::<u32>(0).get()?;
        if version != version_of::<nvmlComputeInstanceProfileInfo_v2_t>(2) {
            return Err(Code::ARGUMENT_VERSION_MISMATCH);
        }
        let plain = info(card, gi, id)?;
        let profile = card.profile_of(gi).ok_or(Code::UNKNOWN)?;
        out.set(nvmlComputeInstanceProfileInfo_v2_t {
            version,
            id: plain.id,
            sliceCount: plain.sliceCount,
            instanceCount: plain.instanceCount,
            multiprocessorCount: plain.multiprocessorCount,
            sharedCopyEngineCount: plain.sharedCopyEngineCount,
            sharedDecoderCount: plain.sharedDecoderCount,
            sharedEncoderCount: plain.sharedEncoderCount,
            sharedJpegCount: plain.sharedJpegCount,
            sharedOfaCount: plain.sharedOfaCount,
            name: chars(&format!("MIG {}", card.name_of(profile, plain.sliceCount))),
        })
    }
    fn nvmlGpuInstanceGetComputeInstanceRemainingCapacity: (
        live, gi: Handle, id: c_uint, count: Out<c_uint>
    ) {
        let (card, gi) = live.gi(gi)?;
        let size = slices(card, gi, id)?;
        let used: u32 = gi.computes.iter().map(|ci| ci.size).sum();
        let whole = card.profile_of(gi).ok_or(Code::UNKNOWN)?.compute;
        count.set((whole - used) / size)
    }
    fn nvmlGpuInstanceGetComputeInstancePossiblePlacements: (
        live,
        gi: Handle,
        id: c_uint,
        array: Out<nvmlComputeInstancePlacement_t>,
        count: Out<c_uint>,
    ) {
        let (card, gi) = live.gi(gi)?;
        let size = slices(card, gi, id)?;
        let list: Vec<_> = starts(card, gi, size)
            .map(|start| nvmlComputeInstancePlacement_t { start, size })
            .collect();
        if array.is_null() { count.set(list.len() as c_uint) } else { put_list(&list, array, count) }
    }
    fn nvmlGpuInstanceCreateComputeInstance: (live, gi: Handle, id: c_uint, ci: Out<Handle>) {
        ci.set(create(live, gi, id, None)?)
    }
    fn nvmlGpuInstanceCreateComputeInstanceWithPlacement: (
        live, gi: Handle, id: c_uint, place: Out<nvmlComputeInstancePlacement_t>, ci: Out<Handle>
    ) {
        let place = place.get()?;
        ci.set(create(live, gi, id, Some((place.start, place.size)))?)
    }
    fn nvmlComputeInstanceDestroy: (live, ci: Handle) {
        let (card, gi, one) = live.ci(ci)?;
        let (gpu, gi, id) = (card.index as usize, gi.id, one.id);
        live.change(gpu, |card, _| {
            if card.processes(Some((gi, id))).next().is_some() {
                return Err(Code::IN_USE);
            }
            let held = card.gis.iter_mut().find(|one| one.id == gi);
            let held = held.ok_or(Code::INVALID_ARGUMENT)?;
            held.computes.retain(|one| one.id != id);
            Ok(())
        })
    }
    fn nvmlGpuInstanceGetComputeInstances: (
        live, gi: Handle, id: c_uint, array: Out<Handle>, count: Out<c_uint>
    ) {
        let (card, gi) = live.gi(gi)?;
        let size = slices(card, gi, id)?;
        let of_size = gi.computes.iter().filter(|ci| ci.size == size);
        let list: Vec<_> = of_size.map(|ci| handle_of_ci(card, gi, ci)).collect();
        count.set(list.len() as c_uint)?;
        put_all(&list, array)
    }
    fn nvmlGpuInstanceGetComputeInstanceById: (live, gi: Handle, id: c_uint, out: Out<Handle>) {
        let (card, gi) = live.gi(gi)?;
        let ci = gi.computes.iter().find(|ci| ci.id == id).ok_or(Code::NOT_FOUND)?;
        out.set(handle_of_ci(card, gi, ci))
    }
    fn nvmlComputeInstanceGetInfo_v2 | nvmlComputeInstanceGetInfo: (
        live, ci: Handle, out: Out<nvmlComputeInstanceInfo_t>
    ) {
        let (card, gi, ci) = live.ci(ci)?;
        out.set(nvmlComputeInstanceInfo_t {
            device: Handle::to(Target::Gpu(card.index as usize)).pointer(),
            gpuInstance: handle_of_gi(card, gi).pointer(),
            id: ci.id,
            profileId: profile_id(ci.size),
            placement: nvmlComputeInstancePlacement_t { start: ci.start, size: ci.size },
        })
    }
}
