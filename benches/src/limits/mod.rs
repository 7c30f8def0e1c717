//! What the machine does at best, or a bare server on it: the least work that gives the same thing.

pub mod echo;
pub mod jetstream;
mod message;
pub mod minimal_fold;
pub mod sqlite;

pub use message::{Message, messages};
