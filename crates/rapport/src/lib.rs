//! Doors and wiring: the gateway, the projector loop, the query services and the command line.

pub mod cli;
pub mod client;
pub mod event_proto;
pub mod import;
mod progress;
pub mod wire;
