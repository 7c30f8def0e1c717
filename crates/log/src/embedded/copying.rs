//! The file of an embedded log in the making, `log.copy.db`: it becomes `log.db` when it is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_touchpoint::{Channel, EventType};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use super::names::{self, Key};
use super::original::Original;
use super::schema::{self, Lock};
use crate::log_copy::Origin;
use crate::{AppendError, CopyError, Hold, Kept, OpenError, Position, Tenant};

/// Names that wait for each other, so that they are written in their order: a page of their table is then touched once.
const MOST_WAITING: usize = 200_000;

/// What the file is called until it is whole.
pub(super) const UNFINISHED: &str = "log.copy.db";

pub struct Copying {
    path: PathBuf,
    tenant: Tenant,
    /// `None` while it is on the thread that writes.
    writing: Option<Writing>,
    head: Position,
    _lock: Lock,
}

struct Writing {
    connection: Connection,
    kinds: Vec<(Channel, EventType)>,
    waiting: BTreeMap<Key, Position>,
    head: Position,
}

impl Copying {
    pub(crate) async fn open(folder: &Path, origin: &Origin) -> Result<Self, CopyError> {
        let (folder, origin) = (folder.join(origin.tenant.as_str()), origin.clone());
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&folder, &origin)).await;
        opened.unwrap_or_else(|stopped| Err(CopyError::Place(std::io::Error::other(stopped))))
    }

    fn open_blocking(folder: &Path, origin: &Origin) -> Result<Self, CopyError> {
        super::make(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        let (path, place) = (folder.join(UNFINISHED), folder.join("log.db"));
        let lock = schema::lock(&place)?;
        if place.exists() {
            return Err(OpenError::Taken { place: place.display().to_string() }.into());
        }
        let storage = |source| OpenError::Storage { path: path.clone(), source };
        // It holds the tenant's key.
        make_private(&path).map_err(|source| OpenError::Folder { path: path.clone(), source })?;
        let mut connection = Connection::open(&path).map_err(storage)?;
        connection.pragma_update(None, "journal_mode", "DELETE").map_err(storage)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(storage)?;
        let epoch = origin.epoch_of_copy(true);
        if schema::is_empty(&connection).map_err(storage)? {
            schema::create(&mut connection, &origin.tenant, &epoch).map_err(storage)?;
            names::create(&connection, Position::START).map_err(storage)?;
        }
        if schema::read_about(&connection, &path, &origin.tenant)? != epoch {
            return Err(OpenError::OtherCopy { place: path.display().to_string() }.into());
        }
        let (head, _) = schema::read_end(&connection).map_err(storage)?;
        let kinds = schema::read_kinds(&connection, &path)?;
        let waiting = names::waiting(&connection).map_err(storage)?;
        let writing = Some(Writing { connection, kinds, waiting, head });
        Ok(Self { path, tenant: origin.tenant.clone(), writing, head, _lock: lock })
    }

    pub(crate) fn after(&self) -> Position {
        self.head
    }

    pub(crate) async fn put(&mut self, records: Vec<Kept>) -> Result<(), CopyError> {
        self.write(move |writing| writing.put(&records)).await?;
        Ok(())
    }

    pub(crate) async fn written(&self) -> Result<Original, CopyError> {
        let (path, tenant) = (self.path.clone(), self.tenant.clone());
        let opened = tokio::task::spawn_blocking(move || Original::open_file(path, &tenant, Hold::Shared)).await;
        Ok(opened.unwrap_or_else(|stopped| Err(OpenError::Writer { source: std::io::Error::other(stopped) }))?)
    }

    pub(crate) async fn finish(mut self) -> Result<(), CopyError> {
        self.write(|writing| writing.sweep()).await?;
        self.writing = None;
        let place = self.path.with_file_name("log.db");
        let put = || {
            File::open(&self.path)?.sync_all()?;
            crash_point!("copy/written");
            fs::rename(&self.path, &place)?;
            crash_point!("copy/renamed");
            place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        put().map_err(CopyError::Place)
    }

    /// On a thread that may wait for the disk.
    async fn write(
        &mut self,
        change: impl FnOnce(&mut Writing) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), CopyError> {
        let lost = || CopyError::Place(std::io::Error::other("an earlier write was broken off"));
        let mut writing = self.writing.take().ok_or_else(lost)?;
        let written = tokio::task::spawn_blocking(move || {
            let changed = change(&mut writing);
            (writing, changed)
        });
        let (writing, changed) = written.await.map_err(|stopped| CopyError::Place(std::io::Error::other(stopped)))?;
        self.head = writing.head;
        self.writing = Some(writing);
        changed.map_err(|error| {
            CopyError::Write(match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => AppendError::Full(Arc::new(error)),
                _ => AppendError::Storage(Arc::new(error)),
            })
        })
    }
}

impl Writing {
    fn put(&mut self, records: &[Kept]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut new_kinds: Vec<(Channel, EventType)> = Vec::new();
        let mut head = self.head;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO records (position, recorded_at, kind, json, trace) VALUES (?, ?, ?, ?, ?)",
            )?;
            for Kept { record, kind } in records {
                let known = self.kinds.iter().chain(&new_kinds).position(|known| known == kind);
                let number = match known {
                    Some(number) => number,
                    None => {
                        let number = self.kinds.len() + new_kinds.len();
                        let (channel, event_type) = (kind.0.as_str(), kind.1.as_str());
                        transaction.execute(
                            "INSERT INTO kinds (kind, channel, type) VALUES (?, ?, ?)",
                            params![number, channel, event_type],
                        )?;
                        new_kinds.push(kind.clone());
                        number
                    }
                };
                head = record.position;
                let trace = record.trace.map(|trace| trace.to_string());
                insert.execute(params![head.0, record.recorded_at.nanos(), number, &record.json[..], trace])?;
            }
        }
        transaction.commit()?;
        crash_point!("copy/committed");
        self.head = head;
        self.kinds.extend(new_kinds);
        for Kept { record, .. } in records {
            if let Some(key) = names::key(&record.json) {
                // The first of one name and body is the one that counts.
                self.waiting.entry(key).or_insert(record.position);
            }
        }
        if self.waiting.len() >= MOST_WAITING { self.sweep() } else { Ok(()) }
    }

    /// Names that wait go into their table.
    fn sweep(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        names::insert_new(&transaction, &self.waiting, self.head)?;
        transaction.commit()?;
        self.waiting.clear();
        Ok(())
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create(true).append(true).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
