//! The end of a door that another takes over from: what is under way may end, and whoever has
//! connected is answered.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a request that changes something may take after a request to end.
const GRACE: Duration = Duration::from_secs(5);
/// The same for one that only reads. Many of these are streams without an end, and whoever
/// knocks meanwhile waits for the door after this one.
const READING: Duration = Duration::from_secs(1);

/// What is under way.
#[derive(Debug, Default)]
pub struct Drain {
    reads: Cell<u64>,
    changes: Cell<u64>,
    /// Connections that have not asked yet.
    fresh: Cell<u64>,
    ending: Cell<bool>,
}

/// Counted while it lives.
#[derive(Debug)]
pub struct Counted<'a>(&'a Cell<u64>);

impl<'a> Counted<'a> {
    fn new(cell: &'a Cell<u64>) -> Self {
        cell.set(cell.get() + 1);
        Self(cell)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Drain {
    /// A connection that has not asked yet.
    pub fn fresh(&self) -> Counted<'_> {
        Counted::new(&self.fresh)
    }
    /// A request under way.
    pub fn request(&self, method: &str) -> Counted<'_> {
        let reads = matches!(method, "GET" | "HEAD");
        Counted::new(if reads { &self.reads } else { &self.changes })
    }
    /// Whether a connection should end with the answer under way.
    pub fn ending(&self) -> bool {
        self.ending.get()
    }

    /// Waits for what is under way, but not for ever.
    pub async fn end(&self) {
        self.ending.set(true);
        let begun = Instant::now();
        loop {
            // First of all, so that whoever was let in just now is counted.
            sleep(Duration::from_millis(5)).await;
            // Whoever has connected is about to ask.
            let soon = self.reads.get() + self.fresh.get() > 0 && begun.elapsed() < READING;
            let late = self.changes.get() > 0 && begun.elapsed() < GRACE;
            if !soon && !late {
                return;
            }
        }
    }
}
