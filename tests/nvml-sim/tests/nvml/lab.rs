//! A world of its own for each test. The library is one per process and reads its world from
//! the environment, so tests take turns.

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nvml_wrapper::{Device, Nvml};
use nvml_wrapper_sys::bindings::{
    nvmlComputeInstance_t, nvmlEventData_t, nvmlGpuInstance_t, nvmlGpuInstanceInfo_t,
    nvmlGpuInstancePlacement_t,
};

static TURN: Mutex<()> = Mutex::new(());

pub struct Lab {
    pub dir: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    pub fn new(world: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().unwrap();
        let lab = Self { dir, _turn: turn };
        lab.write(world);
        // SAFETY: the turn above keeps every other test of this binary out.
        unsafe { std::env::set_var("NVML_SIM_WORLD", lab.world()) };
        lab
    }

    pub fn world(&self) -> PathBuf {
        self.dir.path().join("world.json")
    }

    /// Replaces the world as an editor or a test would, at once.
    pub fn write(&self, world: &str) {
        let new = self.dir.path().join("new");
        std::fs::write(&new, world).unwrap();
        std::fs::rename(new, self.world()).unwrap();
        // A running library looks again within a millisecond.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }

    /// Restarts the simulated machine, through the one function that is not NVIDIA's.
    pub fn reboot(&self) {
        let path = CString::new(nvml_sim::library().to_str().unwrap()).unwrap();
        // SAFETY: the library is the one already loaded, the symbol takes nothing and gives
        // a number.
        unsafe {
            let lib = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            let symbol = libc::dlsym(lib, c"nvmlSimReboot".as_ptr());
            assert!(!symbol.is_null());
            let reboot: extern "C" fn() -> u32 = std::mem::transmute(symbol);
            assert_eq!(reboot(), 0);
        }
    }

    pub fn nvml(&self) -> Nvml {
        self.try_nvml().unwrap()
    }

    pub fn try_nvml(&self) -> Result<Nvml, nvml_wrapper::error::NvmlError> {
        Nvml::builder().lib_path(nvml_sim::library().as_os_str()).init()
    }
}

/// What the wrapper does not wrap.
pub struct Raw<'a>(pub &'a Nvml);

pub type Outcome<T> = Result<T, u32>;

fn outcome<T>(code: u32, value: T) -> Outcome<T> {
    if code == 0 { Ok(value) } else { Err(code) }
}

impl Raw<'_> {
    pub fn create(
        &self,
        device: &Device,
        id: u32,
        place: Option<(u32, u32)>,
    ) -> Outcome<nvmlGpuInstance_t> {
        let mut gi = std::ptr::null_mut();
        // SAFETY: the handles are the library's own, the pointers to locals.
        let code = unsafe {
            match place {
                None => self.0.lib().nvmlDeviceCreateGpuInstance(device.handle(), id, &mut gi),
                Some((start, size)) => {
                    let place = nvmlGpuInstancePlacement_t { start, size };
                    self.0.lib().nvmlDeviceCreateGpuInstanceWithPlacement(
                        device.handle(),
                        id,
                        &place,
                        &mut gi,
                    )
                }
            }
        };
        outcome(code, gi)
    }

    pub fn create_compute(&self, gi: nvmlGpuInstance_t, id: u32) -> Outcome<nvmlComputeInstance_t> {
        let mut ci = std::ptr::null_mut();
        // SAFETY: as above.
        let code = unsafe { self.0.lib().nvmlGpuInstanceCreateComputeInstance(gi, id, &mut ci) };
        outcome(code, ci)
    }

    pub fn destroy(&self, gi: nvmlGpuInstance_t) -> Outcome<()> {
        // SAFETY: as above.
        outcome(unsafe { self.0.lib().nvmlGpuInstanceDestroy(gi) }, ())
    }

    pub fn destroy_compute(&self, ci: nvmlComputeInstance_t) -> Outcome<()> {
        // SAFETY: as above.
        outcome(unsafe { self.0.lib().nvmlComputeInstanceDestroy(ci) }, ())
    }

    pub fn instances(&self, device: &Device, id: u32) -> Vec<nvmlGpuInstance_t> {
        let (mut list, mut count) = ([std::ptr::null_mut(); 16], 16);
        // SAFETY: as above; no profile has more than 16 instances.
        let code = unsafe {
            self.0.lib().nvmlDeviceGetGpuInstances(
                device.handle(),
                id,
                list.as_mut_ptr(),
                &mut count,
            )
        };
        assert_eq!(code, 0);
        list[..count as usize].to_vec()
    }

    pub fn info(&self, gi: nvmlGpuInstance_t) -> Outcome<nvmlGpuInstanceInfo_t> {
        // SAFETY: a structure of numbers and pointers may be all zeros.
        let mut info = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        outcome(unsafe { self.0.lib().nvmlGpuInstanceGetInfo(gi, &mut info) }, info)
    }

    /// All events that are due: XID, GPU instance, compute instance.
    pub fn events(&self, device: &Device) -> Vec<(u64, u32, u32)> {
        let lib = self.0.lib();
        let mut told = Vec::new();
        // SAFETY: as above; a structure of numbers and pointers may be all zeros.
        unsafe {
            let mut set = std::mem::zeroed();
            assert_eq!(lib.nvmlEventSetCreate(&mut set), 0);
            assert_eq!(lib.nvmlDeviceRegisterEvents(device.handle(), 8, set), 0);
            let mut data: nvmlEventData_t = std::mem::zeroed();
            while lib.nvmlEventSetWait_v2(set, &mut data, 0) == 0 {
                told.push((data.eventData, data.gpuInstanceId, data.computeInstanceId));
            }
            assert_eq!(lib.nvmlEventSetFree(set), 0);
        }
        told
    }
}
