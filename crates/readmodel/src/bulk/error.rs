//! What can go wrong while a read model is built in bulk.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::ReadModelError;

#[derive(Debug, Error)]
pub enum BulkError {
    #[error(transparent)]
    ReadModel(#[from] ReadModelError),
    #[error("{}: what is put there while a read model is built cannot be kept: {source}", path.display())]
    Scratch { path: PathBuf, source: io::Error },
    #[error("what was put on the disk while a read model was built is not what is read: {what}")]
    Torn { what: String },
    #[error(
        "building the read model takes about {needed_mib} MiB below {}, and there are {free_mib} MiB; make room on its \
         disk", folder.display()
    )]
    NoRoom { folder: PathBuf, needed_mib: u64, free_mib: u64 },
    #[error("the log tells of more than {most} {what}, which is more than a build in bulk keeps in memory")]
    TooMany { what: &'static str, most: usize },
    #[error("the build was given up")]
    GivenUp,
}

impl BulkError {
    /// Is there only more on the log than a build keeps in memory?
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::TooMany { .. })
    }

    /// Is there only no room on the disk?
    pub fn is_no_room(&self) -> bool {
        matches!(self, Self::NoRoom { .. })
    }

    pub(super) fn torn(what: impl std::fmt::Display) -> Self {
        Self::Torn { what: what.to_string() }
    }
}

impl From<rusqlite::Error> for BulkError {
    fn from(error: rusqlite::Error) -> Self {
        Self::ReadModel(error.into())
    }
}

pub(super) type Result<T> = std::result::Result<T, BulkError>;

/// What a scratch file did wrong.
pub(super) fn in_file(path: &Path) -> impl Fn(io::Error) -> BulkError {
    move |source| BulkError::Scratch { path: path.to_owned(), source }
}
