//! Records in the order in which they came: written once, read through as often as one likes.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use super::error::{Result, in_file};

const AT_ONCE: usize = 1024 * 1024;

pub(super) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    records: u64,
}

impl Spool {
    pub fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(in_file(&path))?;
        Ok(Self { file: BufWriter::with_capacity(AT_ONCE, file), path, bytes: 0, records: 0 })
    }

    /// A record in parts.
    pub fn push(&mut self, parts: &[&[u8]]) -> Result<()> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length).expect("a record has a limit");
        self.records += 1;
        self.bytes += 4 + u64::from(length);
        let mut write = || {
            self.file.write_all(&length.to_be_bytes())?;
            parts.iter().try_for_each(|part| self.file.write_all(part))
        };
        write().map_err(in_file(&self.path))
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn written(self) -> Result<Spooled> {
        let Self { path, file, bytes, records } = self;
        file.into_inner().map_err(|error| in_file(&path)(error.into_error()))?;
        Ok(Spooled { path, bytes, records })
    }
}

pub(super) struct Spooled {
    path: PathBuf,
    bytes: u64,
    records: u64,
}

impl Spooled {
    pub fn records(&self) -> u64 {
        self.records
    }

    /// It is not read any more.
    pub fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(in_file(&self.path))
    }

    pub fn read(&self) -> Result<Reading> {
        let file = File::open(&self.path).map_err(in_file(&self.path))?;
        let file = BufReader::with_capacity(AT_ONCE, file);
        Ok(Reading { path: self.path.clone(), file, left: self.bytes, record: Vec::new() })
    }
}

pub(super) struct Reading {
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
    record: Vec<u8>,
}

impl Reading {
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut length = [0; 4];
        self.file.read_exact(&mut length).map_err(in_file(&self.path))?;
        let length = u32::from_be_bytes(length);
        self.record.resize(length as usize, 0);
        self.file.read_exact(&mut self.record).map_err(in_file(&self.path))?;
        self.left -= 4 + u64::from(length);
        Ok(Some(&self.record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_the_order_in_which_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path().join("spool")).unwrap();
        for number in 0..10_000_u32 {
            spool.push(&[&number.to_be_bytes(), &vec![b'x'; number as usize % 300]]).unwrap();
        }
        let spooled = spool.written().unwrap();
        for _ in 0..2 {
            let mut reading = spooled.read().unwrap();
            for number in 0..10_000_u32 {
                let record = reading.next().unwrap().unwrap();
                assert_eq!((&record[..4], record.len()), (&number.to_be_bytes()[..], 4 + number as usize % 300));
            }
            assert!(reading.next().unwrap().is_none());
        }
    }
}
