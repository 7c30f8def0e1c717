//! A table for analysts read to its end, in one read transaction.

use rapport_touchpoint::{NANOS_PER_DAY, Timestamp};
use rusqlite::Row;

use super::{AnalystTable, Column, ColumnKind};
use crate::Picture;
use crate::error::{ReadModelError, Result};

/// Rows that are given together,
const MOST_ROWS: usize = 2_000;
/// unless their texts are this long before.
const MOST_BYTES: usize = 1024 * 1024;

/// Some rows of a table, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub rows: usize,
    /// In the order of the table's columns.
    pub columns: Vec<Values>,
}

/// Numbers, moments, days and flags are integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

impl Picture {
    /// Gives the rows of a table, in no particular order, until `take` says `false`; then so does this.
    pub fn each_row(&self, table: &AnalystTable, mut take: impl FnMut(Rows) -> bool) -> Result<bool> {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let mut find = self.connection.prepare(&format!("SELECT {} FROM {}", names.join(", "), table.view()))?;
        let mut found = find.query([])?;
        let (mut rows, mut bytes) = (Rows::of(table.columns), 0);
        while let Some(row) = found.next()? {
            bytes += rows.add(table, row)?;
            if rows.rows == MOST_ROWS || bytes >= MOST_BYTES {
                if !take(std::mem::replace(&mut rows, Rows::of(table.columns))) {
                    return Ok(false);
                }
                bytes = 0;
            }
        }
        Ok(rows.rows == 0 || take(rows))
    }
}

impl Rows {
    fn of(columns: &[Column]) -> Self {
        let empty = |column: &Column| match column.kind {
            ColumnKind::Text | ColumnKind::Json | ColumnKind::Money => Values::Texts(Vec::new()),
            ColumnKind::Integer | ColumnKind::Flag | ColumnKind::Moment | ColumnKind::Day => {
                Values::Integers(Vec::new())
            }
        };
        Self { rows: 0, columns: columns.iter().map(empty).collect() }
    }

    /// How many bytes of text it has.
    fn add(&mut self, table: &AnalystTable, row: &Row<'_>) -> Result<usize> {
        let mut bytes = 0;
        for (at, (column, values)) in table.columns.iter().zip(&mut self.columns).enumerate() {
            let is_null = match values {
                Values::Texts(texts) => {
                    let text: Option<String> = row.get(at)?;
                    bytes += text.as_ref().map_or(0, String::len);
                    texts.push(text);
                    texts.last().is_none_or(Option::is_none)
                }
                Values::Integers(integers) => {
                    integers.push(integer(table, column, row, at)?);
                    integers.last().is_none_or(Option::is_none)
                }
            };
            if is_null && !column.is_nullable {
                return Err(unfit(table, column, "NULL"));
            }
        }
        self.rows += 1;
        Ok(bytes)
    }
}

fn integer(table: &AnalystTable, column: &Column, row: &Row<'_>, at: usize) -> Result<Option<i64>> {
    let read: fn(&str) -> Option<i64> = match column.kind {
        ColumnKind::Moment => |text| Timestamp::parse(text).ok().map(Timestamp::nanos),
        ColumnKind::Day => |text| {
            let midnight = Timestamp::parse(&format!("{text}T00:00:00Z")).ok()?;
            Some(midnight.nanos() / NANOS_PER_DAY)
        },
        ColumnKind::Text | ColumnKind::Json | ColumnKind::Money | ColumnKind::Integer | ColumnKind::Flag => {
            return Ok(row.get(at)?);
        }
    };
    let text: Option<String> = row.get(at)?;
    text.map(|text| read(&text).ok_or_else(|| unfit(table, column, &text))).transpose()
}

fn unfit(table: &AnalystTable, column: &Column, found: &str) -> ReadModelError {
    ReadModelError::corrupt(format!("{}.{} is {found}", table.view(), column.name))
}
