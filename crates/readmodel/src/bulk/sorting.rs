//! Sorting more records than memory holds: stretches of them are sorted in memory, lie in a file one behind the other, and
//! are merged when they are read.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::slice::ParallelSliceMut;

use super::error::{BulkError, Result, in_file};

/// Of a sorted stretch, what is read at once: between these, so that all together stay within [`MOST_READ_AHEAD`].
const LEAST_READ: usize = 16 * 1024;
const MOST_READ: usize = 256 * 1024;
const MOST_READ_AHEAD: usize = 24 * 1024 * 1024;
const WRITTEN_AT_ONCE: usize = 1024 * 1024;

/// Before each record: the lengths of its key (2 bytes) and of the rest (4 bytes).
const HEADER: usize = 6;

/// Takes records in any order. They compare by their keys, as bytes; of equal keys the first that came is the first.
pub(super) struct Sorter {
    path: PathBuf,
    most_bytes: usize,
    bytes: Vec<u8>,
    places: Vec<Place>,
    file: Option<BufWriter<File>>,
    stretches: Vec<Range<u64>>,
}

/// Where a record stands in memory, and how its key begins.
#[derive(Clone, Copy)]
pub(super) struct Place {
    begins: Beginning,
    at: u32,
}

/// The first 16 bytes of a key: mostly all that has to be compared.
type Beginning = [u64; 2];

/// One record, as it was pushed.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub key: &'a [u8],
    pub rest: &'a [u8],
}

impl Sorter {
    /// Holds about so many bytes of records in memory.
    pub fn new(path: PathBuf, most_bytes: usize) -> Self {
        Self { path, most_bytes, bytes: Vec::new(), places: Vec::new(), file: None, stretches: Vec::new() }
    }

    /// A key of at most 65,535 bytes, and what goes with it; both in parts.
    pub fn push(&mut self, key: &[&[u8]], rest: &[&[u8]]) -> Result<()> {
        if self.bytes.len() >= self.most_bytes {
            self.write_stretch()?;
        }
        let at = self.bytes.len();
        let length = |parts: &[&[u8]]| parts.iter().map(|part| part.len()).sum::<usize>();
        let (of_key, of_rest) = (length(key), length(rest));
        self.bytes.extend_from_slice(&u16::try_from(of_key).expect("a key is short").to_be_bytes());
        self.bytes.extend_from_slice(&u32::try_from(of_rest).expect("a record has a limit").to_be_bytes());
        for part in key.iter().chain(rest) {
            self.bytes.extend_from_slice(part);
        }
        let begins = beginning(&self.bytes[at + HEADER..at + HEADER + of_key]);
        self.places.push(Place { begins, at: u32::try_from(at).expect("what is held in memory has a limit") });
        Ok(())
    }

    /// Takes no more. What was never too much for memory stays there.
    pub fn sorted(mut self) -> Result<Sorted> {
        if self.file.is_some() {
            self.write_stretch()?;
        } else {
            self.sort();
        }
        let Self { path, bytes, places, file, stretches, .. } = self;
        let Some(file) = file else { return Ok(Sorted::InMemory { bytes, places }) };
        file.into_inner().map_err(|error| in_file(&path)(error.into_error()))?;
        Ok(Sorted::OnDisk(OnDisk { path, stretches }))
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.places.par_sort_unstable_by(|left, right| {
            let by_key = || record_at(bytes, left.at as usize).key.cmp(record_at(bytes, right.at as usize).key);
            left.begins.cmp(&right.begins).then_with(by_key).then(left.at.cmp(&right.at))
        });
    }

    fn write_stretch(&mut self) -> Result<()> {
        self.sort();
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::create(&self.path).map_err(in_file(&self.path))?;
                self.file.insert(BufWriter::with_capacity(WRITTEN_AT_ONCE, file))
            }
        };
        let begin = self.stretches.last().map_or(0, |before| before.end);
        let mut end = begin;
        for place in &self.places {
            let record = &self.bytes[place.at as usize..][..size_at(&self.bytes, place.at as usize)];
            file.write_all(record).map_err(in_file(&self.path))?;
            end += record.len() as u64;
        }
        self.stretches.push(begin..end);
        self.bytes.clear();
        self.places.clear();
        Ok(())
    }
}

