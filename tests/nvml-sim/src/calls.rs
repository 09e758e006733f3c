//! Every question is counted, so that a test can hold a program to asking few: a line with
//! the function's name in the file that `NVML_SIM_CALLS` names.

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static TOTAL: AtomicU64 = AtomicU64::new(0);
static FILE: OnceLock<Option<File>> = OnceLock::new();

pub fn count(function: &str) {
    TOTAL.fetch_add(1, Ordering::Relaxed);
    let file = FILE.get_or_init(|| {
        let path = std::env::var_os("NVML_SIM_CALLS").filter(|path| !path.is_empty())?;
        File::options().create(true).append(true).open(path).ok()
    });
    if let Some(mut file) = file.as_ref() {
        // One write a line: programs that run side by side never mix theirs.
        let _ = file.write_all(format!("{function}\n").as_bytes());
    }
}

/// Calls of this process so far.
pub fn total() -> u64 {
    TOTAL.load(Ordering::Relaxed)
}
