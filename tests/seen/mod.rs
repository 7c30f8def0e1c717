//! What whoever watches over a server sees of it.

mod http;
mod metrics;
mod services;
