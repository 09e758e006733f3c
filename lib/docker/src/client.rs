//! Requests.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use ds01_fault::Fault;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::body::Body;
use crate::connect::{Wire, socket_path};
use crate::fault::{broken, garbled, no_connection, refused};
use crate::version::{Api, Engine};

/// Longer than a daemon under load takes for a list, short enough for a timer's next run.
const PATIENCE: Duration = Duration::from_secs(30);
/// A thousand containers inspected are some 10 MB.
const LONGEST_ANSWER: u64 = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

impl Method {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A daemon at a socket. Cloning it is cheap; nothing is connected until something is asked.
#[derive(Clone, Debug)]
pub struct Docker {
    socket: PathBuf,
    patience: Duration,
    engine: OnceLock<Engine>,
    api: OnceLock<Api>,
}

/// What the daemon answered, be it yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    request: String,
    socket: PathBuf,
}

impl Docker {
    /// The daemon of this machine: what `DOCKER_HOST` names, else the daemon's own socket
    /// behind the door for root, else the usual one.
    pub fn from_env() -> Result<Self, Fault> {
        Ok(Self::at(socket_path()?))
    }

    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            patience: PATIENCE,
            engine: OnceLock::new(),
            api: OnceLock::new(),
        }
    }

    /// How long one request may take, all in all; half a minute unless set.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Which engine this is; asked once.
    pub fn engine(&self) -> Result<&Engine, Fault> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let body = self.begin(Method::Get, "/version", None)?;
        let answer = self.whole(body, "GET /version".into())?.ok()?;
        let engine = Engine::read(&answer.json()?, &self.socket)?;
        Ok(self.engine.get_or_init(|| engine))
    }

    /// The version that requests name. A daemon that is no newer than this client says its own
    /// in answer to a ping; to describe itself it runs two programs, which takes ten times as
    /// long as a list of containers.
    fn spoken(&self) -> Result<Api, Fault> {
        if let Some(known) = self.engine.get().map(Engine::spoken).or(self.api.get().copied()) {
            return Ok(known);
        }
        let ping = self.begin(Method::Head, "/_ping", None)?;
        let said = ping.api.filter(|_| ping.status == 200);
        match said.as_deref().and_then(Api::known) {
            Some(api) => Ok(*self.api.get_or_init(|| api)),
            None => Ok(self.engine()?.spoken()),
        }
    }

    /// What `GET` gives, as `T`; a refusal is a fault.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Fault> {
        self.send(Method::Get, path, query, None)?.ok()?.json()
    }

    /// A `POST`; a refusal is a fault.
    pub fn post(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, Fault> {
        self.send(Method::Post, path, query, body)?.ok()
    }

    /// A `POST` of what stands beside Docker's API and so has no version of it; the answer as
    /// it is. Asks the daemon nothing.
    pub fn post_beside(&self, path: &[&str], body: &Value) -> Result<Answer, Fault> {
        let mut target = String::new();
        for part in path {
            target.push('/');
            encode(part, &mut target);
        }
        let answer = self.begin(Method::Post, &target, Some(body))?;
        self.whole(answer, format!("POST {target}"))
    }

    /// Any request. The parts of `path` are encoded, so a name cannot become another route.
    pub fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, Fault> {
        let target = self.target(path, query)?;
        let answer = self.begin(method, &target, body)?;
        self.whole(answer, format!("{} {target}", method.word()))
    }

    pub(crate) fn target(&self, path: &[&str], query: &[(&str, &str)]) -> Result<String, Fault> {
        let mut target = format!("/v{}", self.spoken()?);
        for part in path {
            target.push('/');
            encode(part, &mut target);
        }
        for (n, (key, value)) in query.iter().enumerate() {
            target.push(if n == 0 { '?' } else { '&' });
            encode(key, &mut target);
            target.push('=');
            encode(value, &mut target);
        }
        Ok(target)
    }

    /// Sends a request and reads the head of its answer.
    pub(crate) fn begin(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Body, Fault> {
        let body = body.map(Value::to_string);
        let body = body.as_ref().map(|body| ("application/json", body.as_bytes()));
        self.begin_with(method, target, body, "Connection: close\r\n")
    }

    /// The same with bytes of any kind and other words about the connection.
    pub(crate) fn begin_with(
        &self,
        method: Method,
        target: &str,
        body: Option<(&str, &[u8])>,
        connection: &str,
    ) -> Result<Body, Fault> {
        let mut wire = Wire::open(&self.socket, self.patience)
            .map_err(|error| no_connection(&self.socket, &error))?;
        let mut request = format!(
            "{} {target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: ds01/{}\r\n{connection}",
            method.word(),
            env!("CARGO_PKG_VERSION"),
        );
        match body {
            Some((kind, body)) => {
                request +=
                    &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
            }
            None if method == Method::Post || method == Method::Put => {
                request += "Content-Length: 0\r\n\r\n";
            }
            None => request += "\r\n",
        }
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body.map_or(&[], |(_, body)| body));
        wire.write_all(&bytes)
            .and_then(|()| Body::begin(wire, method == Method::Head))
            .map_err(|error| broken(&self.socket, &error))
    }

    pub(crate) fn whole(&self, body: Body, request: String) -> Result<Answer, Fault> {
        let status = body.status;
        let body = body.whole(LONGEST_ANSWER).map_err(|error| broken(&self.socket, &error))?;
        Ok(Answer { status, body, request, socket: self.socket.clone() })
    }
}

impl Answer {
    /// The answer, unless it is a refusal.
    pub fn ok(self) -> Result<Self, Fault> {
        // 304 says that a container was already started or stopped.
        if (200..300).contains(&self.status) || self.status == 304 {
            return Ok(self);
        }
        let parsed: Option<Value> = serde_json::from_slice(&self.body).ok();
        let message = match &parsed {
            Some(value) => value["message"].as_str().unwrap_or_default().to_owned(),
            None => String::from_utf8_lossy(&self.body).chars().take(300).collect(),
        };
        Err(refused(self.status, message.trim(), &self.request))
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            garbled(
                &self.socket,
                &format!("what {} gave is not as documented: {error}", self.request),
            )
        })
    }
}

/// Percent-encodes all but what stands for itself in every part of a URL.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                into.push(byte.into());
            }
            _ => *into += &format!("%{byte:02X}"),
        }
    }
}
