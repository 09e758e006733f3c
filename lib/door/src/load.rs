//! An archive of images on its way to the daemon: which names it would give them. The
//! daemon reads them after all of it is unpacked, so an archive that names somebody else's
//! image is cut off before its end, and nothing of it is loaded.

use crate::Denial;
use crate::archive::{BLOCK, is_plain_tar};
use crate::json::{self, Value};
use crate::schema::fold;
use crate::who::{Who, Words};

/// The files that name images, at the top of the archive.
const NAMING: &[&str] = &["manifest.json", "repositories", "index.json"];
/// The larger of these, and of a header's extension.
const LARGEST: u64 = json::LARGEST as u64;

/// A reader of one archive.
#[derive(Debug)]
pub struct ImageArchive {
    state: State,
    /// A header, or the content of a file that is read.
    held: Vec<u8>,
    /// Name and size that an extension gives the next file.
    next_name: Option<String>,
    next_size: Option<u64>,
}

#[derive(Debug)]
enum State {
    Header,
    /// Content that nobody reads, its padding included.
    Skip(u64),
    /// Content that is read, and the padding behind it.
    Read {
        what: What,
        left: u64,
        padding: u64,
    },
    Done,
}

#[derive(Clone, Debug)]
enum What {
    Naming(String),
    LongName,
    Extension,
}

impl Default for ImageArchive {
    fn default() -> Self {
        Self { state: State::Header, held: Vec::new(), next_name: None, next_size: None }
    }
}

impl ImageArchive {
    /// Reads on. An error means that nothing more may be forwarded.
    pub fn read(&mut self, mut bytes: &[u8], who: &Who, words: &Words) -> Result<(), Denial> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Done => return Ok(()),
                State::Skip(left) => {
                    let part = part(*left, bytes);
                    *left -= part as u64;
                    bytes = &bytes[part..];
                    if *left == 0 {
                        self.state = State::Header;
                    }
                }
                State::Header => {
                    let part = (BLOCK - self.held.len()).min(bytes.len());
                    self.held.extend_from_slice(&bytes[..part]);
                    bytes = &bytes[part..];
                    if self.held.len() == BLOCK {
                        let block = std::mem::take(&mut self.held);
                        self.header(&block)?;
                    }
                }
                State::Read { left, .. } => {
                    let part = part(*left, bytes);
                    *left -= part as u64;
                    self.held.extend_from_slice(&bytes[..part]);
                    bytes = &bytes[part..];
                }
            }
            self.settle(who, words)?;
        }
        Ok(())
    }

    /// Ends a file that was read whole.
    fn settle(&mut self, who: &Who, words: &Words) -> Result<(), Denial> {
        let State::Read { what, left: 0, padding } = &self.state else { return Ok(()) };
        let (what, padding) = (what.clone(), *padding);
        let content = std::mem::take(&mut self.held);
        self.state = if padding > 0 { State::Skip(padding) } else { State::Header };
        match what {
            What::LongName => {
                let name = content.split(|byte| *byte == 0).next().unwrap_or_default();
                self.name_next(name)?;
            }
            What::Extension => self.extension(&content)?,
            What::Naming(file) => {
                for name in names(&file, &content)? {
                    if !crate::own::is_own(&name, who, words) {
                        return Err(foreign(&name, who));
                    }
                }
            }
        }
        Ok(())
    }

    fn header(&mut self, block: &[u8]) -> Result<(), Denial> {
        if block.iter().all(|byte| *byte == 0) {
            self.state = State::Done;
            return Ok(());
        }
        if !is_plain_tar(block) {
            return Err(odd("it is compressed, or no tar"));
        }
        let size = match self.next_size.take() {
            Some(size) => size,
            None => number(&block[124..136]).ok_or_else(|| odd("a file without a size"))?,
        };
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let kind = block[156];
        let read = |what| {
            if size > LARGEST {
                return Err(odd("a list of names that is too long"));
            }
            Ok(State::Read { what, left: size, padding })
        };
        match kind {
            b'L' => {
                self.state = read(What::LongName)?;
                return Ok(());
            }
            // The target of a link names no image.
            b'K' => {
                self.state = State::Skip(size + padding);
                return Ok(());
            }
            b'x' => {
                self.state = read(What::Extension)?;
                return Ok(());
            }
            b'0' | 0 | b'1' | b'2' | b'5' => {}
            _ => return Err(odd("an entry of a kind that image archives do not have")),
        }
        let path = match self.next_name.take() {
            Some(name) => name,
            None => own_name(block)?,
        };
        // As the daemon cleans it.
        let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") {
            return Err(odd("a path with `..`"));
        }
        let plain = kind == b'0' || kind == 0;
        if plain && path.ends_with('/') && size > 0 {
            return Err(odd("a directory with content"));
        }
        let naming = parts.last().is_some_and(|last| NAMING.contains(last));
        self.state = match (&parts[..], naming) {
            ([file], true) if plain => read(What::Naming((*file).to_owned()))?,
            // Below a link to the top it would be the one at the top.
            (_, true) => return Err(odd("a list of names that is a link, or not at the top")),
            // Links and directories have no content, whatever their size says.
            _ if !plain => State::Header,
            _ => State::Skip(size + padding),
        };
        match self.state {
            State::Skip(0) => self.state = State::Header,
            State::Read { left: 0, .. } => return Err(odd("an empty list of names")),
            _ => {}
        }
        Ok(())
    }

    /// Two names for one file: which holds differs from reader to reader.
    fn name_next(&mut self, name: &[u8]) -> Result<(), Denial> {
        if self.next_name.is_some() || name.is_empty() {
            return Err(odd("a file with two names"));
        }
        self.next_name = Some(text(name)?);
        Ok(())
    }

    /// PAX: `length key=value` lines.
    fn extension(&mut self, content: &[u8]) -> Result<(), Denial> {
        let bad = || odd("an extension that cannot be read");
        let mut rest = content;
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
            let length: usize = text(&rest[..space])?.parse().map_err(|_| bad())?;
            let line = rest.get(space + 1..length).ok_or_else(bad)?;
            let (line, end) = line.split_at_checked(line.len().wrapping_sub(1)).ok_or_else(bad)?;
            let equals = line.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
            let (key, value) = (&line[..equals], &line[equals + 1..]);
            match key {
                _ if end != b"\n" => return Err(bad()),
                // Go takes an empty value for none.
                b"path" | b"size" if value.is_empty() => {}
                b"path" => self.name_next(value)?,
                b"size" if self.next_size.is_some() => return Err(bad()),
                b"size" => self.next_size = Some(text(value)?.parse().map_err(|_| bad())?),
                // Sparse files have other sizes than they say.
                key if key.starts_with(b"GNU.sparse") => return Err(bad()),
                _ => {}
            }
            rest = &rest[length..];
        }
        Ok(())
    }
}

