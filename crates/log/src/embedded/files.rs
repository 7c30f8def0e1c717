//! Where an open log lies: SQLite goes on writing a file that was moved, replaced or removed, and what it writes is lost.

use std::fs::metadata;
use std::io;
use std::path::{Path, PathBuf};

/// The log's files as they were when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Files(Vec<(PathBuf, Identity)>);

/// What tells a file from another of its name.
type Identity = (u64, u64);

impl Files {
    /// Of a log that is open: its write-ahead log is there until it is closed.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let ahead = path.with_extension("db-wal");
        let files = [path.to_owned(), ahead].into_iter().filter(|file| file.exists());
        Ok(Self(files.map(|file| identity(&file).map(|identity| (file, identity))).collect::<io::Result<_>>()?))
    }

    /// As far as they can be looked at.
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().filter_map(|(file, _)| metadata(file).ok()).map(|found| found.len()).sum()
    }

    /// The first file that is not the one that was opened.
    pub(super) fn lost(&self) -> Option<&Path> {
        let lost = self.0.iter().find(|(file, opened)| !identity(file).is_ok_and(|found| found == *opened));
        lost.map(|(file, _)| file.as_path())
    }
}

#[cfg(unix)]
fn identity(file: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    metadata(file).map(|found| (found.dev(), found.ino()))
}

/// Other systems do not let an open file go.
#[cfg(not(unix))]
fn identity(file: &Path) -> io::Result<Identity> {
    metadata(file).map(|_| (0, 0))
}
