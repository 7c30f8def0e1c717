//! Where a read model is built: a folder of its own, there for one build and no longer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{BulkError, Result, in_file};
use super::sorting::Sorter;
use super::spool::Spool;

const MIB: u64 = 1024 * 1024;

/// Removes the folder with all that is in it when it is dropped.
pub(super) struct Scratch {
    folder: PathBuf,
    sorted_bytes: usize,
}

impl Scratch {
    /// An empty folder; what a crash left behind in it is removed. Of what is sorted there, so many bytes are held in memory.
    pub fn make(folder: &Path, sorted_bytes: usize) -> Result<Self> {
        remove(folder).map_err(in_file(folder))?;
        let made = Self { folder: folder.to_owned(), sorted_bytes };
        fs::create_dir_all(folder).map_err(in_file(folder))?;
        Ok(made)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn sorter(&self, name: &str) -> Sorter {
        Sorter::new(self.path(name), self.sorted_bytes)
    }

    pub fn spool(&self, name: &str) -> Result<Spool> {
        Spool::create(self.path(name))
    }

    /// Is there room for so many bytes more?
    pub fn check_room(&self, needed: u64) -> Result<()> {
        let free = free(&self.folder).map_err(in_file(&self.folder))?;
        if free < needed {
            let (needed_mib, free_mib) = (needed.div_ceil(MIB), free / MIB);
            return Err(BulkError::NoRoom { folder: self.folder.clone(), needed_mib, free_mib });
        }
        Ok(())
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Elsewhere it is not known before it is too late.
#[cfg(not(unix))]
fn free(_: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is removed by whoever builds here next.
        let _ = remove(&self.folder);
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
