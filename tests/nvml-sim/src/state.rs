//! What programs have changed through the ABI: MIG modes and layouts. It outlives them in a
//! file of its own, so that a layout made by one process is what the next one finds; the
//! world's file is never written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How many instances have ever been made here.
    pub serial: u64,
    /// Times the machine has been restarted.
    pub boots: u64,
    /// By the card's UUID.
    pub cards: BTreeMap<String, CardState>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CardState {
    /// What the world said of the layout when this was written. A world that says something
    /// else by now has been changed since, and wins.
    pub over: String,
    pub mig: bool,
    pub pending: bool,
    pub instances: Vec<Gi>,
}

/// A GPU instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gi {
    pub id: u32,
    /// `NVML_GPU_INSTANCE_PROFILE_*`.
    pub kind: u32,
    pub start: u32,
    pub serial: u64,
    pub computes: Vec<Ci>,
}

/// A compute instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ci {
    pub id: u32,
    pub start: u32,
    pub size: u32,
    pub serial: u64,
    /// Of the MIG device that the two make together.
    pub uuid: String,
}

/// `NVML_SIM_STATE`, or beside the world.
pub fn path(world: &Path) -> PathBuf {
    match std::env::var_os("NVML_SIM_STATE").filter(|path| !path.is_empty()) {
        Some(path) => path.into(),
        None => beside(world, ".state"),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Nothing there, or nothing readable: nothing was changed.
pub fn read(path: &Path) -> State {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Changes the state with nobody else doing so: reads it anew, and replaces it whole.
pub fn change<T, E: From<io::Error>>(
    path: &Path,
    work: impl FnOnce(&mut State) -> Result<T, E>,
) -> Result<T, E> {
    let lock =
        File::options().create(true).truncate(false).write(true).open(beside(path, ".lock"))?;
    // SAFETY: the descriptor is open as long as `lock` lives, and closing it unlocks.
    if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) } != 0 {
        return Err(io::Error::last_os_error().into());
    }
    let mut state = read(path);
    let answer = work(&mut state)?;
    let new = beside(path, &format!(".{}", std::process::id()));
    let text = serde_json::to_string_pretty(&state).map_err(io::Error::other)?;
    fs::write(&new, text)?;
    fs::rename(&new, path)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_many_at_once_all_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        // The temporary file carries the process's id: threads share it, and
                        // the lock keeps them apart all the same.
                        change::<(), io::Error>(&path, |state| {
                            state.serial += 1;
                            Ok(())
                        })
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path).serial, 100);
    }
}
