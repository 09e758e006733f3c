//! A `libnvidia-ml.so.1` that plays a board from a JSON world: the C ABI of NVIDIA's
//! management library, so that whatever asks the real one asks this one unmodified.
//!
//! `NVML_SIM_WORLD` names the world, `NVML_SIM_STATE` where MIG changes are kept (beside the
//! world otherwise), `NVML_SIM_CALLS` a file that gets a line for every call, `NVML_SIM_LOG`
//! one for what is wrong with a world. README.md describes the world.
//!
//! `world` is the file, `placement` and `models` the rules of the cards, `state` what
//! programs have changed, `board` the three together, `live` the one simulation of a
//! process, `abi` the exported functions by subject. Linked as a Rust library it gives
//! tests [`library`], the rules, and nothing else.
#![allow(unsafe_code)] // The C ABI: `handle` holds every access through a foreign pointer.
#![allow(clippy::multiple_unsafe_ops_per_block)]

mod abi;
mod board;
mod calls;
mod code;
mod events;
mod gpm;
mod handle;
mod live;
pub mod models;
pub mod placement;
mod state;
mod watch;
mod world;

use std::path::PathBuf;

/// The shared library that cargo built beside the running test, for `DS01_NVML_LIB`.
pub fn library() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    exe.ancestors()
        .skip(1)
        .map(|dir| dir.join("libnvml_sim.so"))
        .find(|path| path.exists())
        .unwrap_or_else(|| "libnvml_sim.so".into())
}
