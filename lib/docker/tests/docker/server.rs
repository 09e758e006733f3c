//! A server on a Unix socket that records requests and answers with raw bytes.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ds01_docker::Docker;

/// What the server does with one connection.
pub type Script = Box<dyn FnMut(&mut UnixStream) + Send>;

pub struct Server {
    _dir: tempfile::TempDir,
    pub socket: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

pub const VERSION: &str = r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;

/// An answer with its length.
pub fn answer(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Says `bytes` and hangs up.
pub fn says(bytes: impl Into<Vec<u8>>) -> Script {
    let bytes = bytes.into();
    Box::new(move |stream| {
        let _ = stream.write_all(&bytes);
    })
}

impl Server {
    /// Answers `/version` and the ping before it by itself, and every other connection by the
    /// next script.
    pub fn start(scripts: Vec<Script>) -> Self {
        Self::start_as(VERSION, scripts)
    }

    pub fn start_as(version: &'static str, scripts: Vec<Script>) -> Self {
        Self::start_pinged("", version, scripts)
    }

    /// The same, with a line more in the head of the ping's answer.
    pub fn start_pinged(ping: &'static str, version: &'static str, scripts: Vec<Script>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut scripts = scripts.into_iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                if request.starts_with("HEAD /_ping ") {
                    let head = format!("HTTP/1.1 200 OK\r\n{ping}Content-Length: 2\r\n\r\n");
                    stream.write_all(head.as_bytes()).unwrap();
                    continue;
                }
                if request.starts_with("GET /version ") {
                    stream.write_all(&answer("200 OK", version)).unwrap();
                    continue;
                }
                seen.lock().unwrap().push(request);
                if let Some(mut script) = scripts.next() {
                    script(&mut stream);
                }
                if scripts.len() == 0 {
                    return;
                }
            }
        });
        Self { _dir: dir, socket, requests }
    }

    pub fn docker(&self) -> Docker {
        Docker::at(&self.socket)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Head and body, as they came.
fn read_request(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}
