//! What a person's slice, containers and images are called, and whose a name is: one
//! function each way, pure, with no look-up of accounts.
//!
//! The earlier system had two sanitisers that disagreed, and people who shared a slice
//! (pitfall 28). Here two different names never share a slice, without any register of who
//! came first: see [`slice`]. `tests/cases/names.tsv` is the table everybody may check
//! against.

pub mod container;
pub mod image;
pub mod slice;

pub use slice::{Place, SliceName};

/// Why a text is no name: one sentence fragment that fits after "`TEXT`: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName(pub String);

impl std::fmt::Display for BadName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadName {}

/// Whose a container or an image is, as far as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Name(String),
    Uid(u32),
    /// Digits alone after a container's name: the uid of somebody whose name does not fit
    /// there, or an account whose name is a number. Only the accounts can tell.
    Number(String),
}
