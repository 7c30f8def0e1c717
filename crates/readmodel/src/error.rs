//! What can go wrong with a read model.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum ReadModelError {
    #[error("read model {path}: cannot be opened: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error(
        "read model {path} has {what} {found}, but {expected} is expected; move the file away and it is built anew from the log"
    )]
    Foreign { path: PathBuf, what: &'static str, found: String, expected: String },
    #[error(
        "read model stands at position {found}, not at {expected}: another projector writes the same file; stop one of the two"
    )]
    Raced { expected: u64, found: u64 },
    #[error("read model holds what no version wrote: {what}; rebuild it from the log")]
    Corrupt { what: String },
    #[error("read model storage: {0}")]
    Storage(#[from] rusqlite::Error),
}

impl ReadModelError {
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.to_string() }
    }
}

pub(crate) type Result<T> = std::result::Result<T, ReadModelError>;
