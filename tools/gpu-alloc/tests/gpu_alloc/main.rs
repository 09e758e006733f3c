//! gpu-alloc as it is called: the earlier system's verbs and flags, what goes wrong, and
//! Docker's side.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

mod bad;
mod cost;
mod docker;
mod lab;
mod real;
mod verbs;
