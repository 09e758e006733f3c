//! The library as programs meet it: loaded from its file, through `nvml-wrapper`.
#![allow(unsafe_code)] // Creating instances goes through the sys crate's raw calls.
#![allow(clippy::unwrap_used)]

mod lab;
mod layouts;
mod reading;
