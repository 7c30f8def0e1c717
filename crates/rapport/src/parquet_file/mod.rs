//! Typed rows into a Parquet file, in row groups of a bounded size.
//!
//! Whoever reads it sees what the values are: moments in UTC to the nanosecond, amounts as exact decimals. What is written
//! is held in memory one row group at a time; a file is readable once [`ParquetWriter::finish`] has ended it.

mod buffered;
mod row_group;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use rapport_touchpoint::Timestamp;

pub use self::row_group::RowGroup;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Letters, digits and `_`.
    pub name: &'static str,
    pub kind: Kind,
    /// May it be [`Cell::Nothing`]? A list is empty instead.
    pub optional: bool,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// UTF-8 that is JSON.
    Json,
    /// A list of texts.
    Texts,
    /// 64 bits.
    Integer,
    /// 64 bits without a sign.
    Count,
    Flag,
    /// Nanoseconds since 1970 in UTC.
    Moment,
    /// Days since 1970.
    Day,
    /// Millionths, as `DECIMAL(38, 6)`.
    Amount,
}

/// What stands in one row of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    Nothing,
    /// Of a column of [`Kind::Text`] or [`Kind::Json`].
    Text(Cow<'a, str>),
    Texts(Vec<Cow<'a, str>>),
    Integer(i64),
    Count(u64),
    Flag(bool),
    Moment(Timestamp),
    Day(i32),
    /// In millionths.
    Amount(i128),
}

impl Column {
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, optional: false }
    }

    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, optional: true }
    }
}

impl<'a> Cell<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Of a value that may not be there.
    pub fn or_nothing(cell: Option<Self>) -> Self {
        cell.unwrap_or(Self::Nothing)
    }
}

/// Rows on their way into `out`.
pub struct ParquetWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    held: RowGroup,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let schema = parse_message_type(&message(columns)).map_err(io_error)?;
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties(columns)));
        Ok(Self { writer: writer.map_err(io_error)?, held: RowGroup::new(columns) })
    }

    /// Adds a row: a cell for each column, of its kind and in their order.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = Cell<'a>>) -> io::Result<()> {
        self.held.push(row);
        if self.held.is_full() { write(&mut self.writer, &mut self.held) } else { Ok(()) }
    }

    /// Writes rows of the same columns that were gathered elsewhere; then there are none.
    pub fn write(&mut self, rows: &mut RowGroup) -> io::Result<()> {
        write(&mut self.writer, rows)
    }

    /// Ends the file: from here on it can be read.
    pub fn finish(mut self) -> io::Result<W> {
        write(&mut self.writer, &mut self.held)?;
        self.writer.into_inner().map_err(io_error)
    }
}

fn write<W: Write + Send>(writer: &mut SerializedFileWriter<W>, rows: &mut RowGroup) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut group = writer.next_row_group().map_err(io_error)?;
    rows.write(&mut group).map_err(io_error)?;
    group.close().map(drop).map_err(io_error)
}

/// As Parquet's own text has a schema.
fn message(columns: &[Column]) -> String {
    let mut message = "message rapport {".to_owned();
    for Column { name, kind, optional } in columns {
        let repetition = if *optional { "optional" } else { "required" };
        let (physical, logical) = match kind {
            Kind::Texts => {
                assert!(!optional, "a list is empty where there is nothing");
                let _ = write!(
                    message,
                    "required group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
                );
                continue;
            }
            Kind::Text => ("binary", " (STRING)"),
            Kind::Json => ("binary", " (JSON)"),
            Kind::Integer => ("int64", ""),
            Kind::Count => ("int64", " (INTEGER(64,false))"),
            Kind::Flag => ("boolean", ""),
            Kind::Moment => ("int64", " (TIMESTAMP(NANOS,true))"),
            Kind::Day => ("int32", " (DATE)"),
            Kind::Amount => ("fixed_len_byte_array(16)", " (DECIMAL(38,6))"),
        };
        let _ = write!(message, "{repetition} {physical} {name}{logical};");
    }
    message.push('}');
    message
}

fn properties(columns: &[Column]) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("rapport ", env!("CARGO_PKG_VERSION")).to_owned());
    // No two JSON texts are alike, and the least of them says nothing.
    let of_json = columns.iter().filter(|column| column.kind == Kind::Json);
    of_json
        .fold(builder, |builder, column| {
            let path = ColumnPath::from(column.name);
            builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None)
        })
        .build()
}

/// The disk's own error, where it was the disk.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}
