//! What a person does with their containers, as that person: finding them by the name they
//! gave, and telling what goes on. No root and no say: everything goes through the Docker
//! socket, and the door behind it decides.

pub mod after;
pub mod glance;
mod mine;
pub mod packages;
mod remove;
pub mod stats;
pub mod table;

pub use after::After;
pub use mine::Mine;
pub use packages::Packages;
pub use remove::{freed, remove};
