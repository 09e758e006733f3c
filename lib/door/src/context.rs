//! The files of a classic build on their way to the daemon. In the Dockerfile, an image
//! that means one of the caller's own is told in full, since the daemon reads it and knows
//! nothing of callers. Only the build itself depends on it: what cannot be read passes.

use crate::archive::{BLOCK, is_plain_tar, number, sealed};
use crate::dockerfile;

/// No Dockerfile is longer.
const LARGEST: u64 = 1 << 20;

/// A reader of one archive of files.
#[derive(Debug)]
pub struct BuildContext {
    /// Where the Dockerfile is, its parts.
    dockerfile: Vec<String>,
    /// The own images that there are, as the daemon lists them.
    images: Vec<String>,
    state: State,
    /// What is not sent on yet: extensions, a header, and the content behind it.
    held: Vec<u8>,
    /// How much of it is the header's, extensions included.
    header: usize,
    next_name: Option<String>,
}

#[derive(Debug)]
enum State {
    Header,
    Skip(u64),
    /// An extension or the Dockerfile, its padding included.
    Read {
        what: What,
        size: usize,
        left: u64,
    },
    /// The end, or nothing that can be read.
    Pass,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Dockerfile,
    LongName,
    Extension,
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

impl BuildContext {
    pub fn new(dockerfile: &str, images: Vec<String>) -> Self {
        let dockerfile = if dockerfile.is_empty() { "Dockerfile" } else { dockerfile };
        Self {
            dockerfile: parts(dockerfile),
            images,
            state: State::Header,
            held: Vec::new(),
            header: 0,
            next_name: None,
        }
    }

    /// Takes what came and gives what is sent on. `first` gives the own name that a name
    /// means first.
    pub fn pass(&mut self, mut bytes: &[u8], first: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        while !bytes.is_empty() {
            let take = match &self.state {
                State::Pass => bytes.len(),
                State::Skip(left) => length(*left).min(bytes.len()),
                State::Header => (self.header + BLOCK - self.held.len()).min(bytes.len()),
                State::Read { left, .. } => length(*left).min(bytes.len()),
            };
            let (taken, rest) = bytes.split_at(take);
            bytes = rest;
            match &mut self.state {
                State::Pass => out.extend_from_slice(taken),
                State::Skip(left) => {
                    out.extend_from_slice(taken);
                    *left -= take as u64;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                }
                State::Header => {
                    self.held.extend_from_slice(taken);
                    if self.held.len() == self.header + BLOCK {
                        self.header(&mut out);
                    }
                }
                State::Read { what, size, left } => {
                    self.held.extend_from_slice(taken);
                    *left -= take as u64;
                    if *left == 0 {
                        let (what, size) = (*what, *size);
                        self.state = State::Header;
                        self.end(what, size, first, &mut out);
                    }
                }
            }
        }
        out
    }

    /// What is still held when the archive ends early.
    pub fn finish(&mut self) -> Vec<u8> {
        self.state = State::Pass;
        std::mem::take(&mut self.held)
    }

    fn send(&mut self, out: &mut Vec<u8>, next: State) {
        out.append(&mut self.held);
        self.header = 0;
        self.next_name = None;
        self.state = next;
    }

    fn header(&mut self, out: &mut Vec<u8>) {
        let block = &self.held[self.header..];
        let empty = block.iter().all(|byte| *byte == 0);
        let Some(size) = number(&block[124..136]).filter(|_| !empty && is_plain_tar(block)) else {
            return self.send(out, State::Pass);
        };
        let kind = block[156];
        let plain = kind == b'0' || kind == 0;
        let what = match kind {
            b'L' => Some(What::LongName),
            b'x' => Some(What::Extension),
            _ => {
                let name = self.next_name.clone().or_else(|| name(block));
                let meant = name.is_some_and(|name| parts(&name) == self.dockerfile);
                (plain && size > 0 && meant).then_some(What::Dockerfile)
            }
        };
        let whole = size.next_multiple_of(BLOCK as u64);
        match what {
            Some(what) if (1..=LARGEST).contains(&size) && self.held.len() < 1 << 21 => {
                self.header = self.held.len();
                self.state = State::Read { what, size: length(size), left: whole };
            }
            // Links and directories have no content, whatever their size says.
            _ if matches!(kind, b'1'..=b'6') || size == 0 => self.send(out, State::Header),
            _ => self.send(out, State::Skip(whole)),
        }
    }

