//! Which socket, and getting onto it.

use std::io::{Error, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ds01_fault::Fault;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// The daemon's own socket once the door stands in front of it; root only.
const REAL: &str = "/var/run/docker-real.sock";
const USUAL: &str = "/var/run/docker.sock";

/// The socket that `DOCKER_HOST` names, else the daemon's own for root, else the usual one.
pub(crate) fn socket_path() -> Result<PathBuf, Fault> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) if !host.is_empty() => match host.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => Ok(path.into()),
            _ => Err(Fault::usage(format!("DOCKER_HOST is `{host}`, which is no Unix socket"))
                .why("ds01 works on the machine that it runs on")
                .todo("unset DOCKER_HOST, or write unix:///path/of/the.sock")),
        },
        _ if nix::unistd::Uid::effective().is_root() && Path::new(REAL).exists() => Ok(REAL.into()),
        _ => Ok(USUAL.into()),
    }
}

/// A connection on which no call waits beyond the deadline, however slowly bytes drip in.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: UnixStream,
    deadline: Option<Instant>,
}

impl Wire {
    pub fn open(path: &Path, patience: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + patience;
        let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        // A daemon that accepts nobody any more lets connecting wait, too.
        let millis = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        setsockopt(&fd, sockopt::SendTimeout, &TimeVal::milliseconds(millis))?;
        connect(fd.as_raw_fd(), &UnixAddr::new(path)?).map_err(|error| match error {
            nix::Error::EAGAIN => Error::from(ErrorKind::TimedOut),
            other => other.into(),
        })?;
        Ok(Self { stream: fd.into(), deadline: Some(deadline) })
    }

    /// From here on silence is no fault: the stream may be quiet for hours.
    pub fn without_deadline(&mut self) -> Result<(), Error> {
        self.deadline = None;
        self.stream.set_read_timeout(None)
    }

    /// The next read waits this long at most, and says so as `WouldBlock`.
    pub fn wait_at_most(&self, wait: Duration) -> Result<(), Error> {
        // Zero would mean for ever.
        self.stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))
    }

    /// The socket itself, on which nothing has a deadline any more.
    pub fn into_stream(mut self) -> Result<UnixStream, Error> {
        self.without_deadline()?;
        self.stream.set_write_timeout(None)?;
        Ok(self.stream)
    }

    fn left(&self) -> Result<Option<Duration>, Error> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(ErrorKind::TimedOut.into()),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        if let Some(left) = self.left()? {
            self.stream.set_read_timeout(Some(left))?;
        }
        match self.stream.read(into) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.deadline.is_some() => {
                Err(ErrorKind::TimedOut.into())
            }
            other => other,
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if let Some(left) = self.left()? {
            self.stream.set_write_timeout(Some(left))?;
        }
        match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ErrorKind::TimedOut.into()),
            other => other,
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.stream.flush()
    }
}
