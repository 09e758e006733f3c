//! The one Docker client: requests over a Unix socket, and containers as ds01 needs them.
//!
//! Small on purpose: blocking, a connection a request, answers of a bounded size within a
//! bounded time. What a container is stands in [`Container`]; which GPUs it uses in
//! [`GpuUse`]. Deciding anything about either is for other crates.

mod body;
mod client;
mod connect;
mod container;
mod exec;
mod fault;
mod follow;
mod gpu_use;
mod listing;
mod stream;
mod version;

pub use client::{Answer, Docker, Method};
pub use container::{Container, DeviceRequest, State};
pub use exec::{Exec, Ran};
pub use follow::{Follow, Next};
pub use gpu_use::{Device, GpuUse};
pub use listing::{Listed, read_listing};
pub use stream::Stream;
pub use version::Engine;
