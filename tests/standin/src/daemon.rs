//! The daemon: a thread for each connection, answers from prepared bytes.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use ds01_door::chunks::Chunks;

use crate::answers::Answers;

/// Docker copies files and output in pieces of this size.
const PIECE: usize = 32 << 10;
/// What an exec says.
const EXEC: u64 = 1 << 30;
/// Thousands of threads that do little.
const STACK: usize = 128 << 10;

type Shared = Arc<RwLock<Arc<Answers>>>;

/// Serves until the process ends. `user` owns one container in twenty.
///
/// `POST /standin/1000` makes it a host with so many containers.
pub fn serve(socket: &Path, user: &str) -> io::Result<()> {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666))?;
    let answers: Shared = Arc::new(RwLock::new(Arc::new(Answers::new(50, user))));
    for stream in listener.incoming() {
        let (answers, user) = (Arc::clone(&answers), user.to_owned());
        let stream = stream?;
        thread::Builder::new().stack_size(STACK).spawn(move || {
            // A client that goes in the middle is the usual end.
            let _ = Served { stream, buf: Vec::new(), answers, user }.all();
        })?;
    }
    Ok(())
}

struct Served {
    stream: UnixStream,
    buf: Vec<u8>,
    answers: Shared,
    user: String,
}

struct Asked {
    method: String,
    path: String,
    query: String,
    length: u64,
    chunked: bool,
    upgrade: bool,
}

impl Served {
    fn all(&mut self) -> io::Result<()> {
        while let Some(asked) = self.head()? {
            if !self.one(&asked)? {
                break;
            }
        }
        Ok(())
    }

    fn more(&mut self) -> io::Result<bool> {
        let mut piece = [0u8; 64 << 10];
        let count = self.stream.read(&mut piece)?;
        self.buf.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    }

    fn head(&mut self) -> io::Result<Option<Asked>> {
        let end = loop {
            if let Some(at) = self.buf.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.more()? {
                return Ok(None);
            }
        };
        let text = String::from_utf8_lossy(&self.buf[..end]).into_owned();
        self.buf.drain(..end + 4);
        let mut lines = text.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let method = first.next().unwrap_or_default().to_owned();
        let target = first.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut asked = Asked {
            method,
            path: unversioned(path).to_owned(),
            query: query.to_owned(),
            length: 0,
            chunked: false,
            upgrade: false,
        };
        for line in lines {
            let (key, value) = line.split_once(": ").unwrap_or_default();
            match key.to_ascii_lowercase().as_str() {
                "content-length" => asked.length = value.parse().unwrap_or(0),
                "transfer-encoding" => asked.chunked = true,
                "upgrade" => asked.upgrade = true,
                _ => {}
            }
        }
        Ok(Some(asked))
    }

