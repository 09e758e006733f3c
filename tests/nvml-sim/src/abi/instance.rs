//! GPU instances: what may be made where, making and unmaking them.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{
    nvmlGpuInstanceInfo_t, nvmlGpuInstancePlacement_t, nvmlGpuInstanceProfileInfo_t,
    nvmlGpuInstanceProfileInfo_v2_t, nvmlGpuInstanceProfileInfo_v3_t,
};

use crate::board::Card;
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, Target, chars, put_all, put_list, version_of};
use crate::live::{Live, handle_of_gi};
use crate::placement::{Placed, Profile};
use crate::state::Gi;

fn info(card: &Card, profile: Profile) -> nvmlGpuInstanceProfileInfo_t {
    nvmlGpuInstanceProfileInfo_t {
        id: profile.id,
        isP2pSupported: 0,
        sliceCount: profile.compute,
        instanceCount: profile.max,
        multiprocessorCount: card.model.share_of_sms(profile.compute),
        copyEngineCount: profile.compute.min(card.model.copy_engines),
        decoderCount: profile.compute / 2,
        encoderCount: 0,
        jpegCount: profile.media.into(),
        ofaCount: profile.media.into(),
        memorySizeMB: card.model.instance_mib(profile),
    }
}

/// The same with the name, in the revision that the caller's version says.
fn versioned_info(
    card: &Card,
    profile: Profile,
    out: Out<nvmlGpuInstanceProfileInfo_v2_t>,
) -> Answer {
    let plain = info(card, profile);
    let name = chars(&format!("MIG {}", card.model.profile_name(profile)));
    let version = out.at::<u32>(0).get()?;
    if version == version_of::<nvmlGpuInstanceProfileInfo_v2_t>(2) {
        return out.set(nvmlGpuInstanceProfileInfo_v2_t {
            version,
            id: plain.id,
            isP2pSupported: plain.isP2pSupported,
            sliceCount: plain.sliceCount,
            instanceCount: plain.instanceCount,
            multiprocessorCount: plain.multiprocessorCount,
            copyEngineCount: plain.copyEngineCount,
            decoderCount: plain.decoderCount,
            encoderCount: plain.encoderCount,
            jpegCount: plain.jpegCount,
            ofaCount: plain.ofaCount,
            memorySizeMB: plain.memorySizeMB,
            name,
        });
    }
    if version == version_of::<nvmlGpuInstanceProfileInfo_v3_t>(3) {
        return out.at(0).set(nvmlGpuInstanceProfileInfo_v3_t {
            version,
            id: plain.id,
            sliceCount: plain.sliceCount,
            instanceCount: plain.instanceCount,
            multiprocessorCount: plain.multiprocessorCount,
            copyEngineCount: plain.copyEngineCount,
            decoderCount: plain.decoderCount,
            encoderCount: plain.encoderCount,
            jpegCount: plain.jpegCount,
            ofaCount: plain.ofaCount,
            memorySizeMB: plain.memorySizeMB,
            name,
            capabilities: 0,
        });
    }
    Err(Code::ARGUMENT_VERSION_MISMATCH)
}

fn by_kind(card: &Card, kind: c_uint) -> Answer<Profile> {
    // 17 kinds are numbered; those this card lacks are not supported rather than wrong.
    if kind > 16 {
        return Err(Code::INVALID_ARGUMENT);
    }
    card.model.family.by_kind(kind).ok_or(Code::NOT_SUPPORTED)
}

fn by_id(card: &Card, id: c_uint) -> Answer<Profile> {
    card.model.family.by_id(id).ok_or(Code::INVALID_ARGUMENT)
}

fn placements(profile: Profile) -> Vec<nvmlGpuInstancePlacement_t> {
    let size = profile.slots;
    profile.starts.iter().map(|start| nvmlGpuInstancePlacement_t { start: *start, size }).collect()
}

/// A card on which the caller may look at instances.
fn cut_card(live: &Live, device: Handle) -> Answer<&Card> {
    let card = live.card(device)?;
    if !card.mig {
        return Err(Code::NOT_SUPPORTED);
    }
    live.may_change().map(|()| card)
}

/// `place` none: where the driver likes.
fn create(
    live: &mut Live,
    device: Handle,
    id: c_uint,
    place: Option<(u32, u32)>,
) -> Answer<Handle> {
    let card = cut_card(live, device)?;
    let (gpu, profile) = (card.index as usize, by_id(card, id)?);
    let mut made = None;
    live.change(gpu, |card, serial| {
        let (family, placed) = (card.model.family, card.placed());
        let start = match place {
            None => family.default_start(&placed, profile),
            Some((start, size)) => {
                if size != profile.slots || !profile.starts.contains(&start) {
                    return Err(Code::INVALID_ARGUMENT);
                }
                family.fits(&placed, Placed { profile, start }).then_some(start)
            }
        };
        let start = start.ok_or(Code::INSUFFICIENT_RESOURCES)?;
        let taken: Vec<u32> = card.gis.iter().map(|gi| gi.id).collect();
        *serial += 1;
        let gi = Gi {
            id: family.instance_id(Placed { profile, start }, &taken),
            kind: profile.kind,
            start,
            serial: *serial,
            computes: Vec::new(),
        };
        made = Some(handle_of_gi(card, &gi));
        card.gis.push(gi);
        Ok(())
    })?;
    made.ok_or(Code::UNKNOWN)
}

