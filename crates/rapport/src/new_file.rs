//! A file that appears under its name once it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Fewer and larger writes than usual: what goes into such a file may be a whole log.
const BUFFER_BYTES: usize = 256 * 1024;

/// Written beside its place; gone if it is dropped before it is complete.
pub struct NewFile {
    place: PathBuf,
    temporary: BufWriter<NamedTempFile<File>>,
}

impl NewFile {
    /// In the folder of `place`, so that it can be renamed; with the rights that any new file gets.
    pub fn beside(place: &Path) -> io::Result<Self> {
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = place.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
        let temporary = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".partial")
            .make_in(folder, |path| OpenOptions::new().write(true).create_new(true).open(path))?;
        Ok(Self { place: place.to_owned(), temporary: BufWriter::with_capacity(BUFFER_BYTES, temporary) })
    }

    /// Gives it its name; a file that is there is replaced only if that is wanted.
    pub fn complete(self, replace: bool) -> io::Result<()> {
        let temporary = self.temporary.into_inner().map_err(io::IntoInnerError::into_error)?;
        temporary.as_file().sync_all()?;
        let kept = if replace { temporary.persist(&self.place) } else { temporary.persist_noclobber(&self.place) };
        kept.map(drop).map_err(|error| error.error)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.txt");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let written = |text: &str| {
            let mut file = NewFile::beside(&place).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        drop(written("never"));
        assert_eq!(names(), 0);
        written("first").complete(false).unwrap();
        assert_eq!(written("second").complete(false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&place).unwrap(), "first");
        written("third").complete(true).unwrap();
        assert_eq!((fs::read_to_string(&place).unwrap().as_str(), names()), ("third", 1));
    }
}
