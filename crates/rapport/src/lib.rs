//! Doors and wiring: the gateway, the projector loop, the query services and the command line.

pub mod client;
pub mod event_proto;
pub mod import;
mod progress;
pub mod wire;
