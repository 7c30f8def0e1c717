//! A folder that appears under its name once all its files are complete.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Filled beside its place; gone, with all that is in it, if it is dropped before it is complete.
pub struct NewFolder {
    place: PathBuf,
    temporary: PathBuf,
    complete: bool,
}

impl NewFolder {
    /// In the folder of `place`, so that it can be renamed.
    pub fn beside(place: &Path) -> io::Result<Self> {
        let above = above(place);
        let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let temporary = above.join(format!(".{name}.{}.partial", Uuid::new_v4().simple()));
        fs::create_dir(&temporary)?;
        Ok(Self { place: place.to_owned(), temporary, complete: false })
    }

    /// Where its files are put until it is complete.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives it its name, which nothing may have yet. Its files are synced by whoever wrote them.
    pub fn complete(mut self) -> io::Result<()> {
        if fs::symlink_metadata(&self.place).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        File::open(&self.temporary)?.sync_all()?;
        fs::rename(&self.temporary, &self.place)?;
        self.complete = true;
        File::open(above(&self.place))?.sync_all()
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.complete {
            // What cannot be removed lies there under a name that says what it is.
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// The folder that it lies in.
fn above(place: &Path) -> &Path {
    place.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("days");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let written = |text: &str| {
            let new = NewFolder::beside(&place).unwrap();
            fs::write(new.path().join("a"), text).unwrap();
            new
        };
        drop(written("never"));
        assert_eq!(names(), 0);
        written("first").complete().unwrap();
        assert_eq!(written("second").complete().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read_to_string(place.join("a")).unwrap().as_str(), names()), ("first", 1));
    }
}
