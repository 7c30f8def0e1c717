//! One log, whichever backend keeps it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use rapport_touchpoint::{Channel, EventType};

use crate::{
    AppendError, Appended, Batch, Embedded, Epoch, Filter, JetStream, OpenError, Position, Read, ReadError, Tenant,
    embedded, jetstream,
};

/// Where a log is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum LogConfig {
    /// In the file `<folder>/<tenant>/log.db`.
    Embedded { folder: PathBuf },
    /// In the stream `touchpoints_<tenant>` of a NATS server 2.10 or newer; 2.12 or newer for full speed.
    JetStream { url: String, replicas: usize },
}

impl fmt::Debug for LogConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { folder } => f.debug_struct("Embedded").field("folder", folder).finish(),
            Self::JetStream { url, replicas } => f
                .debug_struct("JetStream")
                .field("url", &jetstream::without_password(url))
                .field("replicas", replicas)
                .finish(),
        }
    }
}

/// The log of one tenant. Clones share it; [`close`](Log::close) it before you open it again.
#[derive(Clone)]
pub enum Log {
    Embedded(Embedded),
    JetStream(JetStream),
}

impl Log {
    /// Opens the tenant's log, creating it at first use.
    pub async fn open(config: &LogConfig, tenant: &Tenant) -> Result<Self, OpenError> {
        match config {
            LogConfig::Embedded { folder } => Embedded::open(folder, tenant).await.map(Self::Embedded),
            LogConfig::JetStream { url, replicas } => {
                JetStream::open(url, *replicas, tenant).await.map(Self::JetStream)
            }
        }
    }

    /// One verdict per event, in their order, within a deadline. What is accepted is on the log for good.
    pub async fn append(&self, batch: impl Into<Batch>) -> Vec<Result<Appended, AppendError>> {
        let batch = batch.into();
        match self {
            Self::Embedded(log) => log.append(batch).await,
            Self::JetStream(log) => log.append(batch).await,
        }
    }

    /// Reads what lies beyond `after`, then goes on live.
    pub async fn read(&self, after: Position, filter: Filter) -> Result<Reader, ReadError> {
        match self {
            Self::Embedded(log) => log.read(after, filter).map(|reader| Reader(Source::Embedded(reader))),
            Self::JetStream(log) => {
                log.read(after, filter).await.map(|reader| Reader(Source::JetStream(Box::new(reader))))
            }
        }
    }

    /// The position of the last record; [`Position::START`] of an empty log.
    pub async fn head(&self) -> Result<Position, ReadError> {
        match self {
            Self::Embedded(log) => log.head(),
            Self::JetStream(log) => log.head().await,
        }
    }

    /// About how much room it takes where it is kept.
    pub async fn bytes(&self) -> Result<u64, ReadError> {
        match self {
            Self::Embedded(log) => Ok(log.bytes()),
            Self::JetStream(log) => log.bytes().await,
        }
    }

    pub fn epoch(&self) -> &Epoch {
        match self {
            Self::Embedded(log) => log.epoch(),
            Self::JetStream(log) => log.epoch(),
        }
    }

    /// The channels and types of the touchpoints on the log; decisions are not among them.
    pub async fn kinds(&self) -> Result<BTreeSet<(Channel, EventType)>, ReadError> {
        match self {
            Self::Embedded(log) => Ok(log.kinds()),
            Self::JetStream(log) => log.kinds().await,
        }
    }

    /// Takes nothing more from any clone, and returns when all that waited is on the log.
    pub async fn close(self) {
        match self {
            Self::Embedded(log) => log.close().await,
            Self::JetStream(log) => log.close().await,
        }
    }
}

/// Records in rising order, none left out, none twice. Stops for good after an error.
pub struct Reader(Source);

enum Source {
    Embedded(embedded::Reader),
    JetStream(Box<jetstream::Reader>),
}

impl Reader {
    /// The next record, or word of having caught up; waits for it. `None` when the log is closed. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Read, ReadError>> {
        match &mut self.0 {
            Source::Embedded(reader) => reader.next().await,
            Source::JetStream(reader) => reader.next().await,
        }
    }
}
