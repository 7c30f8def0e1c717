//! What whoever watches over a server sees of it.

mod apart;
mod dashboard;
mod http;
mod logs;
mod metrics;
mod services;
mod shipped;
mod traces;
