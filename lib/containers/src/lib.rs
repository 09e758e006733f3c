//! What a person does with their containers, as that person: finding them by the name they
//! gave, and telling what goes on. No root and no say: everything goes through the Docker
//! socket, and the door behind it decides.

pub mod after;
pub mod create;
pub mod glance;
pub mod image;
pub mod inside;
pub mod interrupt;
mod mine;
pub mod order;
pub mod packages;
pub mod refusal;
mod remove;
pub mod session;
pub mod start;
pub mod stats;
pub mod sudo;
pub mod table;
pub mod terminal;
pub mod unsure;
pub mod wait;

pub use after::After;
pub use mine::Mine;
pub use packages::Packages;
pub use remove::{freed, remove};
