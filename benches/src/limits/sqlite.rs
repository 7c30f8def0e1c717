//! What the disk and SQLite do at best: the same events appended to one table with one unique index, and nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, params};

use super::Message;
use crate::Result;

/// Appends in synced transactions of so many, as the embedded log is synced: WAL, `synchronous=FULL`.
pub fn append(events: &[Message], transaction_events: usize, folder: &Path) -> Result<Duration> {
    let mut connection = Connection::open(folder.join("raw.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 8000)?;
    connection.execute_batch("CREATE TABLE events (position INTEGER PRIMARY KEY, name BLOB UNIQUE, json BLOB)")?;
    let began = Instant::now();
    for chunk in events.chunks(transaction_events) {
        let transaction = connection.transaction()?;
        insert(&transaction, chunk)?;
        transaction.commit()?;
    }
    Ok(began.elapsed())
}

fn insert(transaction: &Transaction<'_>, chunk: &[Message]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO events (name, json) VALUES (?, ?)")?;
    for Message { name, json, .. } in chunk {
        insert.execute(params![&name[..], &json[..]])?;
    }
    Ok(())
}
