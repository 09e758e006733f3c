//! The promises of the ledger, each broken by every crash and fault the disk can have.

mod crash;
mod disk;
mod random;
