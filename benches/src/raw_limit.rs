//! What the disk and SQLite do at best: the same events appended to one table with one unique index, and nothing else.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, params};
use serde::Deserialize;

use crate::Result;

const TRANSACTION_EVENTS: usize = 1_000;

/// Events appended and the time that the transactions took; reading the file is not counted.
#[derive(Debug, Clone, Copy)]
pub struct Appended {
    pub events: u64,
    pub elapsed: Duration,
}

/// What names an event.
#[derive(Deserialize)]
struct Name {
    source: String,
    id: String,
}

/// Appends the lines of an NDJSON file of CloudEvents, synced as the embedded log is: WAL, `synchronous=FULL`.
pub fn append(lines: &Path, folder: &Path) -> Result<Appended> {
    let mut connection = Connection::open(folder.join("raw.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE events (position INTEGER PRIMARY KEY, name BLOB UNIQUE, json BLOB)")?;
    let mut lines = BufReader::new(File::open(lines)?).lines();
    let mut appended = Appended { events: 0, elapsed: Duration::ZERO };
    loop {
        let mut chunk = Vec::with_capacity(TRANSACTION_EVENTS);
        for line in lines.by_ref().take(TRANSACTION_EVENTS) {
            let line = line?;
            let Name { source, id } = serde_json::from_str(&line)?;
            chunk.push((blake3::hash(format!("{source}\0{id}").as_bytes()), line));
        }
        if chunk.is_empty() {
            return Ok(appended);
        }
        let began = Instant::now();
        let transaction = connection.transaction()?;
        insert(&transaction, &chunk)?;
        transaction.commit()?;
        appended.elapsed += began.elapsed();
        appended.events += chunk.len() as u64;
    }
}

fn insert(transaction: &Transaction<'_>, chunk: &[(blake3::Hash, String)]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO events (name, json) VALUES (?, ?)")?;
    for (name, json) in chunk {
        insert.execute(params![&name.as_bytes()[..16], json.as_bytes()])?;
    }
    Ok(())
}
