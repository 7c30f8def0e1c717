//! The files of one read model: `<folder>/<generation>.db`, and `current`, which names the one that serves.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ProjectorError;

const CURRENT: &str = "current";

#[derive(Debug, Clone)]
pub(super) struct Generations {
    folder: PathBuf,
}

impl Generations {
    pub fn open(folder: PathBuf) -> Result<Self, ProjectorError> {
        fs::create_dir_all(&folder).map_err(|source| ProjectorError::File { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    pub fn path(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("{generation:06}.db"))
    }

    /// Where a generation is put together before its file is whole; one at a time.
    pub fn scratch(&self) -> PathBuf {
        self.folder.join("building")
    }

    /// Removes what a build left behind that was killed.
    pub fn clear_scratch(&self) {
        let scratch = self.scratch();
        match fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %scratch.display(), "what a build left behind can be removed: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// The generation that serves; the first one if there is none yet.
    pub fn current(&self) -> Result<u32, ProjectorError> {
        let path = self.folder.join(CURRENT);
        let unreadable = |source| ProjectorError::File { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => {
                text.trim().parse().map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(1),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// Makes a generation the one that serves, whole or not at all.
    pub fn set_current(&self, generation: u32) -> Result<(), ProjectorError> {
        let (path, draft) = (self.folder.join(CURRENT), self.folder.join("current.new"));
        let write = || {
            let mut file = fs::File::create(&draft)?;
            writeln!(file, "{generation}")?;
            file.sync_all()?;
            crash_point!("current/drafted");
            fs::rename(&draft, &path)?;
            crash_point!("current/renamed");
            fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| ProjectorError::File { path: path.clone(), source })
    }

    /// Removes every other generation: those before, and those that were not finished.
    pub fn remove_all_but(&self, kept: &[u32]) {
        let kept: Vec<String> = kept.iter().map(|kept| format!("{kept:06}.db")).collect();
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.contains(".db") && !kept.iter().any(|kept| name.starts_with(kept)) {
                remove(&path);
            }
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), "an old read model is left behind: {error}");
    }
}