fn part(left: u64, bytes: &[u8]) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())
}

fn text(bytes: &[u8]) -> Result<String, Denial> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(odd("a name that is not text")),
    }
}

fn own_name(block: &[u8]) -> Result<String, Denial> {
    let field = |bytes: &[u8]| text(bytes.split(|byte| *byte == 0).next().unwrap_or_default());
    let name = field(&block[..100])?;
    let prefix =
        if &block[257..263] == b"ustar\0" { field(&block[345..500])? } else { String::new() };
    Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

/// Octal digits, or a large number in binary.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(4);
        let zero = high[0] == 0x80 && high[1..].iter().all(|byte| *byte == 0);
        let number = u64::from_be_bytes(low.try_into().ok()?);
        return (zero && number < 1 << 50).then_some(number);
    }
    let digits = std::str::from_utf8(field).ok()?;
    let digits = digits.trim_matches(|c| c == ' ' || c == '\0');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The names that a file gives to images. Keys are found as Go finds them.
fn names(file: &str, content: &[u8]) -> Result<Vec<String>, Denial> {
    let value = json::parse(content)?;
    let mut found = Vec::new();
    match file {
        "repositories" => {
            let all = value.as_object().map(Vec::as_slice).unwrap_or_default();
            found.extend(all.iter().map(|(name, _)| name.clone()));
        }
        "manifest.json" => collect(&value, "repotags", &mut found),
        _ => {
            collect(&value, "io.containerd.image.name", &mut found);
            let mut short = Vec::new();
            collect(&value, "org.opencontainers.image.ref.name", &mut short);
            // Mostly a tag alone, which names nothing without the other.
            found.extend(short.into_iter().filter(|name| name.contains('/')));
        }
    }
    Ok(found)
}

/// Every text below every member of this name, at any depth.
fn collect(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::List(list) => list.iter().for_each(|item| collect(item, key, found)),
        Value::Object(object) => {
            for (name, member) in object {
                if fold(name) == key {
                    texts(member, found);
                }
                collect(member, key, found);
            }
        }
        _ => {}
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Text(text) => found.push(text.clone()),
        Value::List(list) => list.iter().for_each(|item| texts(item, found)),
        _ => {}
    }
}

