//! Unit files on the disk: ours, somebody else's, or none.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ds01_fault::{Code, Context, Fault};
use ds01_names::SliceName;
use ds01_site::{Site, replace};

use crate::unit::{self, MARK};

/// What lies at a unit file's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Absent,
    Ours(String),
    /// Written by somebody else; the earlier system's, most likely.
    Foreign,
}

pub(crate) fn look(path: &Path) -> Result<File, Fault> {
    match fs::read(path) {
        Ok(bytes) => Ok(match String::from_utf8(bytes) {
            Ok(text) if text.starts_with(MARK) => File::Ours(text),
            _ => File::Foreign,
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(File::Absent),
        // A masked unit is a link to /dev/null, which reads as empty; what is left here is a
        // directory or a broken disk.
        Err(error) => Err(Fault::failed(format!("cannot read {}", path.display()))
            .why(error.to_string())
            .todo("move it away and run slice-make again")),
    }
}

/// The slices that have a unit file of ours.
pub(crate) fn ours(site: &Site) -> Result<Vec<SliceName>, Fault> {
    let directory = site.units();
    let what = || format!("cannot list {}", directory.display());
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.or_fault(Code::Failed, what)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.or_fault(Code::Failed, what)?;
        let Some(name) = entry.file_name().to_str().and_then(SliceName::parse) else { continue };
        if matches!(look(&entry.path())?, File::Ours(_)) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Writes a unit file over what was found there. Somebody else's is kept beside it.
pub(crate) fn write(site: &Site, name: &SliceName, found: &File, text: &str) -> Result<(), Fault> {
    if matches!(found, File::Ours(same) if same == text) {
        return Ok(());
    }
    let path = unit::path(site, name);
    let directory = site.units();
    fs::create_dir_all(&directory)
        .or_fault(Code::Failed, || format!("cannot make {}", directory.display()))?;
    if *found == File::Foreign {
        let kept = kept_as(&path);
        fs::rename(&path, &kept).or_fault(Code::Failed, || {
            format!("cannot keep {} as {}", path.display(), kept.display())
        })?;
    }
    replace(&path, text.as_bytes(), 0o644, true)
}

/// Where somebody else's unit file is kept: systemd ignores this ending. An earlier one that
/// was kept there is not lost to a second.
fn kept_as(path: &Path) -> PathBuf {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(".before-ds01");
        if number > 1 {
            name.push(format!(".{number}"));
        }
        let kept = PathBuf::from(name);
        if kept.symlink_metadata().is_err() {
            return kept;
        }
        number += 1;
    }
}

/// Removes a unit file, and what `set-property --runtime` left, which would outlive the unit
/// until the next boot.
pub(crate) fn remove(site: &Site, name: &SliceName) -> Result<(), Fault> {
    let path = unit::path(site, name);
    gone(fs::remove_file(&path), &path)?;
    let set = site.root().join("run/systemd/system.control").join(format!("{name}.d"));
    gone(fs::remove_dir_all(&set), &set)
}

fn gone(removed: std::io::Result<()>, path: &Path) -> Result<(), Fault> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.or_fault(Code::Failed, || format!("cannot remove {}", path.display())),
    }
}
