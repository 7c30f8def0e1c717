//! What the tests start and build.

pub mod events;
pub mod nats;
mod nats_binary;