fn odd(why: &str) -> Denial {
    Denial::forbidden("image.archive", "the archive is not one that the door can judge")
        .why(why)
        .todo("load what `docker save` wrote, uncompressed")
}

fn foreign(name: &str, who: &Who) -> Denial {
    Denial::forbidden(
        "image.name_space",
        format!("the archive holds the image name `{name}`, which is not yours"),
    )
    .why("nobody replaces a name that others run")
    .todo(format!("save it under {}/NAME and load that", crate::own::own_space(who)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::who::Role;
    use proptest::prelude::*;

    fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut block = vec![0u8; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        block[156] = kind;
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.extend_from_slice(content);
        block.resize(block.len().next_multiple_of(BLOCK), 0);
        block
    }

    fn judge(entries: &[Vec<u8>], step: usize) -> Result<(), &'static str> {
        let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
        let mut archive = ImageArchive::default();
        let mut all = entries.concat();
        all.extend([0u8; 2 * BLOCK]);
        for part in all.chunks(step) {
            archive.read(part, &alice, &Words::default()).map_err(|denial| denial.code)?;
        }
        Ok(())
    }

    const OWN: &[u8] = br#"[{"Config":"x","RepoTags":["ds01-alice/x:1"],"Layers":[]}]"#;
    const FOREIGN: &[u8] = br#"[{"RepoTags":["ds01-alice/x:1","pytorch/pytorch:latest"]}]"#;

    #[test]
    fn an_archive_passes_when_every_name_in_it_is_ones_own() {
        let layer = entry("abc/layer.tar", b'0', &[7; 1500]);
        for step in [1, 511, 512, 513, 100_000] {
            assert_eq!(judge(&[layer.clone(), entry("manifest.json", b'0', OWN)], step), Ok(()));
            let bad = [layer.clone(), entry("manifest.json", b'0', FOREIGN)];
            assert_eq!(judge(&bad, step), Err("image.name_space"));
        }
        let untagged = br#"[{"RepoTags":null}]"#;
        assert_eq!(judge(&[entry("manifest.json", b'0', untagged)], 99), Ok(()));
    }

    #[test]
    fn no_other_way_to_give_a_name_passes() {
        let pax = b"22 path=manifest.json\n";
        for (bad, code) in [
            (vec![entry("./manifest.json", b'0', FOREIGN)], "image.name_space"),
            (vec![entry("manifest.json", b'0', br#"[{"repoTags":["bb"]}]"#)], "image.name_space"),
            (vec![entry("manifest.json", b'0', OWN), entry("manifest.json", b'0', FOREIGN)], "image.name_space"),
            (vec![entry("repositories", b'0', br#"{"bb":{"latest":"x"}}"#)], "image.name_space"),
            (vec![entry("index.json", b'0', br#"{"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/library/bb:1"}}]}"#)], "image.name_space"),
            (vec![entry("x", b'x', pax), entry("other", b'0', FOREIGN)], "image.name_space"),
            (vec![entry("x", b'L', b"manifest.json\0"), entry("other", b'0', FOREIGN)], "image.name_space"),
            (vec![entry("x", b'x', b"8 path=\n"), entry("manifest.json", b'0', FOREIGN)], "image.name_space"),
            (vec![entry("x", b'x', pax), entry("x", b'L', b"y\0")], "image.archive"),
            (vec![entry("a/", 0, FOREIGN)], "image.archive"),
            (vec![entry("manifest.json", b'2', b"")], "image.archive"),
            (vec![entry("a", b'2', b""), entry("a/manifest.json", b'0', OWN)], "image.archive"),
            (vec![entry("a/../manifest.json", b'0', OWN)], "image.archive"),
            (vec![entry("x", b'g', pax)], "image.archive"),
            (vec![entry("x", b'S', b"")], "image.archive"),
            (vec![vec![0x1f; BLOCK]], "image.archive"),
        ] {
            assert_eq!(judge(&bad, 700), Err(code), "{:?}", String::from_utf8_lossy(&bad[0][..40]));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), step in 1..600usize) {
            let _ = judge(&[bytes], step);
        }
        #[test]
        fn no_extension_panics(bytes in "[0-9 =a-z\n]{0,60}") {
            let _ = judge(&[entry("x", b'x', bytes.as_bytes())], 512);
        }
    }
}
