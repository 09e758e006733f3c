//! Files replaced whole, so that a reader or a crash never sees half of one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ds01_fault::{Code, Context, Fault};

/// Writes `bytes` to a temporary file beside `path` and renames it into place.
///
/// `durable` waits for the disk: wanted for what cannot be derived again, wasted on views.
pub fn replace(path: &Path, bytes: &[u8], mode: u32, durable: bool) -> Result<(), Fault> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    // The thread's, which is the process's in a command: in the door two people may be the
    // first of their group at once.
    name.push(format!(".{}", nix::unistd::gettid()));
    let temporary = path.with_file_name(name);
    let written = write_new(&temporary, bytes, mode, durable)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| if durable { sync_directory(path) } else { Ok(()) });
    if written.is_err() {
        // The error below is the one to report; a leftover that cannot be removed is
        // overwritten by the next writer with this id.
        let _ = fs::remove_file(&temporary);
    }
    written.or_fault(Code::Failed, || format!("cannot write {}", path.display()))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32, durable: bool) -> std::io::Result<()> {
    // A leftover of a killed process with the same id; never followed when it is a link.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    if durable { file.sync_data() } else { Ok(()) }
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_write_one_file_at_once_are_not_in_each_others_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope
                    .spawn(|| (0..200).for_each(|_| replace(&path, b"all", 0o644, false).unwrap()));
            }
        });
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_file_has_the_new_bytes_and_the_mode_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("view.json");
        replace(&path, b"one", 0o644, false).unwrap();
        replace(&path, b"two", 0o640, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_the_way_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("view"), dir.path().join("victim"));
        fs::write(&victim, "untouched").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        replace(&path, b"new", 0o644, false).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"untouched");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let fault = replace(Path::new("/no/such/dir/x"), b"", 0o644, false).unwrap_err();
        assert_eq!(fault.what, "cannot write /no/such/dir/x");
    }
}