    /// Takes the body, whatever its size; how much payload it was.
    fn body(&mut self, asked: &Asked) -> io::Result<u64> {
        let mut piece = vec![0u8; 256 << 10];
        let mut payload = 0;
        if asked.chunked {
            let mut chunks = Chunks::default();
            let mut read = |bytes: &[u8], chunks: &mut Chunks| {
                let taken = chunks.read(bytes, |data| payload += data.len() as u64);
                taken.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
            };
            let used = read(&self.buf, &mut chunks)?;
            self.buf.drain(..used);
            while !chunks.is_done() {
                let count = self.stream.read(&mut piece)?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let used = read(&piece[..count], &mut chunks)?;
                self.buf.extend_from_slice(&piece[used..count]);
            }
            return Ok(payload);
        }
        let first = usize::try_from(asked.length).unwrap_or(usize::MAX).min(self.buf.len());
        self.buf.drain(..first);
        let mut left = asked.length - first as u64;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let count = self.stream.read(&mut piece[..most])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= count as u64;
        }
        Ok(asked.length)
    }

    /// One request; whether another may follow.
    fn one(&mut self, asked: &Asked) -> io::Result<bool> {
        let payload = self.body(asked)?;
        let answers = self
            .answers
            .read()
            .map(|now| Arc::clone(&now))
            .unwrap_or_else(|now| Arc::clone(&now.into_inner()));
        let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        match (asked.method.as_str(), &parts[..]) {
            (_, ["_ping"]) => self.say("200 OK", "text/plain; charset=utf-8", b"OK")?,
            ("GET", ["containers", "json"]) => {
                let list = if asked.query.contains("label") { &answers.own } else { &answers.list };
                self.json("200 OK", list)?;
            }
            ("GET", ["containers", _, "json"]) => self.json("200 OK", &answers.inspect)?,
            ("GET", ["images", .., "json"]) => self.json("200 OK", &answers.image)?,
            ("POST", ["containers", "create"]) => self.json("201 Created", &answers.created)?,
            ("POST", ["containers", _, "exec"]) => self.json("201 Created", &answers.exec)?,
            ("GET", ["containers", _, "archive"]) => self.archive(number(&asked.query))?,
            ("PUT", ["containers", _, "archive"]) => {
                self.say("200 OK", "text/plain", payload.to_string().as_bytes())?;
            }
            ("GET", ["containers", _, "logs"]) => return self.logs(),
            ("GET", ["events"]) => return self.events(&answers.event),
            ("POST", ["exec", _, "start"]) => return self.raw(asked.upgrade, EXEC),
            ("POST", ["standin", count]) => {
                let new = Arc::new(Answers::new(count.parse().unwrap_or(50), &self.user));
                if let Ok(mut answers) = self.answers.write() {
                    *answers = new;
                }
                self.say("200 OK", "text/plain", b"")?;
            }
            _ => self.json("404 Not Found", b"{\"message\":\"page not found\"}\n")?,
        }
        Ok(true)
    }

    fn say(&mut self, status: &str, kind: &str, body: &[u8]) -> io::Result<()> {
        let mut bytes = head(status, kind, &format!("Content-Length: {}", body.len()));
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes)
    }

    /// As Go's server does it: short answers have a length, others come in chunks.
    fn json(&mut self, status: &str, body: &[u8]) -> io::Result<()> {
        if body.len() <= 2048 {
            return self.say(status, "application/json", body);
        }
        let mut bytes = head(status, "application/json", "Transfer-Encoding: chunked");
        bytes.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        self.stream.write_all(&bytes)
    }

    /// So many bytes in chunks, for `docker cp`.
    fn archive(&mut self, mut left: u64) -> io::Result<()> {
        self.stream.write_all(&head(
            "200 OK",
            "application/x-tar",
            "Transfer-Encoding: chunked",
        ))?;
        let mut piece = format!("{PIECE:x}\r\n").into_bytes();
        let front = piece.len();
        piece.resize(front + PIECE, 0);
        piece.extend_from_slice(b"\r\n");
        while left >= PIECE as u64 {
            self.stream.write_all(&piece)?;
            left -= PIECE as u64;
        }
        self.stream.write_all(b"0\r\n\r\n")
    }

    /// A raw stream of so many bytes, framed as the daemon frames an exec's output.
    fn raw(&mut self, upgrade: bool, mut left: u64) -> io::Result<bool> {
        let head: &[u8] = if upgrade {
            b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        } else {
            b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
        };
        self.stream.write_all(head)?;
        let mut piece = vec![1, 0, 0, 0];
        piece.extend_from_slice(&(PIECE as u32).to_be_bytes());
        piece.resize(8 + PIECE, b'x');
        while left >= PIECE as u64 {
            self.stream.write_all(&piece)?;
            left -= PIECE as u64;
        }
        Ok(false)
    }

    /// A line now and then, until the client goes.
    fn logs(&mut self) -> io::Result<bool> {
        self.stream.write_all(&head(
            "200 OK",
            "application/vnd.docker.raw-stream",
            "Transfer-Encoding: chunked",
        ))?;
        self.stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        loop {
            self.stream.write_all(b"d\r\n\x01\0\0\0\0\0\0\x05line\n\r\n")?;
            let mut byte = [0u8; 1];
            match self.stream.read(&mut byte) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// An event at once, then silence until the client goes.
    fn events(&mut self, event: &[u8]) -> io::Result<bool> {
        self.stream.write_all(&head("200 OK", "application/json", "Transfer-Encoding: chunked"))?;
        let mut chunk = format!("{:x}\r\n", event.len()).into_bytes();
        chunk.extend_from_slice(event);
        chunk.extend_from_slice(b"\r\n");
        self.stream.write_all(&chunk)?;
        let mut byte = [0u8; 1];
        while self.stream.read(&mut byte)? > 0 {}
        Ok(false)
    }
}

/// With the headers that every answer of Docker's has.
fn head(status: &str, kind: &str, framing: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nApi-Version: 1.41\r\nContent-Type: {kind}\r\nDocker-Experimental: false\r\n\
         Ostype: linux\r\nServer: Docker/20.10.24 (linux)\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\n{framing}\r\n\r\n"
    )
    .into_bytes()
}

fn unversioned(path: &str) -> &str {
    match path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])) {
        Some(rest) => rest,
        None => path,
    }
}

/// The digits of the query: how many bytes are wanted.
fn number(query: &str) -> u64 {
    let digits: String = query.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}
