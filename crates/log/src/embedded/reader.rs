//! Reading beside the writer: a task that fetches chunks on a connection of its own and is woken by each commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::vec;

use bytes::Bytes;
use rapport_touchpoint::Timestamp;
use rusqlite::Connection;
use tokio::sync::{mpsc, watch};

use super::kinds::Kinds;
use super::schema::open_for_reading;
use crate::{Filter, Position, Read, ReadError, Record, TraceParent};

/// One chunk is one read transaction: short, so that the write-ahead log can be checkpointed.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;
const CHUNK_RECORDS: u64 = 1000;
/// With a filter, most of what is looked at may be passed over.
const CHUNK_LOOKED_AT: u64 = 20_000;
/// Chunks that wait for the reader.
const CHUNKS_AHEAD: usize = 2;

pub(crate) struct Reader {
    chunks: mpsc::Receiver<Result<Vec<Read>, ReadError>>,
    current: vec::IntoIter<Read>,
}

impl Reader {
    pub(super) fn start(
        path: PathBuf,
        after: Position,
        filter: Filter,
        kinds: Kinds,
        head: watch::Receiver<Position>,
    ) -> Self {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let scan = Scan { path, connection: None, position: after, filter, kinds };
        tokio::spawn(follow(scan, head, sender));
        Self { chunks, current: Vec::new().into_iter() }
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Read, ReadError>> {
        loop {
            if let Some(read) = self.current.next() {
                return Some(Ok(read));
            }
            match self.chunks.recv().await? {
                Ok(chunk) => self.current = chunk.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Until the log is closed, the reader is dropped or the file cannot be read.
async fn follow(
    mut scan: Scan,
    mut head: watch::Receiver<Position>,
    sender: mpsc::Sender<Result<Vec<Read>, ReadError>>,
) {
    let mut caught_up = false;
    loop {
        let seen = *head.borrow_and_update();
        let mut chunk = Vec::new();
        if scan.position < seen {
            let scanned = tokio::task::spawn_blocking(move || {
                let chunk = scan.next_chunk(seen);
                (scan, chunk)
            });
            let Ok((returned, scanned)) = scanned.await else { return };
            scan = returned;
            match scanned {
                Ok(records) => chunk = records,
                Err(error) => {
                    let _ = sender.send(Err(error)).await;
                    return;
                }
            }
        }
        if scan.position >= seen && !caught_up {
            caught_up = true;
            chunk.push(Read::CaughtUp(seen));
        }
        if !chunk.is_empty() && sender.send(Ok(chunk)).await.is_err() {
            return;
        }
        if scan.position >= seen {
            tokio::select! {
                changed = head.changed() => if changed.is_err() { return },
                () = sender.closed() => return,
            }
        }
    }
}

/// How far a reader is in the file.
struct Scan {
    path: PathBuf,
    connection: Option<Connection>,
    position: Position,
    filter: Filter,
    kinds: Kinds,
}

impl Scan {
    fn next_chunk(&mut self, head: Position) -> Result<Vec<Read>, ReadError> {
        let storage = |error| ReadError::Storage(Arc::new(error));
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(open_for_reading(&self.path).map_err(storage)?),
        };
        let span = if self.filter.is_all() { CHUNK_RECORDS } else { CHUNK_LOOKED_AT };
        let until = head.min(Position(self.position.0 + span));
        // The writer tells of new kinds before it tells of the head that needs them.
        let passing = self.kinds.passing(&self.filter);
        if passing.iter().all(Option::is_none) {
            self.position = head;
            return Ok(Vec::new());
        }
        let mut statement = connection
            .prepare_cached(
                "SELECT position, recorded_at, kind, json, trace FROM records
                 WHERE position > ? AND position <= ? ORDER BY position",
            )
            .map_err(storage)?;
        let mut rows = statement.query([self.position.0, until.0]).map_err(storage)?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(storage)? {
            let position = Position(row.get(0).map_err(storage)?);
            let kind: usize = row.get(2).map_err(storage)?;
            if let Some(place) = passing.get(kind).copied().flatten() {
                let nanos = row.get(1).map_err(storage)?;
                let recorded_at = Timestamp::from_nanos(nanos).ok_or_else(|| ReadError::Broken {
                    position,
                    what: format!("it was recorded at {nanos} ns, before 1970"),
                })?;
                let json: Vec<u8> = row.get(3).map_err(storage)?;
                let trace: Option<String> = row.get(4).map_err(storage)?;
                let trace = trace.and_then(|text| TraceParent::parse(&text));
                bytes += json.len();
                chunk.push(Read::Record(Record { position, recorded_at, place, json: Bytes::from(json), trace }));
            }
            if bytes >= CHUNK_BYTES || chunk.len() as u64 >= CHUNK_RECORDS {
                self.position = position;
                return Ok(chunk);
            }
        }
        self.position = until;
        Ok(chunk)
    }
}
