//! An archive of images on its way to the daemon. The names that it gives to images become
//! the caller's own ([`crate::own`]); the daemon reads them after all of it is unpacked, so
//! one that names somebody else's image is cut off before its end, and nothing is loaded.
//! One that is packed with gzip is unpacked on the way, or nobody could read its names.

mod names;
#[cfg(test)]
mod tests;

use std::io::Write;

use flate2::write::MultiGzDecoder;

use crate::Denial;
use crate::archive::{BLOCK, is_plain_tar, number, sealed};
use crate::json;
use crate::who::{Who, Words};

/// The files that name images, at the top of the archive.
const NAMING: &[&str] = &["manifest.json", "repositories", "index.json"];
/// The larger of these, and of a header's extension.
const LARGEST: u64 = json::LARGEST as u64;

/// What is read at a time: gzip makes at most a thousand times as much of it.
const AT_A_TIME: usize = 16 << 10;
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A reader of one archive.
#[derive(Debug, Default)]
pub struct ImageArchive {
    packing: Packing,
    state: State,
    /// A header, or the content of a file that is read.
    held: Vec<u8>,
    /// The extensions of the next file's header, to be sent before it, and their kinds.
    before: Vec<u8>,
    kinds: Vec<u8>,
    /// Name and size that an extension gives the next file.
    next_name: Option<String>,
    next_size: Option<u64>,
}

#[derive(Debug, Default)]
enum Packing {
    /// The first byte, where no more has come.
    #[default]
    Unknown,
    First(u8),
    None,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Header,
    /// Content that nobody reads, its padding included.
    Skip(u64),
    /// Content that is read, and the padding behind it.
    Read {
        what: What,
        size: usize,
        left: u64,
    },
    Done,
}

#[derive(Clone, Debug)]
enum What {
    /// A list of names, and when it was made, as its header has it.
    Naming(String, Vec<u8>),
    LongName,
    /// A link's target, which names no image.
    LongLink,
    Extension,
}

impl ImageArchive {
    /// How much of any archive may be given to [`ImageArchive::pass`] at a time, to bound what
    /// it answers.
    pub const PIECE: usize = AT_A_TIME;

    /// How much of this one may be.
    pub fn piece(&self) -> usize {
        if matches!(self.packing, Packing::None) { usize::MAX } else { AT_A_TIME }
    }