fn beginning(key: &[u8]) -> Beginning {
    let mut padded = [0; 16];
    let known = key.len().min(16);
    padded[..known].copy_from_slice(&key[..known]);
    let (one, other) = padded.split_at(8);
    [one, other].map(|half| u64::from_be_bytes(half.try_into().expect("half of 16 bytes")))
}

/// Of the record with its header.
fn size_at(bytes: &[u8], at: usize) -> usize {
    let (key, rest) = lengths(&bytes[at..at + HEADER]);
    HEADER + key + rest
}

fn lengths(header: &[u8]) -> (usize, usize) {
    let key = u16::from_be_bytes([header[0], header[1]]);
    let rest = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
    (usize::from(key), rest as usize)
}

fn record_at(bytes: &[u8], at: usize) -> Record<'_> {
    let (key, rest) = lengths(&bytes[at..at + HEADER]);
    let (key, behind) = bytes[at + HEADER..].split_at(key);
    Record { key, rest: &behind[..rest] }
}

/// All records in order, to be read as often as one likes.
pub(super) enum Sorted {
    InMemory { bytes: Vec<u8>, places: Vec<Place> },
    OnDisk(OnDisk),
}

pub(super) struct OnDisk {
    path: PathBuf,
    stretches: Vec<Range<u64>>,
}

impl Drop for OnDisk {
    /// What is not read any more need not be written either.
    fn drop(&mut self) {
        // At the end it goes with the folder.
        let _ = fs::remove_file(&self.path);
    }
}

impl Sorted {
    pub fn read(&self) -> Result<Merge<'_>> {
        match self {
            Self::InMemory { bytes, places } => Ok(Merge::InMemory { bytes, places: places.iter() }),
            Self::OnDisk(OnDisk { path, stretches }) => Heads::of(path, stretches).map(Merge::OnDisk),
        }
    }
}

/// Reads them one after the other.
pub(super) enum Merge<'a> {
    InMemory { bytes: &'a [u8], places: std::slice::Iter<'a, Place> },
    OnDisk(Heads),
}

impl Merge<'_> {
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        match self {
            Self::InMemory { bytes, places } => Ok(places.next().map(|place| record_at(bytes, place.at as usize))),
            Self::OnDisk(heads) => heads.next(),
        }
    }
}

/// The next record of each stretch; a heap of them, the smallest first.
pub(super) struct Heads {
    path: PathBuf,
    file: File,
    stretches: Vec<Stretch>,
    heap: Vec<usize>,
    /// The smallest one was given away.
    is_taken: bool,
}

struct Stretch {
    /// What is still to be read.
    left: Range<u64>,
    bytes: Vec<u8>,
    at: usize,
    begins: Beginning,
}

impl Heads {
    fn of(path: &Path, stretches: &[Range<u64>]) -> Result<Self> {
        let file = File::open(path).map_err(in_file(path))?;
        let at_once = (MOST_READ_AHEAD / stretches.len().max(1)).clamp(LEAST_READ, MOST_READ);
        let stretches = stretches.iter().map(|left| Stretch {
            left: left.clone(),
            bytes: Vec::with_capacity(at_once),
            at: 0,
            begins: Beginning::default(),
        });
        let mut heads =
            Self { path: path.to_owned(), file, stretches: stretches.collect(), heap: Vec::new(), is_taken: false };
        for at in 0..heads.stretches.len() {
            if heads.stretches[at].fill(&heads.file, &heads.path)? {
                heads.heap.push(at);
            }
        }
        for at in (0..heads.heap.len() / 2).rev() {
            heads.sink(at);
        }
        Ok(heads)
    }

