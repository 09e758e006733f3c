//! Starting, ending, and what is asked of the driver as a whole.

use std::ffi::{c_char, c_int, c_uint};

use crate::calls;
use crate::code::Code;
use crate::handle::{Handle, Out};
use crate::live;

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit() -> u32 {
    live::outside("nvmlInit", || live::init("nvmlInit"))
}
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> u32 {
    live::outside("nvmlInit_v2", || live::init("nvmlInit_v2"))
}
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInitWithFlags(_flags: c_uint) -> u32 {
    live::outside("nvmlInitWithFlags", || live::init("nvmlInitWithFlags"))
}
#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> u32 {
    live::outside("nvmlShutdown", live::shutdown)
}
#[unsafe(no_mangle)]
pub extern "C" fn nvmlErrorString(code: c_uint) -> *const c_char {
    calls::count("nvmlErrorString");
    Code(code).words().as_ptr()
}

/// Not NVIDIA's: calls of this process so far.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlSimCalls() -> u64 {
    calls::total()
}

/// `12.4` as 12040.
fn cuda_number(text: &str) -> c_int {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    parts.next().unwrap_or(0) * 1000 + parts.next().unwrap_or(0) * 10
}

abi! {
    fn nvmlSystemGetDriverVersion: (live, version: Out<c_char>, length: c_uint) {
        version.set_text(length, &live.world.driver)
    }
    fn nvmlSystemGetNVMLVersion: (live, version: Out<c_char>, length: c_uint) {
        let major = live.world.cuda.split('.').next().unwrap_or_default();
        let own = format!("{major}.{}", live.world.driver);
        version.set_text(length, live.world.nvml.as_ref().unwrap_or(&own))
    }
    fn nvmlSystemGetCudaDriverVersion_v2 | nvmlSystemGetCudaDriverVersion: (
        live, version: Out<c_int>
    ) {
        version.set(cuda_number(&live.world.cuda))
    }
    fn nvmlSystemGetProcessName: (live, pid: c_uint, name: Out<c_char>, length: c_uint) {
        let known = live.cards.iter().flat_map(|card| card.processes(None)).any(|p| p.pid == pid);
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let own = command.split('\0').next().unwrap_or_default();
        match own {
            "" if known => name.set_text(length, "python3"),
            "" => Err(Code::NOT_FOUND),
            own => name.set_text(length, own),
        }
    }
    fn nvmlUnitGetCount: (_live, count: Out<c_uint>) {
        count.set(0)
    }
    fn nvmlGetExcludedDeviceCount: (_live, count: Out<c_uint>) {
        count.set(0)
    }
    fn nvmlSystemGetTopologyGpuSet: (live, _cpu: c_uint, count: Out<c_uint>, array: Out<Handle>) {
        let all: Vec<_> = (0..live.cards.len())
            .map(|gpu| Handle::to(crate::handle::Target::Gpu(gpu)))
            .collect();
        let room = count.get()? as usize;
        count.set(all.len() as c_uint)?;
        if room == 0 { Ok(()) } else { crate::handle::put_all(&all[..room.min(all.len())], array) }
    }
    fn nvmlSimReboot: (live) {
        live.reboot()
    }
}
