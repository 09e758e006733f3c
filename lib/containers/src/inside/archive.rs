//! Single files out of a container, and files into it, as Docker takes both: tar archives.

use std::io::Read;

use ds01_docker::Docker;
use ds01_fault::{Code, Context, Fault};
use ds01_units::Stamp;
use tar::{Archive, Builder, EntryType, Header};

/// A file of accounts is no longer; more of it is somebody's joke.
const LONGEST: u64 = 4 << 20;
/// Links that are followed, one behind another.
const MOST_LINKS: usize = 5;

/// A file or directory to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// From the root, without the slash before it.
    pub path: String,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File(String),
}

/// A small text of a container; nothing where it has none.
pub(super) fn read_file(docker: &Docker, id: &str, path: &str) -> Result<Option<String>, Fault> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Some(bytes) = docker.get_archive(id, &path)? else { return Ok(None) };
        match first(&bytes).or_fault(Code::Failed, || format!("cannot read the image's {path}"))? {
            First::Text(text) => return Ok(Some(text)),
            First::Link(target) if target.starts_with('/') => path = target,
            First::Link(target) => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                path = format!("{parent}/{target}");
            }
            First::Other => return Ok(None),
        }
    }
    Ok(None)
}

#[derive(Debug, PartialEq)]
enum First {
    Text(String),
    Link(String),
    Other,
}

fn first(bytes: &[u8]) -> std::io::Result<First> {
    let mut archive = Archive::new(bytes);
    let Some(entry) = archive.entries()?.next() else { return Ok(First::Other) };
    let entry = entry?;
    Ok(match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => {
            let mut text = Vec::new();
            entry.take(LONGEST).read_to_end(&mut text)?;
            First::Text(String::from_utf8_lossy(&text).into_owned())
        }
        EntryType::Symlink => match entry.link_name()? {
            Some(target) => First::Link(target.to_string_lossy().into_owned()),
            None => First::Other,
        },
        _ => First::Other,
    })
}

/// The archive, not compressed: the door lets no other through.
pub(super) fn write(entries: &[Entry], now: Stamp) -> Result<Vec<u8>, Fault> {
    let cannot = || "cannot pack what goes into the container".to_owned();
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode);
        // Numbers of directory services are beyond seven octal digits; the GNU form takes them.
        header.set_uid(entry.uid.into());
        header.set_gid(entry.gid.into());
        header.set_mtime(u64::try_from(now.secs()).unwrap_or(0));
        let (kind, text) = match &entry.kind {
            Kind::Directory => (EntryType::Directory, ""),
            Kind::File(text) => (EntryType::Regular, text.as_str()),
        };
        header.set_entry_type(kind);
        header.set_size(text.len() as u64);
        builder
            .append_data(&mut header, &entry.path, text.as_bytes())
            .or_fault(Code::Failed, cannot)?;
    }
    builder.into_inner().or_fault(Code::Failed, cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, uid: u32) -> Entry {
        Entry { path: path.into(), mode: 0o644, uid, gid: uid, kind: Kind::File("text\n".into()) }
    }

    #[test]
    fn numbers_of_a_directory_service_come_back_as_they_were() {
        let home = format!("home/{}", "long.name".repeat(20));
        for uid in [0, 1001, 2_097_151, 2_097_152, 1_722_830_512, u32::MAX - 1] {
            let bytes = write(&[file(&home, uid)], Stamp::from_secs(9)).unwrap();
            assert!(ds01_door::is_plain_tar(&bytes[..512]));
            let mut archive = Archive::new(&bytes[..]);
            let entry = archive.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(entry.header().uid().unwrap(), u64::from(uid));
            assert_eq!(entry.header().gid().unwrap(), u64::from(uid));
            assert_eq!(entry.path().unwrap().to_str(), Some(home.as_str()));
        }
    }

    #[test]
    fn a_text_is_read_and_what_is_none_is_not() {
        let bytes = write(&[file("etc/passwd", 0)], Stamp::from_secs(0)).unwrap();
        assert_eq!(first(&bytes).unwrap(), First::Text("text\n".into()));
        let directory = Entry { kind: Kind::Directory, ..file("etc", 0) };
        let bytes = write(&[directory], Stamp::from_secs(0)).unwrap();
        assert_eq!(first(&bytes).unwrap(), First::Other);
        assert_eq!(first(b"").unwrap(), First::Other);
        assert!(first(&[b'x'; 1024]).is_err());
    }
}
