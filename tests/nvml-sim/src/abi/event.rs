//! Being told of what happens.

use std::ffi::{c_uint, c_ulonglong};
use std::time::{Duration, Instant};

use nvml_wrapper_sys::bindings::nvmlEventData_t;

use crate::calls;
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, Target};
use crate::live;

/// All kinds that a data-centre card reports.
const KINDS: c_ulonglong = 0x1 | 0x2 | 0x8 | 0x10 | 0x80 | 0x200 | 0x400 | 0x800 | 0x4000 | 0x8000;
/// How often a waiter looks for news.
const LOOK: Duration = Duration::from_millis(5);

fn number(set: Handle) -> Answer<u32> {
    match set.target()? {
        Target::EventSet(number) => Ok(number),
        _ => Err(Code::INVALID_ARGUMENT),
    }
}

abi! {
    fn nvmlEventSetCreate: (live, set: Out<Handle>) {
        set.set(Handle::to(Target::EventSet(live.sets.create())))
    }
    fn nvmlEventSetFree: (live, set: Handle) {
        live.sets.free(number(set)?)
    }
    fn nvmlDeviceGetSupportedEventTypes: (live, device: Handle, kinds: Out<c_ulonglong>) {
        live.card(device)?;
        kinds.set(KINDS)
    }
    fn nvmlDeviceRegisterEvents: (live, device: Handle, kinds: c_ulonglong, set: Handle) {
        let gpu = live.card(device)?.index as usize;
        // A kind that the card does not report leaves the set as it was.
        if kinds & !KINDS != 0 {
            return Err(Code::NOT_SUPPORTED);
        }
        live.sets.want(number(set)?, gpu, kinds)
    }
}

/// Waits without holding anybody else up: news are looked for, a lock is not kept.
fn wait(
    function: &'static str,
    set: Handle,
    data: Out<nvmlEventData_t>,
    timeout_ms: c_uint,
) -> u32 {
    calls::count(function);
    let end = Instant::now() + Duration::from_millis(timeout_ms.into());
    loop {
        let mut told = false;
        let code = live::answer(function, |live| {
            let Some(event) = live.sets.take(number(set)?, &live.world.events)? else {
                return Ok(());
            };
            told = true;
            data.set(nvmlEventData_t {
                device: Handle::to(Target::Gpu(event.gpu)).pointer(),
                eventType: event.kind.bit(),
                eventData: event.data,
                gpuInstanceId: event.gi.unwrap_or(u32::MAX),
                computeInstanceId: event.ci.unwrap_or(u32::MAX),
            })
        });
        if told || code != Code::SUCCESS.0 {
            return code;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Code::TIMEOUT.0;
        }
        std::thread::sleep(left.min(LOOK));
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetWait_v2(
    set: Handle,
    data: Out<nvmlEventData_t>,
    timeout_ms: c_uint,
) -> u32 {
    wait("nvmlEventSetWait_v2", set, data, timeout_ms)
}
#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetWait(
    set: Handle,
    data: Out<nvmlEventData_t>,
    timeout_ms: c_uint,
) -> u32 {
    wait("nvmlEventSetWait", set, data, timeout_ms)
}
