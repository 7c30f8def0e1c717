//! What a case needs of a backend, and short words for what the cases do.

use std::collections::BTreeSet;

use rapport_log::{Appended, Filter, Log, LogConfig, OpenError, Position, Read, Reader, Record, Tenant};
use rapport_touchpoint::Touchpoint;
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::support::nats::NatsServer;
pub use crate::support::soon::soon;

pub enum Backend {
    Embedded(TempDir),
    JetStream(NatsServer),
}

impl Backend {
    pub fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    pub fn jetstream() -> Self {
        Self::JetStream(NatsServer::start())
    }

    pub fn config(&self) -> LogConfig {
        match self {
            Self::Embedded(folder) => LogConfig::Embedded { folder: folder.path().to_owned() },
            Self::JetStream(server) => LogConfig::JetStream { url: server.url(), replicas: 1 },
        }
    }

    pub async fn open(&self) -> Log {
        self.open_for("acme").await
    }

    pub async fn open_for(&self, tenant: &str) -> Log {
        self.try_open(tenant).await.unwrap()
    }

    pub async fn try_open(&self, tenant: &str) -> Result<Log, OpenError> {
        Log::open(&self.config(), &Tenant::parse(tenant).unwrap()).await
    }

    /// Closes the log, restarts what keeps it, and opens it again.
    pub async fn reopen(&mut self, log: Log) -> Log {
        log.close().await;
        if let Self::JetStream(server) = self {
            block_in_place(|| server.restart());
        }
        self.open().await
    }
}

pub async fn append(log: &Log, events: Vec<Touchpoint>) -> Vec<Appended> {
    let count = events.len();
    let verdicts: Vec<Appended> = soon(log.append(events)).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(verdicts.len(), count);
    verdicts
}

pub async fn append_one(log: &Log, event: Touchpoint) -> Appended {
    append(log, vec![event]).await[0]
}

/// Appends events that are all new; where they stand.
pub async fn accepted(log: &Log, events: Vec<Touchpoint>) -> Vec<Position> {
    let position = |verdict| match verdict {
        Appended::Accepted(position) => position,
        other => panic!("{other:?}"),
    };
    append(log, events).await.into_iter().map(position).collect()
}

pub async fn next(reader: &mut Reader) -> Read {
    soon(reader.next()).await.expect("the log is open").unwrap()
}

/// The next records, this many.
pub async fn take(reader: &mut Reader, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        if let Read::Record(record) = next(reader).await {
            records.push(record);
        }
    }
    records
}

/// All records before the reader has caught up, and where it has.
pub async fn until_caught_up(reader: &mut Reader) -> (Vec<Record>, Position) {
    let mut records = Vec::new();
    loop {
        match next(reader).await {
            Read::Record(record) => records.push(record),
            Read::CaughtUp(position) => return (records, position),
        }
    }
}

/// All that the filter lets through, up to now.
pub async fn read_all(log: &Log, filter: Filter) -> Vec<Record> {
    until_caught_up(&mut log.read(Position::START, filter).await.unwrap()).await.0
}

pub fn id(record: &Record) -> String {
    let event: serde_json::Value = serde_json::from_slice(&record.json).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

pub fn ids(records: &[Record]) -> Vec<String> {
    records.iter().map(id).collect()
}

/// Positions rise, and each of these ids is there once, and nothing else.
#[track_caller]
pub fn assert_each_once<'a>(records: &[Record], expected: impl IntoIterator<Item = &'a String>) {
    assert_rising(records);
    let found: BTreeSet<String> = ids(records).into_iter().collect();
    assert_eq!(found.len(), records.len(), "a record came twice");
    assert_eq!(found, expected.into_iter().cloned().collect());
}

#[track_caller]
pub fn assert_rising(records: &[Record]) {
    assert!(records.windows(2).all(|pair| pair[0].position < pair[1].position), "positions do not rise");
}
