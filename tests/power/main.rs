//! Power cuts and failing disks, in a process of their own: all of its SQLite files go through the tests' VFS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod chance;
mod cuts;
mod disk;
mod faults;
mod log;
mod readmodel;
#[allow(dead_code, reason = "the other test binary uses the rest")]
#[path = "../support/mod.rs"]
mod support;
mod vfs;
mod whole;
