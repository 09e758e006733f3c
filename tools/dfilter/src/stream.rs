//! A Unix connection, watched for what arrives. A socket of tokio's is watched for room too,
//! all the time: then each read of the other side wakes the door, once or twice a request,
//! for nothing. Here room is watched only while a write waits for it.
#![allow(unsafe_code)] // Reading into memory that nobody has filled before.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use nix::sys::socket::{MsgFlags, send};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;

/// More would be refused (IOV_MAX).
const MOST_PIECES: usize = 1024;

/// A connection.
#[derive(Debug)]
pub struct Stream {
    arrivals: AsyncFd<OwnedFd>,
    /// The same connection, watched for room, from the first write that waited.
    room: RefCell<Option<Rc<AsyncFd<OwnedFd>>>>,
}

impl Stream {
    pub async fn connect(socket: &Path) -> io::Result<Self> {
        // tokio knows how to wait for a listener whose queue is full.
        Self::new(UnixStream::connect(socket).await?.into_std()?.into())
    }

    /// From one that does not block.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { arrivals: watched(fd, Interest::READABLE)?, room: RefCell::default() })
    }

    /// One whose other side is gone.
    pub fn closed() -> io::Result<Self> {
        let (closed, _) = UnixStream::pair()?;
        Self::new(closed.into_std()?.into())
    }

    /// Waits for bytes and appends at most `most` of them; 0 at the end. Nothing is lost when
    /// it is cancelled, and no memory is taken before there are bytes.
    pub async fn read(&self, buf: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        loop {
            // A stream that waits keeps no buffer.
            let waits = self.arrivals.try_io(Interest::READABLE, |_| Ok(())).is_err();
            if waits && buf.is_empty() {
                *buf = Vec::new();
            }
            let mut guard = self.arrivals.readable().await?;
            buf.reserve(most);
            match receive(self, buf, most) {
                Ok(count) => {
                    // Fewer than were asked for: that was all. The end is never cleared.
                    if count < most {
                        guard.clear_ready();
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what is there; asks the kernel only where it has said that there is something.
    pub fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.arrivals.try_io(Interest::READABLE, |fd| {
            Ok(nix::sys::socket::recv(fd.as_raw_fd(), bytes, MsgFlags::empty())?)
        })
    }

    /// Does `work`, which reads, once there is something to read.
    pub async fn when_readable<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            let mut guard = self.arrivals.readable().await?;
            match work() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                done => return done,
            }
        }
    }

    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?)
    }

    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.when_room(|| self.try_write(bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Writes all the pieces, as one where the kernel takes them.
    pub async fn write_pieces(&self, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        while !pieces.is_empty() {
            let count = self.when_room(|| send_pieces(self, pieces)).await?;
            IoSlice::advance_slices(&mut pieces, count);
        }
        Ok(())
    }

    /// Does `work`, which writes; where it would block, again once there is room.
    pub async fn when_room<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        match work() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => return done,
        }
        let room = self.room()?;
        loop {
            let mut guard = room.writable().await?;
            match work() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                done => return done,
            }
        }
    }

    fn room(&self) -> io::Result<Rc<AsyncFd<OwnedFd>>> {
        let mut room = self.room.borrow_mut();
        if let Some(room) = &*room {
            return Ok(Rc::clone(room));
        }
        // A descriptor can be watched once, so it is one more of the same connection.
        let again = self.as_fd().try_clone_to_owned()?;
        Ok(Rc::clone(room.insert(Rc::new(watched(again, Interest::WRITABLE)?))))
    }

    fn poll_room(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&Self) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        match write(self) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
        let room = self.room()?;
        loop {
            let mut guard = ready!(room.poll_write_ready(cx))?;
            if let Ok(sent) = guard.try_io(|_| write(self)) {
                return Poll::Ready(sent);
            }
        }
    }

    /// Watches for room no longer: what flowed is over.
    pub fn rest(&self) {
        *self.room.borrow_mut() = None;
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.arrivals.get_ref().as_raw_fd()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrivals.get_ref().as_fd()
    }
}

fn watched(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is one open descriptor, the same until it is dropped, and here
    // nobody takes it out of its `AsyncFd`.
    Ok(unsafe { AsyncFd::register_with_interest(fd, interest) }?)
}

/// Appends what is there, at most `most` bytes, for which `buf` has made room.
fn receive(from: &Stream, buf: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let spare = buf.spare_capacity_mut();
    let most = most.min(spare.len());
    // SAFETY: the kernel writes at most `most` bytes, and there is room for so many.
    let count = unsafe { libc::recv(from.as_raw_fd(), spare.as_mut_ptr().cast(), most, 0) };
    let Ok(count) = usize::try_from(count) else { return Err(io::Error::last_os_error()) };
    // SAFETY: the kernel has filled the first `count` bytes behind the old length.
    unsafe { buf.set_len(buf.len() + count) };
    Ok(count)
}

/// writev(2) without the signal that a connection which is gone would raise.
fn send_pieces(to: &Stream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: all zeroes is a message header that names nothing.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    // The standard library promises that an `IoSlice` is an iovec.
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len().min(MOST_PIECES) as _;
    // SAFETY: the header names pieces that live through the call, which only reads them.
    let count = unsafe { libc::sendmsg(to.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.arrivals.poll_read_ready(cx))?;
            let read = guard.try_io(|fd| {
                let bytes = buf.initialize_unfilled();
                Ok(nix::sys::socket::recv(fd.as_raw_fd(), bytes, MsgFlags::empty())?)
            });
            if let Ok(read) = read {
                buf.advance(read?);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_room(cx, |stream| stream.try_write(bytes))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_room(cx, |stream| send_pieces(stream, pieces))
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        crate::wire::end_writing(&self);
        Poll::Ready(Ok(()))
    }
}
