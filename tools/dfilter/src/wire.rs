//! Bytes between two sockets. Buffers are there only while bytes are: an idle connection
//! keeps none.

use std::io::{self, ErrorKind, IoSlice};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::time::Duration;

use ds01_door::chunks::Chunks;
use ds01_door::http::Framing;
use nix::sys::socket::{Shutdown, shutdown};

use crate::splice;
use crate::stream::Stream;

/// One read where little is expected: most requests and answers are far shorter. malloc puts
/// its heap in order whenever 64 KiB are given back.
const PIECE: usize = 16 << 10;
/// One read of a body that passes: what the sender's socket holds.
const BULK: usize = 256 << 10;
/// How long the other half of a raw stream may outlive the daemon's.
const LINGER: Duration = Duration::from_secs(60);

/// A connection and what was read from it but not used.
#[derive(Debug)]
pub struct Wire {
    pub stream: Stream,
    pub buf: Vec<u8>,
}

impl Wire {
    pub fn new(stream: Stream) -> Self {
        Self { stream, buf: Vec::new() }
    }
    /// Gives the connection away; what is left behind is closed.
    pub fn take(&mut self) -> io::Result<Self> {
        let stream = std::mem::replace(&mut self.stream, Stream::closed()?);
        Ok(Self { stream, buf: std::mem::take(&mut self.buf) })
    }
    pub async fn fill(&mut self) -> io::Result<usize> {
        read_some(&self.stream, &mut self.buf).await
    }
    pub async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        write_all(&self.stream, bytes).await
    }
    /// Takes `count` bytes off the front, and gives the memory back when nothing is left.
    pub fn used(&mut self, count: usize) {
        consume(&mut self.buf, count);
    }
}

pub fn consume(buf: &mut Vec<u8>, count: usize) {
    if count >= buf.len() {
        *buf = Vec::new();
    } else {
        buf.drain(..count);
    }
}

/// Waits for bytes and appends them; 0 at the end. Nothing is lost when it is cancelled.
pub async fn read_some(stream: &Stream, buf: &mut Vec<u8>) -> io::Result<usize> {
    stream.read(buf, PIECE).await
}

pub async fn write_all(stream: &Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await
}

/// Says that nothing more will be written; the other direction goes on.
pub fn end_writing(stream: &Stream) {
    // A peer that is gone has no half left to close.
    let _ = shutdown(stream.as_raw_fd(), Shutdown::Write);
}

/// A body being read: pieces of payload until it ends.
#[derive(Debug)]
pub enum Source {
    Length(u64),
    Chunked(Chunks),
    Close { ended: bool },
}

