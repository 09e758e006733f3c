//! Performance monitoring by samples.

use std::ffi::c_uint;
use std::mem::offset_of;

use nvml_wrapper_sys::bindings::{
    nvmlGpmMetric_t, nvmlGpmMetric_t__bindgen_ty_1, nvmlGpmMetricsGet_t, nvmlGpmSupport_t,
};

use crate::code::{Answer, Code};
use crate::gpm::now;
use crate::handle::{Handle, Out, Target};
use crate::live::Live;

fn number(sample: Handle) -> Answer<u32> {
    match sample.target()? {
        Target::Sample(number) => Ok(number),
        _ => Err(Code::INVALID_ARGUMENT),
    }
}

fn can(live: &Live, device: Handle) -> Answer {
    if live.device(device)?.0.model.has_gpm() { Ok(()) } else { Err(Code::NOT_SUPPORTED) }
}

/// What stands in front of the metrics: how many there may be has grown with NVML, so the
/// list is walked by its own count.
#[repr(C)]
#[derive(Clone, Copy)]
struct Head {
    version: c_uint,
    count: c_uint,
    samples: [Handle; 2],
}

abi! {
    fn nvmlGpmQueryDeviceSupport: (live, device: Handle, support: Out<nvmlGpmSupport_t>) {
        let mut asked = support.get()?;
        asked.isSupportedDevice = can(live, device).is_ok().into();
        support.set(asked)
    }
    fn nvmlGpmSampleAlloc: (live, sample: Out<Handle>) {
        sample.set(Handle::to(Target::Sample(live.samples.alloc())))
    }
    fn nvmlGpmSampleFree: (live, sample: Handle) {
        live.samples.free(number(sample)?)
    }
    fn nvmlGpmSampleGet: (live, device: Handle, sample: Handle) {
        can(live, device)?;
        let values = now(live.card(device)?, None);
        live.samples.take(number(sample)?, values)
    }
    fn nvmlGpmMigSampleGet: (live, device: Handle, gi: c_uint, sample: Handle) {
        can(live, device)?;
        let card = live.card(device)?;
        let gi = card.gis.iter().find(|one| one.id == gi).ok_or(Code::INVALID_ARGUMENT)?;
        let values = now(card, Some(gi));
        live.samples.take(number(sample)?, values)
    }
    fn nvmlGpmMetricsGet: (live, asked: Out<nvmlGpmMetricsGet_t>) {
        let head = asked.at::<Head>(0).get()?;
        if head.version != 1 {
            return Err(Code::ARGUMENT_VERSION_MISMATCH);
        }
        let samples = (number(head.samples[0])?, number(head.samples[1])?);
        let metrics = asked.at::<nvmlGpmMetric_t>(offset_of!(nvmlGpmMetricsGet_t, metrics));
        for index in 0..head.count as usize {
            let mut metric = metrics.get_at(index)?;
            match live.samples.between(samples, metric.metricId) {
                Ok((value, name, unit)) => {
                    metric.value = value;
                    metric.nvmlReturn = 0;
                    metric.metricInfo = nvmlGpmMetric_t__bindgen_ty_1 {
                        shortName: name.as_ptr().cast_mut(),
                        longName: name.as_ptr().cast_mut(),
                        unit: unit.as_ptr().cast_mut(),
                    };
                }
                Err(code) => metric.nvmlReturn = code.0,
            }
            metrics.set_at(index, metric)?;
        }
        Ok(())
    }
}
