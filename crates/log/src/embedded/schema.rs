//! The file of an embedded log: its tables, what it says about itself, and how it is opened.
//!
//! `records` is the log, in rising positions. `ids` finds an event by its name: a row per body that came under it; the
//! latest names are not in it yet, and `swept` says from where on ([`Names`]). `kinds` numbers the pairs of channel and
//! type, so that a filter looks at one small integer per record. A record's `trace` is the `traceparent` that it was
//! appended in, if there was one. Files that were made before there were traces or `swept` get them when they are opened,
//! and a program of that time can still use them.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use rapport_touchpoint::{Channel, EventType};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use super::files::Files;
use super::names::{MOST_WAITING, Names};
use crate::{Epoch, OpenError, Position, Tenant};

const FORMAT: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const TABLES: &str = "
    CREATE TABLE about (format INTEGER NOT NULL, tenant TEXT NOT NULL, epoch BLOB NOT NULL, key BLOB NOT NULL) STRICT;
    CREATE TABLE kinds (kind INTEGER PRIMARY KEY, channel TEXT NOT NULL, type TEXT NOT NULL, UNIQUE (channel, type)) STRICT;
    CREATE TABLE records (
        position INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, kind INTEGER NOT NULL, json BLOB NOT NULL, trace TEXT
    ) STRICT;
    CREATE TABLE ids (name BLOB NOT NULL, body BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (name, body))
        STRICT, WITHOUT ROWID;
";

/// An opened file: what is on it, and the right to write it.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) epoch: Epoch,
    pub(super) head: Position,
    pub(super) last_recorded_at: i64,
    pub(super) kinds: Vec<(Channel, EventType)>,
    pub(super) names: Names,
    pub(super) files: Files,
    /// Held as long as the file is written.
    pub(super) lock: Lock,
}

/// The right to write a log's file; nobody else gets it until this is dropped.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file alone would leave the lock to a process that was forked meanwhile, until it runs its program.
        let _ = self.0.unlock();
    }
}

pub(super) fn open(path: &Path, tenant: &Tenant) -> Result<Opened, OpenError> {
    let lock = lock(path)?;
    let storage = |source| OpenError::Storage { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(storage)?;
    configure(&connection).map_err(storage)?;
    if is_empty(&connection).map_err(storage)? {
        create(&mut connection, tenant, &Epoch::new()).map_err(storage)?;
    }
    let epoch = read_about(&connection, path, tenant)?;
    add_trace(&connection).map_err(storage)?;
    let (head, last_recorded_at) = read_end(&connection).map_err(storage)?;
    let kinds = read_kinds(&connection, path)?;
    let names = Names::open(&connection, head, MOST_WAITING).map_err(storage)?;
    let files = Files::of(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    Ok(Opened { connection, epoch, head, last_recorded_at, kinds, names, files, lock })
}

/// A connection that reads while another writes.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// SQLite alone would let a second writer in, to be surprised later.
pub(super) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let lock_path = path.with_extension("lock");
    let folder = |source| OpenError::Folder { path: lock_path.clone(), source };
    let lock = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(Lock(lock)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(folder(source)),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What is acknowledged survives a power cut: the write-ahead log is synced at every commit.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 8000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    // In KiB: names are hashes, so their tree is touched everywhere and wants to stay in memory.
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(())
}

pub(super) fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

pub(super) fn create(connection: &mut Connection, tenant: &Tenant, epoch: &Epoch) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO about (format, tenant, epoch, key) VALUES (?, ?, ?, ?)",
        params![FORMAT, tenant.as_str(), epoch.id.as_bytes(), epoch.key],
    )?;
    crash_point!("log/tables");
    transaction.commit()?;
    crash_point!("log/made");
    Ok(())
}

fn add_trace(connection: &Connection) -> rusqlite::Result<()> {
    let has_it = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('records') WHERE name = 'trace')";
    if !connection.query_row(has_it, [], |row| row.get::<_, bool>(0))? {
        connection.execute_batch("ALTER TABLE records ADD COLUMN trace TEXT")?;
    }
    Ok(())
}

pub(super) fn read_about(connection: &Connection, path: &Path, tenant: &Tenant) -> Result<Epoch, OpenError> {
    let unknown = |found: &dyn std::fmt::Display| OpenError::Format {
        path: path.to_owned(),
        found: found.to_string(),
        known: FORMAT,
    };
    let format: Option<i64> = connection
        .query_row("SELECT format FROM about", [], |row| row.get(0))
        .optional()
        .map_err(|error| unknown(&error))?;
    match format {
        Some(FORMAT) => {}
        Some(other) => return Err(unknown(&format_args!("its format is {other}"))),
        None => return Err(unknown(&"it says nothing about itself")),
    }
    let (found, id, key): (String, [u8; 16], [u8; 32]) = connection
        .query_row("SELECT tenant, epoch, key FROM about", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(|error| unknown(&error))?;
    if found != tenant.as_str() {
        return Err(OpenError::OtherTenant { path: path.to_owned(), found, wanted: tenant.clone() });
    }
    Ok(Epoch { id: Uuid::from_bytes(id), key })
}

pub(super) fn read_end(connection: &Connection) -> rusqlite::Result<(Position, i64)> {
    let last = connection
        .query_row("SELECT position, recorded_at FROM records ORDER BY position DESC LIMIT 1", [], |row| {
            Ok((Position(row.get(0)?), row.get(1)?))
        })
        .optional()?;
    Ok(last.unwrap_or((Position::START, 0)))
}

pub(super) fn read_kinds(connection: &Connection, path: &Path) -> Result<Vec<(Channel, EventType)>, OpenError> {
    let storage = |source| OpenError::Storage { path: path.to_owned(), source };
    let broken = |found: String| OpenError::Format { path: path.to_owned(), found, known: FORMAT };
    let mut statement = connection.prepare("SELECT kind, channel, type FROM kinds ORDER BY kind").map_err(storage)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, usize>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
        .map_err(storage)?;
    let mut kinds = Vec::new();
    for row in rows {
        let (kind, channel, event_type) = row.map_err(storage)?;
        if kind != kinds.len() {
            return Err(broken(format!("kind {} is missing", kinds.len())));
        }
        let parsed = Channel::parse(&channel).and_then(|channel| Ok((channel, EventType::parse(&event_type)?)));
        kinds.push(parsed.map_err(|right| broken(format!("kind {kind} is {channel} {event_type}; {right}")))?);
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `fork` does it: two descriptors of one open file.
    #[test]
    fn a_copy_of_the_descriptor_keeps_no_lock() {
        let file = std::env::temp_dir().join(format!("rapport-lock-{}", Uuid::new_v4()));
        let held = lock(&file).unwrap();
        let forked = held.0.try_clone().unwrap();
        assert!(matches!(lock(&file), Err(OpenError::Locked { .. })));
        drop(held);
        assert!(lock(&file).is_ok());
        drop(forked);
        std::fs::remove_file(file.with_extension("lock")).unwrap();
    }
}
