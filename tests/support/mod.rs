//! What the tests start and build.

pub mod cdnow;
pub mod client;
pub mod events;
pub mod happened;
pub mod nats;
mod nats_binary;
pub mod program;
pub mod server;
pub mod soon;
