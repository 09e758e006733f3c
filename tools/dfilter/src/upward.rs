//! A request on its way to the daemon, and its client watched until the answer is there.

use std::cell::Cell;
use std::future::pending;
use std::io::{self, IoSlice};

use ds01_door::{Denial, Who, Words};

use crate::passing::{Passing, Sent};
use crate::stream::Stream;
use crate::wire::{self, LAST_CHUNK, chunk, read_some, write_all};

/// What a client sends while its answer comes is kept up to here, for the next request.
const AHEAD: usize = 64 << 10;

/// How far the way up has come.
#[derive(Debug, Default)]
pub struct Progress {
    pub sent: Cell<bool>,
    /// The client has ended its half, and so have we towards the daemon.
    pub ended: Cell<bool>,
}

/// Why the way up broke off.
pub enum Up {
    Client(io::Error),
    Daemon,
    /// What passes must not pass on.
    Denied(Denial),
}

/// For whom a body passes, and whether its client is watched behind it.
pub struct Judge<'a> {
    pub who: &'a Who,
    pub words: &'a Words,
    pub unwatched: bool,
}

/// Sends the request, then watches the client: when it goes, the daemon must notice.
pub async fn upward(
    client: &Stream,
    buf: &mut Vec<u8>,
    sent: Sent,
    daemon: &Stream,
    judge: Judge<'_>,
    progress: &Progress,
) -> Up {
    let Sent { mut head, first, mut rest, chunked, mut passing } = sent;
    match (chunked, first.is_empty()) {
        (_, true) => {}
        (true, false) => head.extend(chunk(&first)),
        (false, false) => head.extend(first),
    }
    if write_all(daemon, &head).await.is_err() {
        return Up::Daemon;
    }
    drop(head);
    while !rest.is_done() {
        let (pieces, used) = match rest.ahead(client, buf).await {
            Ok(ahead) => ahead,
            // Half a body must not look like a whole one: the caller closes both.
            Err(error) => return Up::Client(error),
        };
        if let Some(passing) = &mut passing {
            for piece in pieces {
                for part in buf[piece].chunks(passing.piece()) {
                    match passing.pass(part, judge.who, judge.words) {
                        Ok(out) if out.is_empty() => {}
                        Ok(out) if write_all(daemon, &chunk(&out)).await.is_ok() => {}
                        Ok(_) => return Up::Daemon,
                        Err(denial) => return Up::Denied(denial),
                    }
                }
            }
            wire::consume(buf, used);
            continue;
        }
        let length: usize = pieces.iter().map(ExactSizeIterator::len).sum();
        let size = format!("{length:x}\r\n");
        let mut bytes: Vec<IoSlice> =
            pieces.into_iter().map(|piece| IoSlice::new(&buf[piece])).collect();
        if chunked && length > 0 {
            bytes.insert(0, IoSlice::new(size.as_bytes()));
            bytes.push(IoSlice::new(b"\r\n"));
        }
        if daemon.write_pieces(&mut bytes).await.is_err() {
            return Up::Daemon;
        }
        buf.drain(..used);
    }
    wire::consume(buf, 0);
    let left = passing.as_mut().map(Passing::finish).unwrap_or_default();
    if !left.is_empty() && write_all(daemon, &chunk(&left)).await.is_err() {
        return Up::Daemon;
    }
    if chunked && write_all(daemon, LAST_CHUNK).await.is_err() {
        return Up::Daemon;
    }
    progress.sent.set(true);
    // What comes behind a request that may become a raw stream belongs to the stream.
    while !judge.unwatched && buf.len() < AHEAD {
        match read_some(client, buf).await {
            Ok(0) if buf.is_empty() => {
                progress.ended.set(true);
                wire::end_writing(daemon);
                break;
            }
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Up::Client(error),
        }
    }
    pending().await
}
