//! Whether the world or the state has changed since it was last looked at.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Size, inode and time of a file: enough to see that it was written or replaced.
type Stamp = Option<(u64, u64, i64, i64)>;

/// A change is seen this late at most. A program that asks thousands of questions in a row
/// would spend most of its time on looking at the files otherwise; and notes by the kernel
/// (inotify) cost milliseconds when a process ends.
pub const LATEST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub struct Watch {
    files: [PathBuf; 2],
    stamps: [Stamp; 2],
    looked: Instant,
}

impl Watch {
    /// Before the files are read, so that no change is missed.
    pub fn start(world: &Path, state: &Path) -> Self {
        let stamps = [stamp(world), stamp(state)];
        Self { files: [world.to_owned(), state.to_owned()], stamps, looked: Instant::now() }
    }

    /// Whether the world is there at all.
    pub fn has_world(&self) -> bool {
        self.stamps[0].is_some()
    }

    /// Looks, if that is due.
    pub fn changed(&mut self) -> bool {
        self.looked.elapsed() >= LATEST && self.changed_now()
    }

    /// Looks at once.
    pub fn changed_now(&mut self) -> bool {
        self.looked = Instant::now();
        let stamps = [stamp(&self.files[0]), stamp(&self.files[1])];
        let changed = stamps != self.stamps;
        self.stamps = stamps;
        changed
    }
}

fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.size(), meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_change_a_file_is_seen_once() {
        let dir = tempfile::tempdir().unwrap();
        let (world, state) = (dir.path().join("world"), dir.path().join("state"));
        fs::write(&world, "1").unwrap();
        let mut watch = Watch::start(&world, &state);
        let mut seen = |work: &dyn Fn()| {
            work();
            assert!(watch.changed_now());
            assert!(!watch.changed_now());
            assert!(!watch.changed());
        };
        seen(&|| fs::write(&world, "22").unwrap());
        seen(&|| fs::write(&state, "").unwrap());
        seen(&|| {
            fs::write(dir.path().join("new"), "333").unwrap();
            fs::rename(dir.path().join("new"), &world).unwrap();
        });
        seen(&|| fs::remove_file(&state).unwrap());
    }

    #[test]
    fn a_change_is_seen_once_a_look_is_due() {
        let dir = tempfile::tempdir().unwrap();
        let world = dir.path().join("world");
        fs::write(&world, "1").unwrap();
        let mut watch = Watch::start(&world, &dir.path().join("state"));
        fs::write(&world, "22").unwrap();
        std::thread::sleep(LATEST);
        assert!(watch.changed());
    }
}
