//! Where the log is folded anew: a folder of its own beside the read models, there for one verify and no longer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::VerifyError;

/// Removes the folder with all that is in it when it is dropped.
pub(super) struct Scratch(PathBuf);

/// Of a read model's folder.
pub(super) fn folder(readmodels: &Path) -> PathBuf {
    readmodels.join("verify")
}

pub(super) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %folder.display(), "what a verify folded is left behind, and can be removed: {error}");
        }
    }
}

impl Scratch {
    /// An empty folder.
    pub fn make(folder: &Path) -> Result<Self, VerifyError> {
        remove(folder);
        let scratch = Self(folder.to_owned());
        fs::create_dir_all(folder).map_err(|source| VerifyError::Folder { path: folder.to_owned(), source })?;
        Ok(scratch)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("anew.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_is_empty_at_first_and_gone_at_last() {
        let readmodels = tempfile::tempdir().unwrap();
        let folder = folder(readmodels.path());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("anew.db"), "of a verify that was killed").unwrap();
        let scratch = Scratch::make(&folder).unwrap();
        assert!(!scratch.file().exists() && folder.exists());
        fs::write(scratch.file(), "half a read model").unwrap();
        drop(scratch);
        assert!(!folder.exists() && readmodels.path().exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Scratch::make(&folder(file.path())).map(drop).unwrap_err();
        assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
    }
}
