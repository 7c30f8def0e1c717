//! Doors and wiring: the gateway, the projector loop, the query services and the command line.

#[macro_use]
mod crash_point;

pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
mod deciding;
pub mod demo;
pub mod event_proto;
pub mod gateway;
pub mod hosting;
mod http;
pub mod import;
pub mod metrics;
pub mod moving;
mod new_file;
mod new_folder;
pub mod parquet_file;
mod progress;
pub mod projector;
pub mod query;
pub mod replay;
pub mod serve;
mod status_code;
pub mod tenants;
pub mod traces;
pub mod wire;
