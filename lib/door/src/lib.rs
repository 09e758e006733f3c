//! The Docker door: what a request to the Docker API means, and whether it may pass.
//!
//! Pure: parse, canonicalise, decide. Here live the readers of request targets, heads,
//! JSON and filters, the table of routes, the rules for each, and the shapes that answers
//! are cut to. What a decision must know and cannot read from the request it asks for
//! ([`Ask`]); who answers does the I/O. The law of the crate: what is forwarded is written
//! from what was decided on, never from what came in.

mod answers;
mod archive;
mod ask;
mod binds;
mod build;
pub mod buildkit;
pub mod chunks;
mod clamp;
mod containers;
mod context;
mod create;
mod decide;
mod deny;
mod dockerfile;
mod events;
mod facts;
mod fields;
mod filters;
pub mod gate;
mod gpu;
mod host;
pub mod http;
mod images;
pub mod json;
mod keys;
mod labels;
mod load;
mod objects;
mod own;
pub mod proto;
pub mod routes;
mod schema;
mod subnets;
mod taken;
mod url;
mod who;

pub use answers::{Cut, Viewer, containers, disk_usage, info, network, networks, volumes, warned};
pub use archive::is_plain_tar;
pub use ask::missing;
pub use context::BuildContext;
pub use create::Wish;
pub use decide::{Body, Expected, Forward, Request, Shape, decide, expected};
pub use deny::{Denial, Lines};
pub use events::{Records, shows};
pub use facts::{Answer, Ask, Facts, Grant, Owner, Stop};
pub use gpu::Wanted;
pub use labels::{REPLACES, USER as USER_LABEL, owner_of};
pub use load::ImageArchive;
pub use own::first as own_first;
pub use url::{Query, Target, Version};
pub use who::{Role, Root, UnknownFields, Unowned, Who, Words};
