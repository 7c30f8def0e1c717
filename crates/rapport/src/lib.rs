//! Doors and wiring: the gateway, the projector loop, the query services and the command line.

pub mod event_proto;
pub mod wire;
