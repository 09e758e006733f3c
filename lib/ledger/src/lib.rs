//! The GPU ledger: who may use which GPU slot, kept so that no acknowledged decision is lost
//! and none is made twice. Journal, snapshot, the state they add up to, the rule who gets
//! what, and the view others read. No clap, no printing. NVML and Docker are asked in two
//! places only, [`facts`] and the beginning of a new ledger; all else is pure or a file.
//! `docs/ledger.md` has the format, the failures and the proofs.

pub mod ahead;
pub mod decide;
pub mod disk;
mod earlier;
pub mod facts;
pub mod host;
mod journal;
mod ledger;
pub mod life;
mod lock;
pub mod place;
pub mod reconcile;
pub mod record;
mod state;
pub mod types;
pub mod usage;
pub mod view;

pub use ahead::Ahead;
pub use host::Host;
pub use journal::Trouble;
pub use ledger::{Ledger, Mended, mend as mend_on};
pub use lock::Lock;
pub use place::{is_own_try_out, look, may_write, mend, open};
pub use record::{Decision, Record, Why};
pub use state::{Conflict, State};
