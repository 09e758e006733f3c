//! Answers of any length, read as they come: logs and archives.

use std::io::{Error, ErrorKind, Read};
use std::time::Duration;

use ds01_fault::Fault;

use crate::body::Body;
use crate::fault::broken;
use crate::{Docker, Method};

/// The bytes of an answer. An end before the daemon has ended it is an error, never a short
/// answer.
#[derive(Debug)]
pub struct Stream {
    body: Body,
}

impl Docker {
    /// Begins an answer that is read byte by byte. `quiet` is how long nothing may come; none:
    /// for ever, as for logs that are followed.
    pub fn stream(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        quiet: Option<Duration>,
    ) -> Result<Stream, Fault> {
        self.stream_of(Method::Get, path, query, quiet)
    }

    /// The same of a request that changes something, such as a pull with its progress.
    pub fn stream_of(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        quiet: Option<Duration>,
    ) -> Result<Stream, Fault> {
        let target = self.target(path, query)?;
        // The answer may begin only when there is something to tell.
        let patient = quiet.map_or_else(|| self.clone(), |quiet| self.clone().patience(quiet));
        let mut body = patient.begin(method, &target, None)?;
        if !(200..300).contains(&body.status) {
            // A refusal is short and comes at once.
            let request = format!("{} {target}", method.word());
            self.whole(body, request.clone())?.ok()?;
            return Err(Fault::failed(format!("{request} gave no answer to read")));
        }
        let wire = body.wire();
        let set = wire
            .without_deadline()
            .and_then(|()| quiet.map_or(Ok(()), |quiet| wire.wait_at_most(quiet)));
        set.map_err(|error| broken(self.socket(), &error))?;
        Ok(Stream { body })
    }

    /// A tar archive of one small path in a container, running or not; nothing where there is
    /// no such path.
    pub fn get_archive(&self, id: &str, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let answer =
            self.send(Method::Get, &["containers", id, "archive"], &[("path", path)], None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(answer.ok()?.body))
    }

    /// Unpacks a plain tar archive into a container, running or not.
    pub fn put_archive(&self, id: &str, path: &str, tar: &[u8]) -> Result<(), Fault> {
        let query = [("path", path), ("noOverwriteDirNonDir", "true")];
        let target = self.target(&["containers", id, "archive"], &query)?;
        let content = Some(("application/x-tar", tar));
        let answer = self.begin_with(Method::Put, &target, content, "Connection: close\r\n")?;
        self.whole(answer, format!("PUT {target}"))?.ok().map(|_| ())
    }

    /// Whether a container has this path.
    pub fn has_path(&self, id: &str, path: &str) -> Result<bool, Fault> {
        let path_of = ["containers", id, "archive"];
        let answer = self.send(Method::Head, &path_of, &[("path", path)], None)?;
        match answer.status {
            404 => Ok(false),
            _ => answer.ok().map(|_| true),
        }
    }

    /// What a failed read of a [`Stream`] means.
    pub fn broke(&self, error: &Error) -> Fault {
        broken(self.socket(), error)
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        self.body.read(into).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}
