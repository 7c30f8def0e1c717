//! What can go wrong with a read model.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::ErrorCode;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ReadModelError {
    #[error("read model {path}: cannot be opened: {source}{}", advice(.source))]
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
    #[error("read model {path}: others used it for {waited:?}, and what is in it was not put on the disk")]
    Busy { path: PathBuf, waited: Duration },
    #[error("read model storage: {0}{advice}", advice = advice(.0))]
    Storage(#[from] rusqlite::Error),
}

/// What to do about it, where that is known.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; make room on its disk",
        Some(ErrorCode::SystemIoFailure) => "; look at its disk",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; move the file away and it is built anew from the log"
        }
        _ => "",
    }
}

impl ReadModelError {
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.to_string() }
    }
}

pub(crate) type Result<T> = std::result::Result<T, ReadModelError>;
