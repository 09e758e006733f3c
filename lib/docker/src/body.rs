//! Reading an answer: its head, and its body in either framing, never more than agreed.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read};

use crate::connect::Wire;

const LONGEST_HEAD: u64 = 64 << 10;
const MOST_HEADERS: usize = 100;
/// A chunk's size line, with whatever extension a proxy adds.
const LONGEST_SIZE_LINE: u64 = 4096;

/// Where in the body the reader is. Each step may be interrupted by silence and taken up
/// again, since events come when they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// This many bytes are left.
    Length(u64),
    /// Before the line with a chunk's size.
    ChunkSize,
    /// This many bytes are left of the chunk.
    Chunk(u64),
    /// Before the end of line behind a chunk.
    ChunkEnd,
    /// Behind the last chunk.
    Trailers,
    /// The body ends with the connection.
    Close,
    Done,
}

/// An answer whose head was read.
#[derive(Debug)]
pub(crate) struct Body {
    pub status: u16,
    /// The newest API version, where the answer says it.
    pub api: Option<String>,
    at: At,
    wire: BufReader<Wire>,
    /// The beginning of a line between chunks.
    line: Vec<u8>,
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

impl Body {
    /// Reads the head. `bodiless` is for answers to HEAD.
    pub fn begin(wire: Wire, bodiless: bool) -> Result<Self, Error> {
        let mut wire = BufReader::new(wire);
        loop {
            let head = read_head(&mut wire)?;
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut parsed = httparse::Response::new(&mut headers);
            match parsed.parse(&head) {
                Ok(httparse::Status::Complete(_)) => {}
                Ok(httparse::Status::Partial) => return Err(wrong("its head has no end")),
                Err(error) => return Err(wrong(&format!("its head is no HTTP: {error}"))),
            }
            let status = parsed.code.unwrap_or(0);
            // 100 and its like announce another head; 101 would end HTTP, and is not asked for.
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let bodiless = bodiless || matches!(status, 101 | 204 | 304);
            let at = if bodiless { At::Done } else { framing(parsed.headers)? };
            let api = parsed.headers.iter().find(|h| h.name.eq_ignore_ascii_case("Api-Version"));
            let api = api.map(|header| String::from_utf8_lossy(header.value).into_owned());
            return Ok(Self { status, api, at, wire, line: Vec::new() });
        }
    }

    /// The whole body, if it is no longer than `most`.
    pub fn whole(mut self, most: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        (&mut self).take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(Error::new(
                ErrorKind::FileTooLarge,
                "it is longer than any list of containers",
            ));
        }
        Ok(bytes)
    }

    pub fn wire(&mut self) -> &mut Wire {
        self.wire.get_mut()
    }

    /// The connection, and what was read of it beyond the head.
    pub fn raw(self) -> (Vec<u8>, Wire) {
        (self.wire.buffer().to_vec(), self.wire.into_inner())
    }

    /// One line between chunks, without its end.
    fn line(&mut self) -> Result<Vec<u8>, Error> {
        let room = LONGEST_SIZE_LINE.saturating_sub(self.line.len() as u64);
        (&mut self.wire).take(room).read_until(b'\n', &mut self.line)?;
        match self.line.strip_suffix(b"\n") {
            Some(line) => {
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.line.clear();
                Ok(line)
            }
            None if self.line.len() as u64 >= LONGEST_SIZE_LINE => {
                Err(wrong("a line between chunks has no end"))
            }
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// At most `most` bytes of the body into `into`; an end before them is no good end.
    fn part(&mut self, into: &mut [u8], most: u64) -> Result<u64, Error> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(into.len());
        match self.wire.read(&mut into[..most])? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => Ok(count as u64),
        }
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.at {
                At::Done => return Ok(0),
                At::Length(0) => self.at = At::Done,
                At::Chunk(0) => self.at = At::ChunkEnd,
                At::Length(left) => {
                    let count = self.part(into, left)?;
                    self.at = At::Length(left - count);
                    return Ok(count as usize);
                }
                At::Chunk(left) => {
                    let count = self.part(into, left)?;
                    self.at = At::Chunk(left - count);
                    return Ok(count as usize);
                }
                At::ChunkEnd => {
                    if !self.line()?.is_empty() {
                        return Err(wrong("a chunk is longer than it said"));
                    }
                    self.at = At::ChunkSize;
                }
                At::ChunkSize => {
                    self.at = match chunk_size(&self.line()?)? {
                        0 => At::Trailers,
                        size => At::Chunk(size),
                    };
                }
                At::Trailers => {
                    if self.line()?.is_empty() {
                        self.at = At::Done;
                    }
                }
                At::Close => {
                    let count = self.wire.read(into)?;
                    if count == 0 {
                        self.at = At::Done;
                    }
                    return Ok(count);
                }
            }
        }
    }
}

fn chunk_size(line: &[u8]) -> Result<u64, Error> {
    let text = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    std::str::from_utf8(text)
        .ok()
        // `from_str_radix` would take a sign.
        .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(|| wrong("the size of a chunk is no number"))
}

fn read_head(wire: &mut BufReader<Wire>) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    let mut limited = wire.take(LONGEST_HEAD);
    loop {
        let begin = head.len();
        if limited.read_until(b'\n', &mut head)? == 0 {
            return Err(match limited.limit() {
                0 => wrong("its head has no end"),
                _ => ErrorKind::UnexpectedEof.into(),
            });
        }
        if begin == 0 && !b"HTTP/".starts_with(&head[..head.len().min(5)]) {
            return Err(wrong("it does not speak HTTP"));
        }
        if matches!(&head[begin..], b"\n" | b"\r\n") {
            return Ok(head);
        }
    }
}

fn framing(headers: &[httparse::Header<'_>]) -> Result<At, Error> {
    let values = |name: &str| {
        headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.trim_ascii())
            .collect::<Vec<_>>()
    };
    let coding = values("Transfer-Encoding");
    if let [only] = coding[..] {
        if only.eq_ignore_ascii_case(b"chunked") {
            return Ok(At::ChunkSize);
        }
    }
    if !coding.is_empty() {
        return Err(wrong("it is coded in a way nobody asked for"));
    }
    let lengths = values("Content-Length");
    let Some(first) = lengths.first() else { return Ok(At::Close) };
    if lengths.iter().any(|length| length != first) {
        return Err(wrong("it has two lengths"));
    }
    std::str::from_utf8(first)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .map(At::Length)
        .ok_or_else(|| wrong("its length is no number"))
}