impl Source {
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunks::default()),
            Framing::Close => Self::Close { ended: false },
        }
    }

    pub fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.is_done(),
            Self::Close { ended } => *ended,
        }
    }

    /// The next piece of payload; empty only at the end.
    pub async fn next(&mut self, stream: &Stream, buf: &mut Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.is_empty() && !self.is_done() {
            if buf.is_empty() && read_some(stream, buf).await? == 0 {
                match self {
                    Self::Close { ended } => *ended = true,
                    _ => return Err(ErrorKind::UnexpectedEof.into()),
                }
                break;
            }
            let used = self.read(buf, |data| out.extend_from_slice(data))?;
            consume(buf, used);
        }
        Ok(out)
    }

    fn read(&mut self, bytes: &[u8], mut data: impl FnMut(&[u8])) -> io::Result<usize> {
        match self {
            Self::Length(left) => {
                let part = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                data(&bytes[..part]);
                *left -= part as u64;
                Ok(part)
            }
            Self::Chunked(chunks) => {
                chunks.read(bytes, data).map_err(|why| io::Error::new(ErrorKind::InvalidData, why))
            }
            Self::Close { .. } => {
                data(bytes);
                Ok(bytes.len())
            }
        }
    }

    /// Passes the rest on as it comes, framing included, behind the head of the message. What
    /// is there already goes with the head, in one write: each write wakes its reader.
    pub async fn pass(
        &mut self,
        head: &[u8],
        from: &Stream,
        buf: &mut Vec<u8>,
        to: &Stream,
    ) -> io::Result<()> {
        let used = self.read(buf, |_| {})?;
        to.write_pieces(&mut [IoSlice::new(head), IoSlice::new(&buf[..used])]).await?;
        consume(buf, used);
        while !self.is_done() {
            if buf.is_empty() && from.read(buf, BULK).await? == 0 {
                match self {
                    Self::Close { ended } => *ended = true,
                    _ => return Err(ErrorKind::UnexpectedEof.into()),
                }
                break;
            }
            let used = self.read(buf, |_| {})?;
            to.write_all(&buf[..used]).await?;
            // The memory stays while bytes flow; waiting for more gives it back.
            buf.drain(..used);
        }
        consume(buf, 0);
        Ok(())
    }

    /// The next payload as it lies in `buf`, in pieces, and how many bytes it takes with its
    /// framing; nothing only at the end.
    pub async fn ahead(
        &mut self,
        stream: &Stream,
        buf: &mut Vec<u8>,
    ) -> io::Result<(Vec<Range<usize>>, usize)> {
        let mut pieces = Vec::new();
        while pieces.is_empty() && !self.is_done() {
            if buf.is_empty() && stream.read(buf, BULK).await? == 0 {
                match self {
                    Self::Close { ended } => *ended = true,
                    _ => return Err(ErrorKind::UnexpectedEof.into()),
                }
                break;
            }
            let front = buf.as_ptr() as usize;
            let used = self.read(buf, |data| {
                let start = data.as_ptr() as usize - front;
                pieces.push(start..start + data.len());
            })?;
            if !pieces.is_empty() {
                return Ok((pieces, used));
            }
            consume(buf, used);
        }
        Ok((pieces, 0))
    }

    /// All of the payload, if it is no more than `most`.
    pub async fn whole(
        &mut self,
        stream: &Stream,
        buf: &mut Vec<u8>,
        most: usize,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut all = Vec::new();
        while !self.is_done() {
            let (pieces, used) = self.ahead(stream, buf).await?;
            for piece in pieces {
                all.extend_from_slice(&buf[piece]);
            }
            consume(buf, used);
            if all.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(all))
    }
}

/// One piece in the chunked coding.
pub fn chunk(piece: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
    bytes.extend_from_slice(piece);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The end of a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A raw stream in both directions, each half ending on its own.
pub async fn tunnel(client: &mut Wire, daemon: &mut Wire) {
    let up = one_way(&client.stream, std::mem::take(&mut client.buf), &daemon.stream);
    let down = one_way(&daemon.stream, std::mem::take(&mut daemon.buf), &client.stream);
    tokio::pin!(up, down);
    tokio::select! {
        _ = &mut up => down.await,
        () = &mut down => {
            // The daemon has closed; what a client does not read or end by itself must not
            // keep the connection for ever.
            let _ = tokio::time::timeout(LINGER, up).await;
        }
    }
}

async fn one_way(from: &Stream, mut buf: Vec<u8>, to: &Stream) {
    loop {
        if !buf.is_empty() && write_all(to, &buf).await.is_err() {
            // Nobody takes what comes from there, so nothing more is wanted from it.
            let _ = shutdown(from.as_raw_fd(), Shutdown::Read);
            break;
        }
        if buf.len() >= PIECE {
            // Much is coming.
            drop(buf);
            if splice::flow(from, to).await.is_err() {
                let _ = shutdown(from.as_raw_fd(), Shutdown::Read);
            }
            break;
        }
        // The buffer goes while the stream is idle.
        buf = Vec::new();
        match from.read(&mut buf, PIECE).await {
            Ok(count) if count > 0 => {}
            _ => break,
        }
    }
    end_writing(to);
}
