//! The admins' limits: read, checked, explained and resolved for a user; never rewritten.
//!
//! What may live here: everything that knows a key of `resource-limits.yaml` or of the
//! files beside it. One table of keys (`keys`) drives reading, checking, suggesting and the
//! JSON Schema. A config with an error yields no limits at all, only its diagnostics.

mod config;
mod limits;
mod policy;

pub use config::{Config, Group};
pub use limits::{
    Aggregate, Exemption, Lifecycle, Limits, Policies, Source, Sources, TypeLifecycle,
};
pub use policy::{Access, GpuPolicy, Strategy, Unowned, Weight};