    fn next(&mut self) -> Result<Option<Record<'_>>> {
        if std::mem::replace(&mut self.is_taken, true)
            && let Some(&first) = self.heap.first()
        {
            let stretch = &mut self.stretches[first];
            stretch.at += size_at(&stretch.bytes, stretch.at);
            if !stretch.fill(&self.file, &self.path)? {
                self.heap.swap_remove(0);
            }
            self.sink(0);
        }
        Ok(self.heap.first().map(|first| self.stretches[*first].record()))
    }

    /// Lets the head at this place of the heap sink to where it belongs.
    fn sink(&mut self, mut at: usize) {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let mut smallest = at;
            for child in [left, right] {
                if child < self.heap.len() && self.compare(child, smallest) == Ordering::Less {
                    smallest = child;
                }
            }
            if smallest == at {
                return;
            }
            self.heap.swap(at, smallest);
            at = smallest;
        }
    }

    fn compare(&self, one: usize, other: usize) -> Ordering {
        let (one, other) = (self.heap[one], self.heap[other]);
        let (left, right) = (&self.stretches[one], &self.stretches[other]);
        let by_key = || left.record().key.cmp(right.record().key);
        left.begins.cmp(&right.begins).then_with(by_key).then(one.cmp(&other))
    }
}

impl Stretch {
    fn record(&self) -> Record<'_> {
        record_at(&self.bytes, self.at)
    }

    /// Sees to it that the record at `at` is whole in memory; `false` if there is none any more.
    fn fill(&mut self, file: &File, path: &Path) -> Result<bool> {
        loop {
            let here = self.bytes.len() - self.at;
            let wanted = if here < HEADER { HEADER } else { size_at(&self.bytes, self.at) };
            if here >= HEADER && here >= wanted {
                self.begins = beginning(self.record().key);
                return Ok(true);
            }
            if self.left.is_empty() {
                return if here == 0 { Ok(false) } else { Err(BulkError::torn(path.display())) };
            }
            self.bytes.drain(..self.at);
            self.at = 0;
            let most = self.bytes.capacity().max(wanted);
            let more = (most - here).min(usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX));
            self.bytes.resize(here + more, 0);
            read_at(file, self.left.start, &mut self.bytes[here..]).map_err(in_file(path))?;
            self.left.start += more as u64;
        }
    }
}

fn read_at(mut file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of one to three bytes in a small alphabet, so that many are equal or begin alike.
    fn records(seed: u64, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let one = |at: usize| {
            let key = (0..1 + next() % 20).map(|_| b'a' + (next() % 2) as u8).collect();
            (key, [at.to_string().into_bytes(), vec![b'.'; next() % 50]].concat())
        };
        (0..count).map(one).collect()
    }

    fn check(most_bytes: usize, count: usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut records = records(count as u64, count);
        let mut sorter = Sorter::new(folder.path().join("sorted"), most_bytes);
        for (key, rest) in &records {
            let (one, other) = key.split_at(key.len() / 2);
            sorter.push(&[one, other], &[rest]).unwrap();
        }
        records.sort_by(|left, right| left.0.cmp(&right.0));
        let sorted = sorter.sorted().unwrap();
        for _ in 0..2 {
            let mut merge = sorted.read().unwrap();
            for (key, rest) in &records {
                let record = merge.next().unwrap().unwrap();
                assert_eq!((record.key, record.rest), (&key[..], &rest[..]));
            }
            assert!(merge.next().unwrap().is_none());
            assert!(merge.next().unwrap().is_none());
        }
    }

    #[test]
    fn what_fits_into_memory_is_sorted_there() {
        check(1 << 20, 0);
        check(1 << 20, 1);
        check(1 << 20, 1_000);
    }

    #[test]
    fn what_does_not_is_merged_from_the_disk() {
        check(1, 100);
        check(100, 1_000);
        check(20_000, 5_000);
    }

    #[test]
    fn a_record_may_be_larger_than_what_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path().join("sorted"), 1);
        let large = vec![7; 3 * MOST_READ];
        for key in [b"b", b"a", b"c"] {
            sorter.push(&[key], &[&large]).unwrap();
        }
        let sorted = sorter.sorted().unwrap();
        let mut merge = sorted.read().unwrap();
        for key in [b"a", b"b", b"c"] {
            let record = merge.next().unwrap().unwrap();
            assert_eq!((record.key, record.rest), (&key[..], &large[..]));
        }
    }
}
