//! The promises of the ledger, each broken by every crash and fault the disk can have.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

mod crash;
mod disk;
mod random;
