//! The laws of the waiting line and the calendar, each as a property.

#![allow(clippy::unwrap_used)] // A law that cannot be set up has failed.

mod calendar;
mod exact;
mod line;
mod plan;
mod starve;
mod worlds;
