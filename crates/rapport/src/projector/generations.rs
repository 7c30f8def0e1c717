//! The files of one read model: `<folder>/<generation>.db`, `current`, which names the one that serves, and `kept`, which
//! names two that are whole: that one, and the one before, to go back to.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ProjectorError;

const CURRENT: &str = "current";
const KEPT: &str = "kept";

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
        let path = self.folder.join(CURRENT);
        let drafted = draft(&path, &generation.to_string()).and_then(|draft| {
            crash_point!("current/drafted");
            fs::rename(&draft, &path)?;
            crash_point!("current/renamed");
            fs::File::open(&self.folder)?.sync_all()
        });
        drafted.map_err(|source| ProjectorError::File { path: path.clone(), source })
    }

    /// Two generations are whole: whichever of them serves, one can go back to the other.
    pub fn keep(&self, pair: [u32; 2]) -> Result<(), ProjectorError> {
        let path = self.folder.join(KEPT);
        let [one, other] = pair;
        let written = write_whole(&path, &format!("{one} {other}"));
        written.map_err(|source| ProjectorError::File { path: path.clone(), source })
    }

    /// The one to go back to, if there is one.
    pub fn previous(&self, current: u32) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join(KEPT)).ok()?;
        let pair: Vec<u32> = text.split_whitespace().map_while(|number| number.parse().ok()).collect();
        let other = pair.iter().find(|number| **number != current).copied()?;
        (pair.contains(&current) && self.path(other).exists()).then_some(other)
    }

    /// The number of the next one: no two files ever had the same.
    pub fn next(&self, current: u32) -> u32 {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let number = |name: &str| name.split('.').next().and_then(|number| number.parse::<u32>().ok());
        let numbers = files.filter_map(|file| file.file_name().to_str().and_then(number));
        numbers.max().unwrap_or(0).max(current) + 1
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

/// Writes a small file, whole or not at all.
pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    fs::rename(draft(path, text)?, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

fn draft(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let mut file = fs::File::create(&draft)?;
    writeln!(file, "{}", text.trim_end())?;
    file.sync_all()?;
    Ok(draft)
}

/// Removes a read model that nobody has open.
pub(super) fn remove_with_journal(path: &Path) {
    remove(path);
    for end in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        if Path::new(&beside).exists() {
            remove(Path::new(&beside));
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), "an old read model is left behind: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path, numbers: &[u32]) -> Generations {
        let files = Generations::open(folder.to_owned()).unwrap();
        numbers.iter().for_each(|number| fs::write(files.path(*number), "").unwrap());
        files
    }

    #[test]
    fn the_way_back_leads_to_the_other_of_the_two_that_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), &[4, 5]);
        assert_eq!(files.previous(5), None);
        files.keep([4, 5]).unwrap();
        assert_eq!((files.previous(5), files.previous(4), files.previous(6)), (Some(4), Some(5), None));
        fs::remove_file(files.path(4)).unwrap();
        assert_eq!(files.previous(5), None, "its file is gone");
    }

    #[test]
    fn a_number_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), &[]);
        assert_eq!(files.next(1), 2);
        let files = made(folder.path(), &[4, 7]);
        files.set_current(4).unwrap();
        assert_eq!((files.current().unwrap(), files.next(4)), (4, 8));
    }

    #[test]
    fn what_is_not_kept_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), &[1, 2, 3]);
        fs::write(folder.path().join("000001.db-wal"), "").unwrap();
        files.remove_all_but(&[2, 3]);
        assert!(!files.path(1).exists() && files.path(2).exists() && files.path(3).exists());
        assert!(!folder.path().join("000001.db-wal").exists());
    }
}
