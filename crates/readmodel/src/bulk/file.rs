//! The file while nobody reads it: written without a journal, and indexed when the rows are there.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::error::Result;

/// Of page cache. What is written in order needs little.
const CACHE_KIB: i64 = 24 * 1024;
/// From one look to the next whether there is something to be put on the disk.
const PAUSE: Duration = Duration::from_millis(50);

/// The indexes that were taken away: of which table, and in SQL.
#[derive(Clone)]
pub(super) struct Indexes(Vec<(String, String)>);

/// A crash leaves a file that is thrown away, so nothing is written twice, or waited for, to get back from one.
pub(super) fn prepare(connection: &Connection) -> Result<Indexes> {
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // Indexes are sorted there.
    connection.pragma_update(None, "temp_store", "FILE")?;
    let mut find = connection.prepare(
        "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid",
    )?;
    let rows = find.query_map([], |row| Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?))))?;
    let found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for (name, _) in &found {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    Ok(Indexes(found.into_iter().map(|(_, index)| index).collect()))
}

impl Indexes {
    /// Those of these tables, whose rows are there, and those of all others.
    pub fn part(self, tables: &[&str]) -> (Self, Self) {
        let (these, others) = self.0.into_iter().partition(|(table, _)| tables.contains(&table.as_str()));
        (Self(these), Self(others))
    }

    pub fn make(&self, connection: &Connection) -> Result<()> {
        for (_, sql) in &self.0 {
            connection.execute_batch(sql)?;
        }
        Ok(())
    }
}

/// Puts on the disk what is written of a file while more is written, so that little is left to wait for at the end.
pub(super) struct Flushing {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flushing {
    pub fn start(file: &Path) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (file, told) = (file.to_owned(), is_over.clone());
        let flush = move || {
            let Ok(file) = File::open(file) else { return };
            // One that fails is found when the file is completed.
            while !told.load(Ordering::Relaxed) && file.sync_data().is_ok() {
                std::thread::park_timeout(PAUSE);
            }
        };
        let thread = std::thread::Builder::new().name("bulk-flush".to_owned()).spawn(flush).ok();
        Self { is_over, thread }
    }
}

impl Drop for Flushing {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
