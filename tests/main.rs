//! All of Rapport's tests that need more than one crate, in one binary.

mod log;
mod support;
