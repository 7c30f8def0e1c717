//! Where rows are read from: files and standard input, as they are or gzipped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use indicatif::ProgressBar;

use super::ImportError;

const BUFFER_BYTES: usize = 256 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file that is there and can be read.
pub struct Source {
    /// As it was given, for messages.
    pub shown: Arc<str>,
    /// Without its folders: what `{file}` stands for.
    pub name: Arc<str>,
    input: Box<dyn Read + Send>,
    /// `None` if nobody knows.
    pub bytes: Option<u64>,
}

impl Source {
    /// `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        if path == Path::new("-") {
            return Ok(Self { shown: "stdin".into(), name: "stdin".into(), input: Box::new(io::stdin()), bytes: None });
        }
        let unreadable = |source| ImportError::Open { file: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        let bytes = metadata.is_file().then_some(metadata.len());
        Ok(Self { shown: (&*path.to_string_lossy()).into(), name: (&*name).into(), input: Box::new(file), bytes })
    }

    /// The text, unpacked; `bar` follows the bytes of the file itself.
    pub fn text(self, bar: &ProgressBar) -> io::Result<Box<dyn BufRead + Send>> {
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, bar.wrap_read(self.input));
        let mut magic = raw.fill_buf()?;
        if magic.len() == 1 {
            // A pipe may give its first byte alone.
            let first = magic[0];
            raw.consume(1);
            let mut chained = BufReader::with_capacity(BUFFER_BYTES, io::Cursor::new([first]).chain(raw));
            let mut second = Vec::new();
            Read::take(&mut chained, 2).read_to_end(&mut second)?;
            let packed = second == GZIP_MAGIC;
            return Ok(unpack(io::Cursor::new(second).chain(chained), packed));
        }
        magic = &magic[..magic.len().min(2)];
        let packed = magic == GZIP_MAGIC;
        Ok(unpack(raw, packed))
    }
}

fn unpack(raw: impl BufRead + Send + 'static, packed: bool) -> Box<dyn BufRead + Send> {
    if packed { Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(raw))) } else { Box::new(raw) }
}

/// All sources, before any is read: one that is not there stops the import before it begins.
pub fn open_all(files: &[PathBuf]) -> Result<Vec<Source>, ImportError> {
    files.iter().map(|file| Source::open(file)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: Vec<u8>, at_once: bool) -> String {
        let input: Box<dyn Read + Send> = if at_once {
            Box::new(io::Cursor::new(bytes))
        } else {
            let (first, rest) = bytes.split_at(1);
            Box::new(io::Cursor::new(first.to_vec()).chain(io::Cursor::new(rest.to_vec())))
        };
        let source = Source { shown: "f".into(), name: "f".into(), input, bytes: None };
        let mut text = String::new();
        source.text(&ProgressBar::hidden()).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"a b\n").unwrap();
        let packed = packed.finish().unwrap();
        for at_once in [true, false] {
            assert_eq!(read(packed.clone(), at_once), "a b\n");
            assert_eq!(read(b"a b\n".to_vec(), at_once), "a b\n");
        }
        assert_eq!(read(Vec::new(), true), "");
        assert_eq!(read(b"a".to_vec(), true), "a");
    }
}
