//! floor FILE - what the machine asks for one durable decision by a fresh process
//!
//! Appends 200 bytes and syncs them: nothing that answers for its word can be faster.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).unwrap_or_default();
    let done = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(&[b'x'; 200]).and_then(|()| file.sync_data()));
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
