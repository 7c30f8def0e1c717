//! An embedded log's file, read while somebody else may be writing it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rapport_touchpoint::{Channel, EventType, Place, Timestamp};
use rusqlite::Connection;

use super::schema::{self, Lock, open_for_reading};
use crate::original::{CHUNK_BYTES, CHUNK_RECORDS};
use crate::{Cause, Epoch, Extent, Hold, Kept, OpenError, Position, ReadError, Record, Tenant, TraceParent};

/// Clones share the file.
#[derive(Clone)]
pub struct Original(Arc<Inner>);

struct Inner {
    path: PathBuf,
    epoch: Epoch,
    connection: Mutex<Connection>,
    /// Keeps writers away, if that was asked for.
    _lock: Option<Lock>,
}

impl Original {
    pub(crate) async fn open(folder: &Path, tenant: &Tenant, hold: Hold) -> Result<Self, OpenError> {
        let (path, tenant) = (folder.join(tenant.as_str()).join("log.db"), tenant.clone());
        let opened = tokio::task::spawn_blocking(move || Self::open_file(path, &tenant, hold)).await;
        opened.unwrap_or_else(|stopped| Err(OpenError::Writer { source: std::io::Error::other(stopped) }))
    }

    pub(super) fn open_file(path: PathBuf, tenant: &Tenant, hold: Hold) -> Result<Self, OpenError> {
        if !path.is_file() {
            return Err(OpenError::NoLog { place: path.display().to_string() });
        }
        let lock = match hold {
            Hold::Alone => Some(schema::lock(&path)?),
            Hold::Shared => None,
        };
        let storage = |source| OpenError::Storage { path: path.clone(), source };
        let connection = open_for_reading(&path).map_err(storage)?;
        let epoch = schema::read_about(&connection, &path, tenant)?;
        Ok(Self(Arc::new(Inner { epoch, connection: Mutex::new(connection), _lock: lock, path })))
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.0.epoch
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    pub(crate) async fn extent(&self) -> Result<Extent, ReadError> {
        let ends = "SELECT ifnull(min(position), 0), ifnull(max(position), 0), count(*) FROM records";
        let extent = self.ask(move |connection| {
            connection.query_row(ends, [], |row| {
                Ok(Extent { first: Position(row.get(0)?), head: Position(row.get(1)?), records: row.get(2)? })
            })
        });
        extent.await
    }

    /// The next records, at least one if there is any.
    pub(crate) async fn chunk(&self, after: Position, until: Position) -> Result<Vec<Kept>, ReadError> {
        let rows = self.ask(move |connection| read(connection, after, until)).await?;
        rows.into_iter().map(Row::into_kept).collect()
    }

    /// On a thread that may wait for the disk.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let inner = self.0.clone();
        let asked = tokio::task::spawn_blocking(move || {
            question(&inner.connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let answer = asked.await.map_err(|stopped| ReadError::Storage(Arc::new(stopped) as Cause))?;
        answer.map_err(|error| ReadError::Storage(Arc::new(error)))
    }
}

/// As it lies in the file.
struct Row {
    position: u64,
    recorded_at: i64,
    channel: String,
    event_type: String,
    json: Vec<u8>,
    trace: Option<String>,
}

fn read(connection: &Connection, after: Position, until: Position) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, recorded_at, channel, type, json, trace FROM records JOIN kinds USING (kind)
         WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
    )?;
    let mut rows = statement.query([after.0, until.0, CHUNK_RECORDS as u64])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < CHUNK_BYTES
        && let Some(row) = rows.next()?
    {
        let row = Row {
            position: row.get(0)?,
            recorded_at: row.get(1)?,
            channel: row.get(2)?,
            event_type: row.get(3)?,
            json: row.get(4)?,
            trace: row.get(5)?,
        };
        bytes += row.json.len();
        found.push(row);
    }
    Ok(found)
}

impl Row {
    fn into_kept(self) -> Result<Kept, ReadError> {
        let Self { position, recorded_at, channel, event_type, json, trace } = self;
        let position = Position(position);
        let broken = |what: String| ReadError::Broken { position, what };
        let recorded_at = Timestamp::from_nanos(recorded_at)
            .ok_or_else(|| broken(format!("it was recorded at {recorded_at} ns, before 1970")))?;
        let kind = Channel::parse(&channel).and_then(|channel| Ok((channel, EventType::parse(&event_type)?)));
        let kind = kind.map_err(|right| broken(format!("its kind is {channel} {event_type}; {right}")))?;
        let place = if kind.1.is_decision() { Place::Decisions } else { Place::Touchpoints };
        let trace = trace.and_then(|text| TraceParent::parse(&text));
        Ok(Kept::new(Record { position, recorded_at, place, json: Bytes::from(json), trace }, Some(kind)))
    }
}
