//! BuildKit behind `POST /grpc`: HTTP/2 ends here, on both sides, and every stream is a call
//! that is judged by its path and its message before anything of it reaches the daemon.

use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ds01_door::Who;
use h2::{client, server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::door::Door;
use crate::peer::Peer;
use crate::wire::Wire;

mod call;
mod pass;

/// Bytes on their way that one stream, and one connection, may have.
const STREAM: u32 = 256 << 10;
const CONNECTION: u32 = 1 << 20;
/// Calls of one client at once. A build has a handful.
const MOST_STREAMS: u32 = 100;
/// What a call's metadata may come to.
const LARGEST_HEAD: u32 = 64 << 10;
/// How long answers may take to reach the client once the daemon is gone.
const LINGER: Duration = Duration::from_secs(5);

/// Whose calls these are.
pub struct Caller {
    pub door: Rc<Door>,
    pub peer: Peer,
    pub who: Who,
    /// Held while a message is read whole, so that one client's are in memory one by one.
    pub reading: Mutex<()>,
}

impl Caller {
    pub fn new(door: Rc<Door>, peer: Peer, who: Who) -> Self {
        Self { door, peer, who, reading: Mutex::default() }
    }
}

/// Serves a connection that both sides have turned to HTTP/2, until either is done.
pub async fn serve(caller: Caller, client: Wire, daemon: Wire) {
    let server = server::Builder::new()
        .initial_window_size(STREAM)
        .initial_connection_window_size(CONNECTION)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD)
        .max_send_buffer_size(STREAM as usize)
        .handshake::<_, Bytes>(Io(client));
    let upstream = client::Builder::new()
        .initial_window_size(STREAM)
        .initial_connection_window_size(CONNECTION)
        .max_header_list_size(LARGEST_HEAD)
        .enable_push(false)
        .handshake::<_, Bytes>(Io(daemon));
    // A client that says nothing keeps what an idle connection keeps.
    let Ok((mut server, (upstream, link))) = tokio::try_join!(server, upstream) else { return };
    let caller = Rc::new(caller);
    // Dropped with this connection, and each call's streams with it: the daemon sees every
    // one of a gone client's end.
    let mut calls = JoinSet::new();
    let mut link = pin!(link);
    loop {
        tokio::select! {
            accepted = server.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let call = call::serve(Rc::clone(&caller), upstream.clone(), request, respond);
                    calls.spawn_local(call);
                }
                Some(Err(_)) | None => return,
            },
            _ = &mut link => break,
            Some(_) = calls.join_next(), if !calls.is_empty() => {}
        }
    }
    // The daemon is gone: what is under way is told so, and nothing more is taken.
    server.graceful_shutdown();
    let told = async { while let Some(Ok(_)) = server.accept().await {} };
    let _ = timeout(LINGER, told).await;
}

/// A connection with what was read from it already.
struct Io(Wire);

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.buf.is_empty() {
            return Pin::new(&mut self.0.stream).poll_read(context, into);
        }
        let count = self.0.buf.len().min(into.remaining());
        into.put_slice(&self.0.buf[..count]);
        self.0.used(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.stream).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stream).poll_shutdown(context)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.stream).poll_write_vectored(context, pieces)
    }
    fn is_write_vectored(&self) -> bool {
        self.0.stream.is_write_vectored()
    }
}
