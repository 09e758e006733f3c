//! Figures for Prometheus, in the text form that node_exporter's collector reads.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What was counted since the start.
#[derive(Debug, Default)]
pub struct Counters {
    allowed: Cell<u64>,
    denied: RefCell<BTreeMap<&'static str, u64>>,
    would_deny: Cell<u64>,
    pub connections: Cell<u64>,
}

impl Counters {
    pub fn allow(&self) {
        self.allowed.set(self.allowed.get() + 1);
    }
    pub fn deny(&self, code: &'static str) {
        *self.denied.borrow_mut().entry(code).or_default() += 1;
    }
    pub fn would_deny(&self) {
        self.would_deny.set(self.would_deny.get() + 1);
    }

    pub fn text(&self, open: u64) -> String {
        let mut text = String::from(
            "# HELP ds01_door_requests_total Requests at the Docker door by decision.\n\
             # TYPE ds01_door_requests_total counter\n",
        );
        let mut line = |labels: &str, count: u64| {
            let _ = writeln!(text, "ds01_door_requests_total{{{labels}}} {count}");
        };
        line("decision=\"allow\",code=\"\"", self.allowed.get());
        line("decision=\"warn\",code=\"\"", self.would_deny.get());
        for (code, count) in self.denied.borrow().iter() {
            line(&format!("decision=\"deny\",code=\"{code}\""), *count);
        }
        let _ = write!(
            text,
            "# HELP ds01_door_connections_total Connections accepted.\n\
             # TYPE ds01_door_connections_total counter\nds01_door_connections_total {}\n\
             # HELP ds01_door_connections_open Connections open now.\n\
             # TYPE ds01_door_connections_open gauge\nds01_door_connections_open {open}\n",
            self.connections.get(),
        );
        text
    }

    /// A view: lost with the machine, so nothing waits for the disk.
    pub fn write(&self, path: &Path, open: u64) {
        let _ = ds01_site::replace(path, self.text(open).as_bytes(), 0o644, false);
    }
}
