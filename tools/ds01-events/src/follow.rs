//! Following: what comes is shown as it comes.

use std::os::fd::AsFd;
use std::path::Path;

use ds01_eventlog::{Filter, Follow, Record};
use ds01_fault::Fault;
use ds01_text::{Emit, Output};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::show::line;

/// How soon an event is seen.
const PACE_MS: u8 = 200;

pub fn follow(path: &Path, filter: Filter, count: usize) -> Result<Output, Fault> {
    let (mut follow, before) = Follow::from_end(path, filter, count)?;
    Ok(Output::stream(move |emit| {
        for record in before {
            show(record, emit)?;
        }
        loop {
            follow.read(&mut |record| show(record, emit))?;
            if reader_is_gone() {
                return Ok(());
            }
        }
    }))
}

fn show(record: Record, emit: Emit<'_>) -> Result<(), Fault> {
    let text = line(&record);
    emit(serde_json::to_value(record).unwrap_or_default(), &text)
}

/// Waits for the next look, and says whether stdout was closed meanwhile: without this,
/// `ds01-events -f | head -1` would hang until one more event comes.
fn reader_is_gone() -> bool {
    let stdout = std::io::stdout();
    let mut one = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    match poll(&mut one, PollTimeout::from(PACE_MS)) {
        Ok(0) | Err(_) => false,
        Ok(_) => one[0].revents().is_some_and(|got| got.contains(PollFlags::POLLERR)),
    }
}
