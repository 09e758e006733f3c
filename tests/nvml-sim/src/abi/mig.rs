//! The MIG mode, and MIG devices as programs see them.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::nvmlDeviceAttributes_t;

use crate::code::Code;
use crate::handle::{Handle, Out, Target};
use crate::live::handle_of_mig;

abi! {
    fn nvmlDeviceGetMigMode: (live, device: Handle, now: Out<c_uint>, pending: Out<c_uint>) {
        let card = live.card(device)?;
        now.set(card.mig.into())?;
        pending.set(card.mig_pending.into())
    }
    fn nvmlDeviceSetMigMode: (live, device: Handle, mode: c_uint, activation: Out<c_uint>) {
        let gpu = live.card(device)?.index as usize;
        let on = match mode {
            0 => false,
            1 => true,
            _ => return Err(Code::INVALID_ARGUMENT),
        };
        let mut state = Code::SUCCESS;
        live.change(gpu, |card, _| {
            if card.mig == on && card.mig_pending == on {
                return Ok(());
            }
            if !card.gis.is_empty() {
                return Err(Code::IN_USE);
            }
            card.mig_pending = on;
            // The mode takes a reset of the card, which nobody may be using then.
            if card.spec.mig_needs_reset {
                state = Code::RESET_REQUIRED;
            } else if card.processes(None).next().is_some() {
                state = Code::IN_USE;
            } else {
                card.mig = on;
            }
            Ok(())
        })?;
        activation.set(state.0)
    }
    fn nvmlDeviceIsMigDeviceHandle: (live, device: Handle, is: Out<c_uint>) {
        is.set(live.device(device)?.1.is_some().into())
    }
    fn nvmlDeviceGetMaxMigDeviceCount: (live, device: Handle, count: Out<c_uint>) {
        count.set(live.card(device)?.model.family.compute)
    }
    fn nvmlDeviceGetMigDeviceHandleByIndex: (
        live, device: Handle, index: c_uint, mig: Out<Handle>
    ) {
        let card = live.card(device)?;
        if !card.mig {
            return Err(Code::NOT_SUPPORTED);
        }
        if index >= card.model.family.compute {
            return Err(Code::INVALID_ARGUMENT);
        }
        let (gi, ci) = card.mig_devices().nth(index as usize).ok_or(Code::NOT_FOUND)?;
        mig.set(handle_of_mig(card, gi, ci))
    }
    fn nvmlDeviceGetDeviceHandleFromMigDeviceHandle: (live, mig: Handle, device: Out<Handle>) {
        let (card, instance) = live.device(mig)?;
        instance.ok_or(Code::INVALID_ARGUMENT)?;
        device.set(Handle::to(Target::Gpu(card.index as usize)))
    }
    fn nvmlDeviceGetGpuInstanceId: (live, device: Handle, id: Out<c_uint>) {
        id.set(live.device(device)?.1.ok_or(Code::NOT_SUPPORTED)?.0.id)
    }
    fn nvmlDeviceGetComputeInstanceId: (live, device: Handle, id: Out<c_uint>) {
        id.set(live.device(device)?.1.ok_or(Code::NOT_SUPPORTED)?.1.id)
    }
    fn nvmlDeviceGetAttributes_v2 | nvmlDeviceGetAttributes: (
        live, device: Handle, attributes: Out<nvmlDeviceAttributes_t>
    ) {
        let (card, instance) = live.device(device)?;
        let (gi, ci) = instance.ok_or(Code::NOT_SUPPORTED)?;
        let profile = card.profile_of(gi).ok_or(Code::UNKNOWN)?;
        attributes.set(nvmlDeviceAttributes_t {
            multiprocessorCount: card.model.share_of_sms(ci.size),
            sharedCopyEngineCount: profile.compute.min(card.model.copy_engines),
            sharedDecoderCount: profile.compute / 2,
            sharedEncoderCount: 0,
            sharedJpegCount: profile.media.into(),
            sharedOfaCount: profile.media.into(),
            gpuInstanceSliceCount: profile.compute,
            computeInstanceSliceCount: ci.size,
            memorySizeMB: card.model.instance_mib(profile),
        })
    }
}
