//! The door over raw bytes, with a daemon that records what reaches it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod build;
mod cases;
mod daemon;
mod gate;
mod gpus;
mod grpc;
mod hand;
mod lab;
mod names;
mod real;
mod service;
mod sessions;
mod streams;
mod wild;
