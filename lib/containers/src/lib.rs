//! What a person does with their containers, as that person: finding them by the name they
//! gave, and telling what goes on. No root and no say: everything goes through the Docker
//! socket, and the door behind it decides.

pub mod after;
mod mine;

pub use after::After;
pub use mine::Mine;
