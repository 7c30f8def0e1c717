//! Rows that are held in memory until they are written together.

use std::io::Write;

use parquet::errors::Result;
use parquet::file::writer::SerializedRowGroupWriter;

use super::buffered::Buffered;
use super::{Cell, Column};

/// One of these fills a row group: rows enough for its statistics to be worth reading, bytes few enough to be held.
const ROWS: usize = 250_000;
const BYTES: usize = 64 * 1024 * 1024;

pub struct RowGroup {
    columns: Vec<Buffered>,
    rows: usize,
    bytes: usize,
}

impl RowGroup {
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.iter().copied().map(Buffered::new).collect(), rows: 0, bytes: 0 }
    }

    /// Adds a row: a cell for each column, of its kind and in their order.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = Cell<'a>>) {
        let mut columns = self.columns.iter_mut();
        for cell in row {
            let column = columns.next().expect("a row has a cell for each column and no more");
            self.bytes += column.push(cell);
        }
        assert!(columns.next().is_none(), "a row has a cell for each column");
        self.rows += 1;
    }

    /// About how much memory the rows take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Writes all rows; then there are none.
    pub(super) fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        for column in &mut self.columns {
            let mut writer = group.next_column()?.expect("the file has the same columns");
            column.write(&mut writer)?;
            writer.close()?;
        }
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}
