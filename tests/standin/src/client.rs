//! A client: requests one after the other on one connection, answers read whole or counted.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use ds01_door::chunks::Chunks;
use ds01_door::http::{Framing, Response};

/// Far above what a busy machine adds to any answer.
const PATIENCE: Duration = Duration::from_secs(120);
const PIECE: usize = 256 << 10;

/// A connection.
#[derive(Debug)]
pub struct Client {
    pub stream: UnixStream,
    buf: Vec<u8>,
    piece: Vec<u8>,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    pub status: u16,
    /// Payload of its body.
    pub bytes: u64,
    /// Whether another request may follow.
    pub keep_alive: bool,
}

impl Client {
    pub fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buf: Vec::new(), piece: Vec::new() })
    }

    /// Sends a request that is there whole, and reads its answer to the end.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.ask_for(request, |_| {})
    }

    /// The same; the payload goes to `data`.
    pub fn ask_for(&mut self, request: &[u8], data: impl FnMut(&[u8])) -> io::Result<Reply> {
        self.stream.write_all(request)?;
        let method = if request.starts_with(b"HEAD") { "HEAD" } else { "GET" };
        self.reply(method, data)
    }

    pub fn reply(&mut self, method: &str, mut data: impl FnMut(&[u8])) -> io::Result<Reply> {
        let head = self.head(method)?;
        let mut bytes = 0;
        let mut take = |part: &[u8]| {
            bytes += part.len() as u64;
            data(part);
        };
        match head.framing {
            Framing::Length(mut left) => {
                while left > 0 {
                    if self.buf.is_empty() && !self.more()? {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    let part = usize::try_from(left).unwrap_or(usize::MAX).min(self.buf.len());
                    take(&self.buf[..part]);
                    self.buf.drain(..part);
                    left -= part as u64;
                }
            }
            Framing::Chunked => {
                let mut chunks = Chunks::default();
                while !chunks.is_done() {
                    if self.buf.is_empty() && !self.more()? {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    let used = chunks
                        .read(&self.buf, &mut take)
                        .map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
                    self.buf.drain(..used);
                }
            }
            Framing::Close => loop {
                take(&self.buf);
                self.buf.clear();
                if !self.more()? {
                    break;
                }
            },
        }
        let keep_alive = head.keep_alive && head.framing != Framing::Close;
        Ok(Reply { status: head.status, bytes, keep_alive })
    }

    /// The head of an answer alone: a stream follows.
    pub fn head(&mut self, method: &str) -> io::Result<Response> {
        loop {
            let parsed = Response::parse(&self.buf, method)
                .map_err(|denial| io::Error::new(ErrorKind::InvalidData, denial.message()))?;
            match parsed {
                Some((head, taken)) => {
                    self.buf.drain(..taken);
                    return Ok(head);
                }
                None if !self.more()? => return Err(ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        }
    }

    /// Waits for bytes of a stream; how many there were, 0 at its end.
    pub fn some(&mut self) -> io::Result<usize> {
        if self.buf.is_empty() {
            self.more()?;
        }
        let count = self.buf.len();
        self.buf.clear();
        Ok(count)
    }

    fn more(&mut self) -> io::Result<bool> {
        self.piece.resize(PIECE, 0);
        let count = self.stream.read(&mut self.piece)?;
        self.buf.extend_from_slice(&self.piece[..count]);
        // A thousand idle ones should not keep a thousand buffers.
        if count < PIECE / 8 {
            self.piece = Vec::new();
        }
        Ok(count > 0)
    }
}
