//! Bytes that nobody sends by accident: the door answers or closes, serves on, and nothing
//! of them reaches the daemon but what it would allow.

use std::io::{Read, Write};
use std::net::Shutdown;

use dfilter::Mode;

use crate::lab::{self, connect_as, request, uid};

/// A small generator: the same bytes in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }
}

const SEEDS: &[&str] = &[
    "GET /containers/json?all=1 HTTP/1.1\r\nHost: d\r\n\r\n",
    "GET /v1.41/containers/bob1/json HTTP/1.1\r\nHost: d\r\n\r\n",
    "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n{\"Image\":\"bb\",\"HostConfig\":{\"Privileged\":true}}",
    "POST /containers/bob1/start HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "DELETE /containers/%62ob1?force=1 HTTP/1.1\r\nHost: d\r\nConnection: keep-alive\r\n\r\n",
    "POST /exec/be/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}",
];

#[test]
fn mutated_requests_never_touch_what_is_foreign() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    for round in 0..600 {
        let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                1 => {
                    bytes.remove(at);
                }
                2 => bytes.insert(at, b"\r\n :/%?&{}\"0"[random.below(12)]),
                _ => {
                    let piece = bytes[at..(at + random.below(20)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        let mut stream = connect_as(&lab.socket, uid("alice"));
        // It may have answered and closed already.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        // A refusal may repeat what was asked; a list or a description has the name so.
        assert!(!text.contains("\"/bob1\""), "{:?}\n{text}", String::from_utf8_lossy(&bytes));
    }
    for seen in lab.log.lock().unwrap().iter() {
        let foreign =
            seen.target.contains("bob1") || seen.target.contains(&crate::daemon::id("b1"));
        let looks_up = seen.method == "GET" && seen.target.ends_with("/json");
        assert!(!foreign || looks_up, "{seen:?}");
        assert!(!String::from_utf8_lossy(&seen.body).contains("\"Privileged\":true"), "{seen:?}");
    }
    assert_eq!(request(&lab, "alice", "GET", "/version", "", b"").status, 200);
}

#[test]
fn smuggling_and_other_spellings_are_refused_before_the_daemon() {
    let Some(lab) = lab::start(lab::CONFIG, Mode::Enforce) else { return };
    for (status, bytes) in [
        (400, "GET /containers%2fjson HTTP/1.1\r\nHost: d\r\n\r\n"),
        (400, "GET //containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
        (400, "GET /v1.23/containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
        (
            400,
            "POST /containers/create HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        ),
        (
            400,
            "POST /containers/create HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        ),
        (400, "GET /containers/json?limit=1&limit=2 HTTP/1.1\r\nHost: d\r\n\r\n"),
        (403, "GET /containers/json?new=1 HTTP/1.1\r\nHost: d\r\n\r\n"),
        (403, "BREW /containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
        (
            415,
            "POST /containers/prune HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nfilters=x",
        ),
        (
            415,
            "POST /containers/create HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        ),
        (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (505, "GET /version HTTP/1.0\r\n\r\n"),
        (400, "POST /containers/alice1/start HTTP/1.1\r\nContent-Length: 12\r\n\r\n{\"Binds\":[]}"),
        (
            400,
            "POST /containers/create HTTP/1.1\r\nContent-Length: 25\r\n\r\n{\"Image\":\"a\",\"image\":\"b\"}",
        ),
        (
            403,
            "POST /containers/create HTTP/1.1\r\nContent-Length: 47\r\n\r\n{\"Image\":\"a\",\"Ho\u{17f}tConfig\":{\"Privileged\":true}}",
        ),
    ] {
        let mut stream = connect_as(&lab.socket, uid("alice"));
        let reply = lab::exchange(&mut stream, bytes.as_bytes());
        assert_eq!(reply.status, status, "{bytes:?}: {}", reply.text());
    }
    assert_eq!(lab.log.lock().unwrap().len(), 0, "{:?}", lab.log.lock().unwrap());
}
