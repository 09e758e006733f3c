//! The waiting line and the calendar of this host: what the ledger, the config and the board
//! say, put to the rules of `ds01-queue`, and what those decide, written to the ledger.
//!
//! Here live the words of both for people and programs, who may do what, and the view
//! `/run/ds01/gpu-queue.json`. The rules themselves are `ds01-queue`'s, the records
//! `ds01-ledger`'s.

mod calendar;
mod door;
mod join;
mod leave;
mod view;
mod work;

pub use calendar::{Shown, Wanted, calendar, cancel, reserve};
pub use door::{Asker, asker, may_record};
pub use ds01_ledger::Host;
pub use join::{Ask, join};
pub use leave::leave;
pub use view::{Queue, Waiting, path, queue, read, waiting};
pub use work::{Done, Loss, pass};
