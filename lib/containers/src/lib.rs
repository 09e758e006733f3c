//! What a person does with their containers, as that person: finding them by the name they
//! gave, and telling what goes on. No root and no say: everything goes through the Docker
//! socket, and the door behind it decides.

mod mine;

pub use mine::Mine;
