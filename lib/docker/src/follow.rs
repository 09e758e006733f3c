//! Answers that never end: Docker's events, one JSON object a line.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::time::Duration;

use ds01_fault::Fault;
use serde_json::Value;

use crate::body::Body;
use crate::fault::{broken, garbled};
use crate::{Docker, Method};

/// A container with thousands of labels makes a long event; more than this is no event.
const LONGEST: usize = 4 << 20;

/// An answer that is read while it comes.
#[derive(Debug)]
pub struct Follow {
    body: Body,
    socket: PathBuf,
    waiting: Vec<u8>,
    /// Bytes of `waiting` that hold no end of line.
    searched: usize,
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Item(Value),
    /// Nothing within the time given.
    Quiet,
    /// The daemon has ended the answer in good order.
    End,
}

impl Docker {
    /// Begins an answer that is read as it comes.
    pub fn follow(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Follow, Fault> {
        let target = self.target(path, query)?;
        let body = self.begin(Method::Get, &target, None)?;
        if body.status != 200 {
            // A refusal is short and comes at once.
            let status = self.whole(body, format!("GET {target}"))?.ok()?.status;
            return Err(garbled(self.socket(), &format!("GET {target} gave {status}")));
        }
        let mut follow =
            Follow { body, socket: self.socket().to_owned(), waiting: Vec::new(), searched: 0 };
        let quiet = follow.body.wire().without_deadline();
        quiet.map_err(|error| broken(&follow.socket, &error))?;
        Ok(follow)
    }
}

impl Follow {
    /// The next object, waiting for it at most `wait`, or for ever.
    pub fn next_within(&mut self, wait: Option<Duration>) -> Result<Next, Fault> {
        loop {
            if let Some(line) = self.line() {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return serde_json::from_slice(&line).map(Next::Item).map_err(|error| {
                    garbled(&self.socket, &format!("an event is no JSON: {error}"))
                });
            }
            if self.waiting.len() > LONGEST {
                return Err(garbled(&self.socket, "an event has no end"));
            }
            if let Some(wait) = wait {
                let set = self.body.wire().wait_at_most(wait);
                set.map_err(|error| broken(&self.socket, &error))?;
            }
            let mut chunk = [0; 16 << 10];
            match self.body.read(&mut chunk) {
                Ok(0) if self.waiting.trim_ascii().is_empty() => return Ok(Next::End),
                Ok(0) => return Err(broken(&self.socket, &ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.waiting.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Quiet),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&self.socket, &error)),
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.waiting[self.searched..].iter().position(|b| *b == b'\n');
        let Some(end) = end else {
            self.searched = self.waiting.len();
            return None;
        };
        let line = self.waiting.drain(..=self.searched + end).collect();
        self.searched = 0;
        Some(line)
    }
}
