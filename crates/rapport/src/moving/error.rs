//! Why a log could not be moved.

use std::io;
use std::path::PathBuf;

use rapport_log::{CopyError, OpenError, ReadError, Tenant};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum MoveError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the log cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(
        "tenant {tenant}: the copy has {found} records and differs from the log, which has {records}; it was not finished. \
         Remove it and copy again"
    )]
    Differs { tenant: Tenant, records: u64, found: u64 },
    #[error("cannot use {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is no backup of Rapport: {problem}", path.display())]
    NoBackup { path: PathBuf, problem: String },
    #[error("{} is damaged: {problem}", path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error("{} is not empty; restore into a folder that is not there yet", path.display())]
    NotEmpty { path: PathBuf },
}

impl MoveError {
    /// Names the file that an error is about.
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