    /// Ends a file that was read whole.
    fn end(
        &mut self,
        what: What,
        size: usize,
        first: &dyn Fn(&str) -> Option<String>,
        out: &mut Vec<u8>,
    ) {
        let content = &self.held[self.header..self.header + size];
        match what {
            What::LongName => {
                let name = content.split(|byte| *byte == 0).next().unwrap_or_default();
                self.next_name = std::str::from_utf8(name).ok().map(str::to_owned);
                self.header = self.held.len();
            }
            What::Extension => {
                let text = std::str::from_utf8(content).unwrap_or_default();
                let value = |key: &str| {
                    text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix(key))
                };
                // What has its size there is not changed.
                if value("size=").is_some() {
                    return self.send(out, State::Pass);
                }
                if let Some(path) = value("path=") {
                    self.next_name = Some(path.to_owned());
                }
                self.header = self.held.len();
            }
            What::Dockerfile => {
                let full = |name: &str| {
                    let own = first(name)?;
                    let tag = own.rfind('/').map_or(own.as_str(), |slash| &own[slash..]);
                    let listed =
                        if tag.contains(':') { own.clone() } else { format!("{own}:latest") };
                    self.images.contains(&listed).then_some(own)
                };
                let changed = std::str::from_utf8(content)
                    .ok()
                    .map(|text| (text, dockerfile::rewritten(text, &full)))
                    .filter(|(before, after)| before != after);
                let start = self.header - BLOCK;
                if let Some((_, text)) = changed
                    && let Some(block) = sealed(&self.held[start..self.header], text.len())
                {
                    self.held.truncate(start);
                    self.held.extend_from_slice(&block);
                    self.held.extend_from_slice(text.as_bytes());
                    let end = self.held.len().next_multiple_of(BLOCK);
                    self.held.resize(end, 0);
                }
                self.send(out, State::Header);
            }
        }
    }
}

fn length(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// The name in a header.
fn name(block: &[u8]) -> Option<String> {
    let field = |bytes: &[u8]| {
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        std::str::from_utf8(text).ok().map(str::to_owned)
    };
    let prefix =
        if &block[257..263] == b"ustar\0" { field(&block[345..500])? } else { String::new() };
    Some(format!("{prefix}/{}", field(&block[..100])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut block = [0u8; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[156] = kind;
        let mut file = sealed(&block, content.len()).unwrap().to_vec();
        file.extend_from_slice(content);
        file.resize(file.len().next_multiple_of(BLOCK), 0);
        file
    }

    fn first(name: &str) -> Option<String> {
        Some(format!("ds01-alice/{name}"))
    }

    fn passed(dockerfile: &str, all: &[u8], step: usize) -> Vec<u8> {
        let images = vec!["ds01-alice/base:latest".to_owned(), "ds01-alice/base:2".to_owned()];
        let mut context = BuildContext::new(dockerfile, images);
        let mut out: Vec<u8> =
            all.chunks(step).flat_map(|part| context.pass(part, &first)).collect();
        out.extend(context.finish());
        out
    }

    const BEFORE: &[u8] = b"FROM base\nFROM base:2\nFROM base:3\nFROM python\n";
    const AFTER: &[u8] =
        b"FROM ds01-alice/base\nFROM ds01-alice/base:2\nFROM base:3\nFROM python\n";

    #[test]
    fn the_dockerfile_is_changed_and_nothing_else() {
        let large = vec![7; 1500];
        let files = |dockerfile: &[u8]| {
            let mut all = [
                entry("a/", b'5', b""),
                entry("a/Dockerfile", b'0', BEFORE),
                entry("x", b'x', b"11 mtime=1\n"),
                entry("Dockerfile", b'0', dockerfile),
                entry("large", b'0', &large),
            ]
            .concat();
            all.extend([0; 2 * BLOCK]);
            all
        };
        for step in [1, 511, 512, 700, 100_000] {
            for path in ["", "Dockerfile", "./Dockerfile"] {
                assert!(passed(path, &files(BEFORE), step) == files(AFTER), "{path} {step}");
            }
            assert!(passed("other", &files(BEFORE), step) == files(BEFORE), "{step}");
        }
        let long = |content: &[u8]| {
            [entry("x", b'x', b"14 path=d/long\n"), entry("cut", b'0', content)].concat()
        };
        assert!(passed("d/long", &long(BEFORE), 600) == long(AFTER));
        // A size in an extension is not rewritten, so what has one is not either.
        let sized = [entry("x", b'x', b"11 size=44\n"), entry("Dockerfile", b'0', BEFORE)].concat();
        assert!(passed("", &sized, 600) == sized);
    }

    proptest! {
        /// What is no archive, or is cut off, passes as it came.
        #[test]
        fn nothing_is_lost(
            bytes in proptest::collection::vec(any::<u8>(), 0..1500),
            files in 0..3usize, cut in 0..4000usize, step in 1..700usize
        ) {
            let mut all: Vec<u8> = (0..files).flat_map(|_| entry("Dockerfile", b'0', b"FROM python")).collect();
            all.extend(bytes);
            all.truncate(cut);
            prop_assert_eq!(passed("", &all, step), all);
        }
    }
}
