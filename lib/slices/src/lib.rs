//! Slices: which ones the config asks for and with what limits, and how systemd is brought
//! to have them.
//!
//! [`plan`] and [`unit`] are pure: config in, slices, properties and unit files out.
//! [`apply`] compares them with what is there and changes the difference: unit files for the
//! next boot, `systemctl set-property` for now. It never reloads systemd's configuration:
//! a reload re-applies device rules, and running containers would lose their GPUs.

pub mod apply;
mod ensure;
mod files;
pub mod live;
mod log;
pub mod plan;
pub mod systemctl;
pub mod unit;

pub use apply::{Action, Outcome, Work};
pub use ensure::ensure;
pub use live::Live;
pub use log::log;
pub use plan::{Caps, Slice};
pub use systemctl::{Manager, Systemctl};
pub use unit::Property;
