//! Many rows of one table, several with one statement: with one each, a third of the time goes into the statements.

use rusqlite::Transaction;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::error::Result;

/// Rows of one statement. More gain nothing.
const TOGETHER: usize = 16;

/// Rows that are gathered before they are inserted, where they come one by one.
pub(crate) const GATHERED: usize = 1024;

/// Inserts rows with these values, in their order.
pub(crate) fn insert_all<R, const COLUMNS: usize>(
    tx: &Transaction<'_>,
    table: &str,
    rows: &[R],
    values: impl for<'r> Fn(&'r R) -> [ValueRef<'r>; COLUMNS],
) -> Result<()> {
    let (whole, rest) = rows.split_at(rows.len() - rows.len() % TOGETHER);
    for (together, rows) in [(TOGETHER, whole), (1, rest)].into_iter().filter(|(_, rows)| !rows.is_empty()) {
        let row = format!("({})", ["?"; COLUMNS].join(", "));
        let sql = format!("INSERT INTO {table} VALUES {}", vec![row; together].join(", "));
        let mut insert = tx.prepare_cached(&sql)?;
        for rows in rows.chunks(together) {
            for (place, value) in (1..).zip(rows.iter().flat_map(&values)) {
                insert.raw_bind_parameter(place, ToSqlOutput::Borrowed(value))?;
            }
            insert.raw_execute()?;
        }
    }
    Ok(())
}

/// As SQLite has it.
pub(crate) fn position(position: u64) -> ValueRef<'static> {
    ValueRef::Integer(i64::try_from(position).expect("a position of a log is below 2^63"))
}