abi! {
    fn nvmlDeviceGetGpuInstanceProfileInfo: (
        live, device: Handle, kind: c_uint, out: Out<nvmlGpuInstanceProfileInfo_t>
    ) {
        let card = live.card(device)?;
        out.set(info(card, by_kind(card, kind)?))
    }
    fn nvmlDeviceGetGpuInstanceProfileInfoV: (
        live, device: Handle, kind: c_uint, out: Out<nvmlGpuInstanceProfileInfo_v2_t>
    ) {
        let card = live.card(device)?;
        versioned_info(card, by_kind(card, kind)?, out)
    }
    fn nvmlDeviceGetGpuInstanceProfileInfoByIdV: (
        live, device: Handle, id: c_uint, out: Out<nvmlGpuInstanceProfileInfo_v2_t>
    ) {
        let card = live.card(device)?;
        versioned_info(card, by_id(card, id)?, out)
    }
    fn nvmlDeviceGetGpuInstancePossiblePlacements_v2: (
        live,
        device: Handle,
        id: c_uint,
        array: Out<nvmlGpuInstancePlacement_t>,
        count: Out<c_uint>,
    ) {
        let list = placements(by_id(live.card(device)?, id)?);
        // Without an array only their number is asked.
        if array.is_null() { count.set(list.len() as c_uint) } else { put_list(&list, array, count) }
    }
    fn nvmlDeviceGetGpuInstancePossiblePlacements: (
        live,
        device: Handle,
        id: c_uint,
        array: Out<nvmlGpuInstancePlacement_t>,
        count: Out<c_uint>,
    ) {
        // The first revision trusts the caller to have made room for the maximum.
        let list = placements(by_id(live.card(device)?, id)?);
        count.set(list.len() as c_uint)?;
        if array.is_null() { Ok(()) } else { put_all(&list, array) }
    }
    fn nvmlDeviceGetGpuInstanceRemainingCapacity: (
        live, device: Handle, id: c_uint, count: Out<c_uint>
    ) {
        let card = cut_card(live, device)?;
        count.set(card.model.family.remaining(&card.placed(), by_id(card, id)?))
    }
    fn nvmlDeviceCreateGpuInstance: (live, device: Handle, id: c_uint, gi: Out<Handle>) {
        gi.set(create(live, device, id, None)?)
    }
    fn nvmlDeviceCreateGpuInstanceWithPlacement: (
        live, device: Handle, id: c_uint, place: Out<nvmlGpuInstancePlacement_t>, gi: Out<Handle>
    ) {
        let place = place.get()?;
        gi.set(create(live, device, id, Some((place.start, place.size)))?)
    }
    fn nvmlGpuInstanceDestroy: (live, gi: Handle) {
        let (card, _) = live.gi(gi)?;
        let gpu = card.index as usize;
        live.change(gpu, |card, _| {
            let place = card.gis.iter().position(|one| handle_of_gi(card, one) == gi);
            let place = place.ok_or(Code::INVALID_ARGUMENT)?;
            if !card.gis[place].computes.is_empty() {
                return Err(Code::IN_USE);
            }
            card.gis.remove(place);
            Ok(())
        })
    }
    fn nvmlDeviceGetGpuInstances: (
        live, device: Handle, id: c_uint, array: Out<Handle>, count: Out<c_uint>
    ) {
        let card = cut_card(live, device)?;
        let kind = by_id(card, id)?.kind;
        let of_kind = card.gis.iter().filter(|gi| gi.kind == kind);
        let list: Vec<_> = of_kind.map(|gi| handle_of_gi(card, gi)).collect();
        // The array has room for the maximum of the profile, so says the documentation.
        count.set(list.len() as c_uint)?;
        put_all(&list, array)
    }
    fn nvmlDeviceGetGpuInstanceById: (live, device: Handle, id: c_uint, out: Out<Handle>) {
        let card = cut_card(live, device)?;
        let gi = card.gis.iter().find(|gi| gi.id == id).ok_or(Code::NOT_FOUND)?;
        out.set(handle_of_gi(card, gi))
    }
    fn nvmlGpuInstanceGetInfo: (live, gi: Handle, out: Out<nvmlGpuInstanceInfo_t>) {
        let (card, gi) = live.gi(gi)?;
        let profile = card.profile_of(gi).ok_or(Code::UNKNOWN)?;
        out.set(nvmlGpuInstanceInfo_t {
            device: Handle::to(Target::Gpu(card.index as usize)).pointer(),
            id: gi.id,
            profileId: profile.id,
            placement: nvmlGpuInstancePlacement_t { start: gi.start, size: profile.slots },
        })
    }
}
