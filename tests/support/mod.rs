//! What the tests start and build.

use std::path::{Path, PathBuf};

pub mod cdnow;
pub mod client;
pub mod collector;
pub mod events;
pub mod happened;
pub mod http;
pub mod metrics;
pub mod nats;
mod nats_binary;
pub mod program;
pub mod python;
pub mod server;
pub mod soon;

/// The folder of the whole project.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository").to_owned()
}
