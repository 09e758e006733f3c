//! A command in a running container: begun, connected, its terminal's size, how it ended.

use std::io::Error;
use std::os::unix::net::UnixStream;

use ds01_fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::{broken, garbled};
use crate::{Docker, Method};

/// A command that was made and is not begun yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    pub id: String,
    pub tty: bool,
}

/// How a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Ran {
    #[serde(rename = "Running")]
    pub running: bool,
    /// None as long as it runs.
    #[serde(rename = "ExitCode")]
    pub exit_code: Option<i64>,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "Id")]
    id: String,
}

impl Docker {
    /// Makes a command in a container; `body` is what the API takes for it.
    pub fn exec(&self, container: &str, body: &Value) -> Result<Exec, Fault> {
        let made: Made = self.post(&["containers", container, "exec"], &[], Some(body))?.json()?;
        Ok(Exec { id: made.id, tty: body["Tty"].as_bool().unwrap_or(false) })
    }

    /// Begins it. What comes is raw with a terminal, and frames without one; what is sent is
    /// the command's input. The bytes are what has come already.
    pub fn exec_start(&self, exec: &Exec) -> Result<(Vec<u8>, UnixStream), Fault> {
        let target = self.target(&["exec", &exec.id, "start"], &[])?;
        let body = json!({"Detach": false, "Tty": exec.tty}).to_string();
        let content = ("application/json", body.as_bytes());
        let upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
        let answer = self.begin_with(Method::Post, &target, Some(content), upgrade)?;
        match answer.status {
            // Daemons that know no upgrade go on with the raw stream.
            101 | 200 => {
                let (bytes, wire) = answer.raw();
                let stream = wire.into_stream().map_err(|error| broken(self.socket(), &error))?;
                Ok((bytes, stream))
            }
            _ => {
                self.whole(answer, format!("POST {target}"))?.ok()?;
                Err(garbled(self.socket(), "a command was begun without a stream"))
            }
        }
    }

    /// Tells its terminal how large it is.
    pub fn exec_resize(&self, id: &str, rows: u16, columns: u16) -> Result<(), Fault> {
        let (rows, columns) = (rows.to_string(), columns.to_string());
        let query = [("h", rows.as_str()), ("w", columns.as_str())];
        self.post(&["exec", id, "resize"], &query, None).map(|_| ())
    }

    /// Whether it still runs, and how it ended.
    pub fn exec_ran(&self, id: &str) -> Result<Ran, Fault> {
        self.get(&["exec", id, "json"], &[])
    }

    /// What a failed read or write of a begun command means.
    pub fn exec_broke(&self, error: &Error) -> Fault {
        broken(self.socket(), error)
    }
}
