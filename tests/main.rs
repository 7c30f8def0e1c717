//! All of Rapport's tests that need more than one crate, in one binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod analysts;
mod architecture;
mod chaos;
mod clients;
mod flow;
mod log;
mod processes;
mod seen;
mod support;
