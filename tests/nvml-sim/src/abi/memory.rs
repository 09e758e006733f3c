//! Memory of cards and instances.

use nvml_wrapper_sys::bindings::{nvmlBAR1Memory_t, nvmlMemory_t, nvmlMemory_v2_t};

use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, version_of};
use crate::live::Live;

const MIB: u64 = 1 << 20;

/// Total and used, in bytes.
fn of(live: &Live, device: Handle) -> Answer<(u64, u64)> {
    let (card, mig) = live.device(device)?;
    let (total, used) = mig.map_or_else(|| card.memory(), |(gi, _)| card.instance_memory(gi));
    Ok((total * MIB, used * MIB))
}

abi! {
    fn nvmlDeviceGetMemoryInfo: (live, device: Handle, memory: Out<nvmlMemory_t>) {
        let (total, used) = of(live, device)?;
        memory.set(nvmlMemory_t { total, free: total - used, used })
    }
    fn nvmlDeviceGetMemoryInfo_v2: (live, device: Handle, memory: Out<nvmlMemory_v2_t>) {
        let version = version_of::<nvmlMemory_v2_t>(2);
        if memory.get()?.version != version {
            return Err(Code::ARGUMENT_VERSION_MISMATCH);
        }
        let (total, used) = of(live, device)?;
        memory.set(nvmlMemory_v2_t { version, total, reserved: 0, free: total - used, used })
    }
    fn nvmlDeviceGetBAR1MemoryInfo: (live, device: Handle, memory: Out<nvmlBAR1Memory_t>) {
        live.device(device)?;
        let (bar1Total, bar1Used) = (65536 * MIB, MIB);
        memory.set(nvmlBAR1Memory_t { bar1Total, bar1Free: bar1Total - bar1Used, bar1Used })
    }
}