    /// Takes what came and gives what is sent on. An error means that nothing more may be.
    pub fn pass(&mut self, bytes: &[u8], who: &Who, words: &Words) -> Result<Vec<u8>, Denial> {
        let mut out = Vec::new();
        let mut bytes = bytes;
        let start;
        match (&self.packing, bytes) {
            (Packing::Unknown, []) => return Ok(out),
            (Packing::Unknown, [first]) => {
                self.packing = Packing::First(*first);
                return Ok(out);
            }
            (Packing::Unknown, _) => self.packing = packing(bytes),
            (Packing::First(first), _) => {
                start = [&[*first], bytes].concat();
                bytes = &start;
                self.packing = packing(bytes);
            }
            _ => {}
        }
        if matches!(self.packing, Packing::Gzip(_)) {
            for part in bytes.chunks(AT_A_TIME) {
                let Packing::Gzip(decoder) = &mut self.packing else { break };
                let unpacked = decoder.write_all(part).and_then(|()| decoder.flush());
                unpacked.map_err(|_| odd("its gzip is damaged"))?;
                let unpacked = std::mem::take(decoder.get_mut());
                self.read(&unpacked, who, words, &mut out)?;
            }
            return Ok(out);
        }
        self.read(bytes, who, words, &mut out)?;
        Ok(out)
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        who: &Who,
        words: &Words,
        out: &mut Vec<u8>,
    ) -> Result<(), Denial> {
        while !bytes.is_empty() {
            match &mut self.state {
                // Nobody reads what stands behind the end.
                State::Done => return Ok(()),
                State::Skip(left) => {
                    let part = part(*left, bytes);
                    *left -= part as u64;
                    out.extend_from_slice(&bytes[..part]);
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
                        self.header(&block, out)?;
                    }
                }
                State::Read { left, .. } => {
                    let part = part(*left, bytes);
                    *left -= part as u64;
                    self.held.extend_from_slice(&bytes[..part]);
                    bytes = &bytes[part..];
                }
            }
            self.settle(who, words, out)?;
        }
        Ok(())
    }

    /// Ends a file that was read whole.
    fn settle(&mut self, who: &Who, words: &Words, out: &mut Vec<u8>) -> Result<(), Denial> {
        let State::Read { what, size, left: 0 } = &self.state else { return Ok(()) };
        let (what, size) = (what.clone(), *size);
        let held = std::mem::take(&mut self.held);
        let content = &held[..size];
        self.state = State::Header;
        match what {
            What::Naming(file, made) => {
                let content = names::rewritten(&file, content, who, words)?;
                // Its extensions say what no longer holds, such as its size.
                self.before.clear();
                self.kinds.clear();
                write_file(out, &file, &made, &content)?;
                return Ok(());
            }
            What::LongName => {
                let name = content.split(|byte| *byte == 0).next().unwrap_or_default();
                self.name_next(name)?;
            }
            What::LongLink => {}
            What::Extension => self.extension(content)?,
        }
        self.before.extend_from_slice(&held);
        Ok(())
    }

    fn header(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), Denial> {
        if block.iter().all(|byte| *byte == 0) {
            self.state = State::Done;
            out.extend_from_slice(&[0; 2 * BLOCK]);
            return Ok(());
        }
        if !is_plain_tar(block) {
            return Err(odd("it is compressed with something else than gzip, or no tar"));
        }
        let kind = block[156];
        let extends = match kind {
            b'L' => Some(What::LongName),
            b'K' => Some(What::LongLink),
            b'x' => Some(What::Extension),
            b'0' | 0 | b'1' | b'2' | b'5' => None,
            _ => return Err(odd("an entry of a kind that image archives do not have")),
        };
        // A size that an extension gives is the file's, not that of another extension.
        let size = match self.next_size.take_if(|_| extends.is_none()) {
            Some(size) => size,
            None => number(&block[124..136]).ok_or_else(|| odd("a file without a size"))?,
        };
        let whole = size.next_multiple_of(BLOCK as u64);
        let read = |what| {
            let size = usize::try_from(size).ok().filter(|_| size <= LARGEST);
            let size = size.ok_or_else(|| odd("a list of names that is too long"))?;
            Ok(State::Read { what, size, left: whole })
        };
        if let Some(what) = extends {
            // Some readers add a second one to the first, Go forgets the first.
            if self.kinds.contains(&kind) {
                return Err(odd("a file with two extensions of one kind"));
            }
            self.kinds.push(kind);
            self.before.extend_from_slice(block);
            self.state = read(what)?;
            return Ok(());
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
        // Go may put something before it that GNU has there, and then it has one.
        if plain && size > 0 && parts.is_empty() {
            return Err(odd("a file without a name"));
        }
        let naming = parts.last().is_some_and(|last| NAMING.contains(last));
        self.state = match (&parts[..], naming) {
            ([file], true) if plain && size > 0 => {
                self.state = read(What::Naming((*file).to_owned(), block[136..148].to_vec()))?;
                return Ok(());
            }
            ([_], true) if plain => return Err(odd("an empty list of names")),
            // Below a link to the top it would be the one at the top.
            (_, true) => return Err(odd("a list of names that is a link, or not at the top")),
            // Links and directories have no content, whatever their size says.
            _ if !plain || size == 0 => State::Header,
            _ => State::Skip(whole),
        };
        out.append(&mut self.before);
        self.kinds.clear();
        out.extend_from_slice(block);
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

fn packing(first: &[u8]) -> Packing {
    if first.starts_with(GZIP) {
        Packing::Gzip(Box::new(MultiGzDecoder::new(Vec::new())))
    } else {
        Packing::None
    }
}

/// A file of ours in place of one that was read.
fn write_file(out: &mut Vec<u8>, name: &str, made: &[u8], content: &[u8]) -> Result<(), Denial> {
    let mut block = [0u8; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[136..148].copy_from_slice(made);
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    let block =
        sealed(&block, content.len()).ok_or_else(|| odd("a list of names that is too long"))?;
    out.extend_from_slice(&block);
    out.extend_from_slice(content);
    out.resize(out.len() + content.len().next_multiple_of(BLOCK) - content.len(), 0);
    Ok(())
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
    let ustar = &block[257..263] == b"ustar\0";
    let prefix = if ustar { field(&block[345..500])? } else { String::new() };
    Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

fn odd(why: &str) -> Denial {
    Denial::forbidden("image.archive", "the archive is not one that the door can judge")
        .why(why)
        .todo("load what `docker save` wrote, as it is or packed with gzip")
}
