//! The daemon behind the door: one connection for each client's, opened when it is needed.

use std::io::{self, ErrorKind};
use std::path::Path;

use ds01_door::Denial;
use ds01_door::http::{Framing, Response};

use crate::stream::Stream;
use crate::wire::{Source, Wire, consume, read_some};

/// The largest answer that is read whole, to be filtered.
const LARGEST: usize = 256 << 20;

/// The connection to the daemon, if it is open.
#[derive(Debug, Default)]
pub struct Daemon(Option<Wire>);

/// An answer, read whole.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
}

/// What the client is told while the daemon does not answer.
pub fn gone(error: &io::Error) -> Denial {
    Denial::new(502, "daemon.gone", "the Docker daemon does not answer")
        .why(in_words(error))
        .todo("try again in a moment; if it stays so, tell an admin (systemctl status docker)")
}

/// For somebody who knows neither sockets nor their errors.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => "it is not running".into(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "it stopped in the middle of its answer".into()
        }
        _ => error.to_string(),
    }
}

impl Daemon {
    /// An open connection. One that the daemon closed in the meantime is opened again.
    pub async fn wire(&mut self, socket: &Path) -> Result<&mut Wire, Denial> {
        let stale = self.0.as_ref().is_some_and(|wire| {
            // An idle daemon has nothing to say: bytes or the end mean that it is over.
            let mut byte = [0u8; 1];
            let quiet = wire
                .stream
                .try_read(&mut byte)
                .is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            !quiet || !wire.buf.is_empty()
        });
        if stale {
            self.0 = None;
        }
        let open = match self.0.take() {
            Some(open) => open,
            None => Wire::new(Stream::connect(socket).await.map_err(|error| gone(&error))?),
        };
        Ok(self.0.insert(open))
    }

    /// The open connection, to be used up.
    pub fn take(&mut self) -> Option<Wire> {
        self.0.take()
    }

    /// Closes the connection; the next request opens another.
    pub fn close(&mut self) {
        self.0 = None;
    }

    pub async fn get(&mut self, socket: &Path, path: &str) -> Result<Answered, Denial> {
        self.ask(socket, "GET", path, None).await
    }

    /// A request of our own, its answer read whole.
    pub async fn ask(
        &mut self,
        socket: &Path,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Answered, Denial> {
        let answered = self.try_ask(socket, method, path, body).await;
        if answered.is_err() {
            self.close();
        }
        answered
    }

    async fn try_ask(
        &mut self,
        socket: &Path,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Answered, Denial> {
        let wire = self.wire(socket).await?;
        let headers = match body {
            Some(_) => vec![("Content-Type".to_owned(), "application/json".to_owned())],
            None => Vec::new(),
        };
        let body = body.unwrap_or_default();
        let mut bytes = head(method, path, &headers, Framing::Length(body.len() as u64), None);
        bytes.extend_from_slice(body);
        wire.write(&bytes).await.map_err(|error| gone(&error))?;
        let Wire { stream, buf } = wire;
        let response = read_head(stream, buf, method).await?;
        let body = read_whole(stream, buf, &response).await?;
        if !response.keep_alive || response.framing == Framing::Close {
            self.close();
        }
        Ok(Answered { status: response.status, body })
    }
}

/// Few heads are longer.
pub const USUAL: usize = 512;

/// A line of a head.
pub fn line(text: &mut String, key: &str, value: &str) {
    for part in [key, ": ", value, "\r\n"] {
        text.push_str(part);
    }
}

/// The head of a request to the daemon.
pub fn head(
    method: &str,
    path: &str,
    headers: &[(String, String)],
    framing: Framing,
    upgrade: Option<&str>,
) -> Vec<u8> {
    let mut text = String::with_capacity(USUAL);
    for part in [method, " ", path, " HTTP/1.1\r\n"] {
        text.push_str(part);
    }
    line(&mut text, "Host", "docker");
    for (key, value) in headers {
        line(&mut text, key, value);
    }
    if let Some(protocol) = upgrade {
        text += &format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n");
    }
    match framing {
        Framing::Chunked => text += "Transfer-Encoding: chunked\r\n",
        // GET and HEAD without a body say nothing of its length.
        Framing::Length(0) if matches!(method, "GET" | "HEAD" | "DELETE") => {}
        Framing::Length(length) => text += &format!("Content-Length: {length}\r\n"),
        Framing::Close => {}
    }
    text += "\r\n";
    text.into_bytes()
}

/// Reads the head of an answer, interim ones skipped.
pub async fn read_head(
    stream: &Stream,
    buf: &mut Vec<u8>,
    method: &str,
) -> Result<Response, Denial> {
    loop {
        if let Some((response, taken)) = Response::parse(buf, method)? {
            consume(buf, taken);
            if response.status >= 200 || response.status == 101 {
                return Ok(response);
            }
            continue;
        }
        if read_some(stream, buf).await.map_err(|error| gone(&error))? == 0 {
            return Err(gone(&ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Reads the body of an answer.
pub async fn read_whole(
    stream: &Stream,
    buf: &mut Vec<u8>,
    response: &Response,
) -> Result<Vec<u8>, Denial> {
    let mut source = Source::new(response.framing);
    source.whole(stream, buf, LARGEST).await.map_err(|error| gone(&error))?.ok_or_else(|| {
        Denial::new(502, "daemon.answer", "the daemon's answer is too large to filter")
    })
}
