//! Where the log is folded anew: a folder of its own beside the read models, there for one piece of work and no longer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ScratchError;

/// Removes the folder with all that is in it when it is dropped.
pub(super) struct Folder(PathBuf);

pub(super) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %folder.display(), "what was folded anew is left behind, and can be removed: {error}");
        }
    }
}

impl Folder {
    /// An empty folder.
    pub fn make(folder: &Path) -> Result<Self, ScratchError> {
        remove(folder);
        let made = Self(folder.to_owned());
        fs::create_dir_all(folder).map_err(|source| ScratchError::Folder { path: folder.to_owned(), source })?;
        Ok(made)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_empty_at_first_and_gone_at_last() {
        let readmodels = tempfile::tempdir().unwrap();
        let folder = readmodels.path().join("verify");
        let file = folder.join("anew.db");
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "of a verify that was killed").unwrap();
        let made = Folder::make(&folder).unwrap();
        assert!(!file.exists() && made.path().exists());
        fs::write(&file, "half a read model").unwrap();
        drop(made);
        assert!(!folder.exists() && readmodels.path().exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Folder::make(&file.path().join("verify")).map(drop).unwrap_err();
        assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
    }
}
