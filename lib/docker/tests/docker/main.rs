//! The client against a server that plays Docker badly, and against a real one.
#![allow(clippy::unwrap_used, reason = "a test may panic anywhere")]

mod answers;
mod broken;
mod real;
mod server;
