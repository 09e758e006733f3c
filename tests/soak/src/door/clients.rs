//! The clients: each a thread that is somebody else.

use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ds01_standin::{Client, as_user, container_id};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use crate::random::Random;

/// There on every machine, and nobody's admin.
pub const USER: &str = "nobody";
const UID: u32 = 65534;

/// What all clients count, and what tells them to end.
#[derive(Debug, Default)]
pub struct Count {
    pub end: AtomicBool,
    pub answered: AtomicU64,
    /// Answered with 502 while the daemon was away.
    pub without_daemon: AtomicU64,
    pub killed: AtomicU64,
    pub lines: AtomicU64,
    /// One more when the daemon goes, and when it is back: odd while it is away.
    pub turns: AtomicU64,
    /// The longest that anybody waited for an answer, in ms.
    pub longest: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Count {
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.lock().map(|wrong| wrong.clone()).unwrap_or_default()
    }
    fn ends(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }
    fn note(&self, what: String) {
        if let Ok(mut wrong) = self.wrong.lock()
            && wrong.len() < 20
        {
            wrong.push(what);
        }
    }
}

fn get(path: &str) -> Vec<u8> {
    format!("GET /v1.41{path} HTTP/1.1\r\nHost: docker\r\n\r\n").into_bytes()
}

fn requests() -> Vec<Vec<u8>> {
    let id = container_id(0);
    let create = r#"{"Image":"pytorch:2.5","HostConfig":{"NetworkMode":"default"}}"#;
    vec![
        get("/_ping"),
        get(&format!("/containers/{id}/json")),
        get(&format!("/containers/job0._.{USER}/json")),
        get("/containers/json?all=1"),
        format!(
            "POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{create}",
            create.len()
        )
        .into_bytes(),
    ]
}

/// Asks on a connection of its own, again and again, until told to end. Whoever connects is
/// answered: anything else is noted.
pub fn asks(socket: &Path, count: &Arc<Count>, seed: u64) -> JoinHandle<()> {
    let (socket, count) = (socket.to_owned(), Arc::clone(count));
    as_user(UID, move || {
        let (requests, mut random) = (requests(), Random(seed));
        while !count.ends() {
            let request = &requests[random.below(requests.len() as u64) as usize];
            let before = count.turns.load(Ordering::SeqCst);
            let begun = Instant::now();
            let asked = Client::connect(&socket).and_then(|mut client| client.ask(request));
            let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            count.longest.fetch_max(took, Ordering::Relaxed);
            // At any time between the question and the answer.
            let away = before % 2 == 1 || before != count.turns.load(Ordering::SeqCst);
            match asked {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    count.answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(reply) if reply.status == 502 && away => {
                    count.without_daemon.fetch_add(1, Ordering::Relaxed);
                }
                // Its daemon was killed in the middle of an answer.
                Err(error) if away && is_end(&error) => {
                    count.without_daemon.fetch_add(1, Ordering::Relaxed);
                }
                other => {
                    let request = String::from_utf8_lossy(&request[..request.len().min(60)]);
                    count.note(format!("{request:?}: {other:?}"));
                }
            }
        }
    })
}

fn is_end(error: &io::Error) -> bool {
    let ends = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    ends.contains(&error.kind())
}

/// Begins something and is gone in the middle of it, again and again.
pub fn dies(socket: &Path, count: &Arc<Count>, seed: u64) -> JoinHandle<()> {
    let (socket, count) = (socket.to_owned(), Arc::clone(count));
    as_user(UID, move || {
        let mut random = Random(seed);
        while !count.ends() {
            if let Err(error) = die(&socket, random.below(6))
                && !is_end(&error)
            {
                count.note(format!("a client that dies: {error}"));
            }
            count.killed.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(random.below(20)));
        }
    })
}

fn die(socket: &Path, how: u64) -> io::Result<()> {
    let mut client = Client::connect(socket)?;
    let id = container_id(0);
    match how {
        // In the head.
        0 => client.stream.write_all(b"GET /v1.41/containers/js"),
        // Before the answer.
        1 => client.stream.write_all(&get("/containers/json?all=1")),
        // In a download.
        2 => {
            client.stream.write_all(&get(&format!("/containers/{id}/archive?path=104857600")))?;
            client.some().map(drop)
        }
        // In an upload.
        3 => {
            let head = format!(
                "PUT /v1.41/containers/{id}/archive?path=/tmp HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n"
            );
            client.stream.write_all(head.as_bytes())?;
            client.stream.write_all(&[0; 20_000])
        }
        // In a raw stream.
        4 => {
            let ask = format!(
                "POST /v1.41/containers/{id}/exec HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{{\"Cmd\":[\"yes\"]}}"
            );
            client.ask(ask.as_bytes())?;
            let ask = format!(
                "POST /v1.41/exec/{}/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
                container_id(9)
            );
            client.stream.write_all(ask.as_bytes())?;
            client.some().map(drop)
        }
        // With half of it closed.
        _ => {
            client.stream.write_all(&get("/events"))?;
            client.stream.shutdown(Shutdown::Write)
        }
    }
}

/// Connections that have asked once and wait.
pub fn idle(socket: &Path, many: usize) -> io::Result<Vec<Client>> {
    let socket = socket.to_owned();
    let held = as_user(UID, move || {
        let mut held = Vec::with_capacity(many);
        for _ in 0..many {
            let mut client = Client::connect(&socket)?;
            client.ask(&get(&format!("/containers/{}/json", container_id(0))))?;
            held.push(client);
        }
        io::Result::Ok(held)
    });
    held.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
}

/// Follows so many logs at once, each taken up again where it breaks off.
pub fn follows(socket: PathBuf, many: usize, count: &Arc<Count>) -> JoinHandle<()> {
    let count = Arc::clone(count);
    as_user(UID, move || {
        let open = || {
            let mut client = Client::connect(&socket)?;
            let path = format!("/containers/{}/logs?follow=1&stdout=1", container_id(0));
            client.stream.write_all(&get(&path))?;
            io::Result::Ok(client)
        };
        let mut all: Vec<Client> = Vec::new();
        while !count.ends() {
            while all.len() < many {
                match open() {
                    Ok(client) => all.push(client),
                    Err(error) => {
                        count.note(format!("a follower of logs: {error}"));
                        return;
                    }
                }
            }
            let mut watched: Vec<PollFd> =
                all.iter().map(|c| PollFd::new(c.stream.as_fd(), PollFlags::POLLIN)).collect();
            let _ = poll(&mut watched, PollTimeout::from(200u8));
            let ready: Vec<bool> = watched.iter().map(|w| w.any().unwrap_or(false)).collect();
            let mut at = 0;
            all.retain_mut(|client| {
                at += 1;
                if !ready[at - 1] {
                    return true;
                }
                count.lines.fetch_add(1, Ordering::Relaxed);
                client.some().is_ok_and(|bytes| bytes > 0)
            });
        }
    })
}
