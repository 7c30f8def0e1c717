//! A folder of tables, one folder in it for each day: `day=2026-11-21/part-0.parquet`.
//!
//! Rows are gathered by day, and written when together they take much memory: those of the day that has most. So a log that
//! jumps about in time has few row groups, and no day needs more than its share.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::new_folder::NewFolder;
use crate::parquet_file::{Cell, Column, ParquetWriter, RowGroup};

/// Of all days together.
const MAX_HELD_BYTES: usize = 128 * 1024 * 1024;
/// Files that are written at a time; beyond that one is ended, and its day gets another part.
const MAX_OPEN: usize = 256;
/// As those who read such folders call the absence of a value.
const NO_DAY: &str = "__HIVE_DEFAULT_PARTITION__";

pub(super) struct Partitions {
    folder: NewFolder,
    columns: &'static [Column],
    /// By the name of its folder.
    days: BTreeMap<String, Day>,
    held_bytes: usize,
    /// Files that were opened, so that the one that has waited longest is known.
    opened: u64,
}

struct Day {
    held: RowGroup,
    parts: usize,
    file: Option<(u64, Box<ParquetWriter<File>>)>,
}

impl Partitions {
    pub(super) fn beside(place: &Path, columns: &'static [Column]) -> io::Result<Self> {
        let folder = NewFolder::beside(place)?;
        Ok(Self { folder, columns, days: BTreeMap::new(), held_bytes: 0, opened: 0 })
    }

    /// Takes a row, which belongs to the day of its `time`.
    pub(super) fn push<'a, const N: usize>(&mut self, row: [Cell<'a>; N]) -> io::Result<()> {
        let time = self.columns.iter().position(|column| column.name == "time").expect("a touchpoint has a time");
        let name = match &row[time] {
            Cell::Moment(moment) => {
                let text = moment.to_string();
                format!("day={}", text.split('T').next().unwrap_or_default())
            }
            _ => format!("day={NO_DAY}"),
        };
        let columns = self.columns;
        let day = self.days.entry(name).or_insert_with(|| Day { held: RowGroup::new(columns), parts: 0, file: None });
        let before = day.held.bytes();
        day.held.push(row);
        self.held_bytes += day.held.bytes() - before;
        match self.held_bytes > MAX_HELD_BYTES || day.held.is_full() {
            true => self.write_largest(),
            false => Ok(()),
        }
    }

    fn write_largest(&mut self) -> io::Result<()> {
        let largest = self.days.iter().max_by_key(|(_, day)| day.held.bytes()).map(|(name, _)| name.clone());
        let Some(name) = largest else { return Ok(()) };
        if self.days.values().filter(|day| day.file.is_some()).count() >= MAX_OPEN {
            let waiting = |day: &&mut Day| day.file.as_ref().map_or(u64::MAX, |(opened, _)| *opened);
            if let Some(day) = self.days.values_mut().min_by_key(waiting) {
                end(day)?;
            }
        }
        self.opened += 1;
        let Some(day) = self.days.get_mut(&name) else { return Ok(()) };
        self.held_bytes -= day.held.bytes();
        day.write(&self.folder.path().join(&name), self.columns, self.opened)
    }

    pub(super) fn complete(mut self) -> io::Result<()> {
        for (name, day) in &mut self.days {
            let folder = self.folder.path().join(name);
            self.opened += 1;
            day.write(&folder, self.columns, self.opened)?;
            end(day)?;
            File::open(&folder)?.sync_all()?;
        }
        self.folder.complete()
    }
}

impl Day {
    fn write(&mut self, folder: &Path, columns: &[Column], opened: u64) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let (_, mut writer) = match self.file.take() {
            Some(file) => file,
            None => {
                fs::create_dir_all(folder)?;
                let path: PathBuf = folder.join(format!("part-{}.parquet", self.parts));
                self.parts += 1;
                (opened, Box::new(ParquetWriter::new(File::create_new(path)?, columns)?))
            }
        };
        writer.write(&mut self.held)?;
        self.file = Some((opened, writer));
        Ok(())
    }
}

fn end(day: &mut Day) -> io::Result<()> {
    match day.file.take() {
        Some((_, writer)) => writer.finish()?.sync_all(),
        None => Ok(()),
    }
}
