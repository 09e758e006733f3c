//! The log of decisions: one JSON line for each that changes something or is refused.
//! Bodies and headers are never in it, since they carry passwords and tokens.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use ds01_fault::{Context, Fault};
use serde_json::json;

use crate::door::Door;
use crate::peer::Peer;

/// Lines that wait for the disk; past it lines are dropped, never requests held up.
const WAITING: usize = 4096;
/// A log of this size is put aside, whether or not anything else rotates it: somebody who asks
/// in a loop must not fill the disk.
const LONGEST: u64 = 128 << 20;
/// So many are kept aside, `door.jsonl.1` the youngest.
const ASIDE: u32 = 3;

/// The log, written by a thread of its own.
#[derive(Clone, Debug)]
pub struct Audit(Option<SyncSender<String>>);

impl Audit {
    pub fn open(path: &Path) -> Result<Self, Fault> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)
                .or_fault(ds01_fault::Code::Failed, || format!("cannot make {}", dir.display()))?;
        }
        open(path)
            .or_fault(ds01_fault::Code::Failed, || format!("cannot write {}", path.display()))?;
        let (sender, lines) = sync_channel::<String>(WAITING);
        let path: PathBuf = path.to_owned();
        thread::spawn(move || {
            // Opened for each burst, so that rotation needs no signal.
            while let Ok(first) = lines.recv() {
                let mut text = first;
                while let Ok(line) = lines.try_recv() {
                    text += &line;
                    if text.len() > 1 << 20 {
                        break;
                    }
                }
                if let Ok(mut file) = open(&path) {
                    // A full disk must not stop the door.
                    let _ = file.write_all(text.as_bytes());
                    if file.metadata().is_ok_and(|file| file.len() > LONGEST) {
                        put_aside(&path);
                    }
                }
            }
        });
        Ok(Self(Some(sender)))
    }

    /// No log.
    pub fn none() -> Self {
        Self(None)
    }

    pub fn write(&self, line: &serde_json::Value) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(format!("{line}\n"));
        }
    }
}

/// A decision, as it is written down.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    pub decision: &'a str,
    pub code: &'a str,
    pub user: &'a str,
    pub method: &'a str,
    pub target: &'a str,
    pub status: u16,
}

impl Recorded<'_> {
    pub fn write(self, door: &Door, peer: &Peer) {
        let Self { decision, code, user, method, target, status } = self;
        // Build arguments and the like stand in the query.
        let path = target.split('?').next().unwrap_or_default();
        let path: String = path.chars().take(512).collect();
        door.audit.write(&json!({
            "timestamp": door.site.now(), "decision": decision, "code": code, "user": user,
            "uid": peer.uid, "pid": peer.pid, "method": method, "path": path,
            "status": status,
        }));
        if decision == "deny" && status == 403 {
            crate::events::denied(door, user, code, method, &path);
        }
    }
}

fn put_aside(path: &Path) {
    let aside = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    for n in (1..ASIDE).rev() {
        // There are not as many yet.
        let _ = std::fs::rename(aside(n), aside(n + 1));
    }
    let _ = std::fs::rename(path, aside(1));
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_kept_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("door.jsonl");
        for n in 0..6 {
            std::fs::write(&path, n.to_string()).unwrap();
            put_aside(&path);
        }
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(
            [read("door.jsonl.1"), read("door.jsonl.2"), read("door.jsonl.3")],
            ["5", "4", "3"]
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
