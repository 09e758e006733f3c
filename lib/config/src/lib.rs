//! The admins' limits: read, checked, explained and resolved for a user; never rewritten.
//!
//! What may live here: everything that knows a key of `resource-limits.yaml` or of the
//! files beside it. One table of keys (`table`) drives reading, checking, suggesting and the
//! JSON Schema. A config with an error yields no limits at all, only its diagnostics.
//!
//! The way of a value: `file` makes text, `tree` a YAML tree with places, `read` a `draft`
//! by the table of keys, `check` says what does not fit together, `config` holds what is
//! sound, `resolve` decides between the levels.

mod check;
mod config;
mod draft;
mod explain;
mod file;
mod keys;
mod limits;
mod load;
mod notes;
mod policy;
mod read;
mod resolve;
mod schema;
mod table;
mod tree;
mod typed;
mod value;

pub use config::{Config, Group, Report};
pub use explain::{Choice, Explanation};
pub use limits::{
    Aggregate, Exemption, Lifecycle, Limits, Policies, Source, Sources, TypeLifecycle,
};
pub use notes::{Diagnostic, Severity};
pub use policy::{Access, Door, GpuPolicy, Strategy, Unowned, Weight};
pub use read::bad_name;
pub use schema::schema;
