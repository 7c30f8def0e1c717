//! A log as it is read to be copied: every record, with all that the log keeps beside it. Nothing of it is changed, nor made
//! if it is not there.

use rapport_touchpoint::{Channel, EventType, Place};

use crate::{Epoch, LogConfig, OpenError, Position, Read, ReadError, Record, Tenant, embedded, jetstream};

/// Records given at a time, at most.
pub(crate) const CHUNK_RECORDS: usize = 1000;
pub(crate) const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// A record, and the channel and type under which its log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub record: Record,
    pub kind: (Channel, EventType),
}

impl Kept {
    /// The type is a decision's exactly where decisions stand. Words that came to a log without a gateway and break that, or
    /// are none, become others: what they name is parked on either log, for what the record itself says.
    pub(crate) fn new(record: Record, kind: Option<(Channel, EventType)>) -> Self {
        let word = |text: &str| EventType::parse(text).expect("a type");
        let channel = |text: &str| Channel::parse(text).expect("a channel");
        let kind = match (record.place, kind) {
            (Place::Touchpoints, Some(kind)) if !kind.1.is_decision() => kind,
            (Place::Touchpoints, _) => (channel("unknown"), word("unknown")),
            (Place::Decisions, Some((_, decision))) if decision.is_decision() => (channel("control"), decision),
            (Place::Decisions, _) => (channel("control"), word("customer.erased")),
        };
        Self { record, kind }
    }
}

/// From where to where a log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Of the first record; [`Position::START`] of an empty log.
    pub first: Position,
    pub head: Position,
    pub records: u64,
}

impl Extent {
    /// Is there a record at each position from the first to the head?
    pub fn is_dense(&self) -> bool {
        self.records == 0 || self.head.0 - self.first.0 + 1 == self.records
    }
}

/// Who else may have the log meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// A server may go on writing it.
    Shared,
    /// Nobody may, as far as the backend can tell: an embedded log has one writer.
    Alone,
}

#[derive(Clone)]
pub enum Original {
    Embedded(embedded::Original),
    JetStream(Box<jetstream::Original>),
}

impl Original {
    pub async fn open(config: &LogConfig, tenant: &Tenant, hold: Hold) -> Result<Self, OpenError> {
        match config {
            LogConfig::Embedded { folder } => embedded::Original::open(folder, tenant, hold).await.map(Self::Embedded),
            LogConfig::JetStream { url, .. } => {
                Ok(Self::JetStream(Box::new(jetstream::Original::open(url, tenant).await?)))
            }
        }
    }

    pub fn epoch(&self) -> &Epoch {
        match self {
            Self::Embedded(log) => log.epoch(),
            Self::JetStream(log) => log.epoch(),
        }
    }

    pub async fn extent(&self) -> Result<Extent, ReadError> {
        match self {
            Self::Embedded(log) => log.extent().await,
            Self::JetStream(log) => log.extent().await,
        }
    }

    /// All records after the one and up to the other position, in their order.
    pub async fn read(&self, after: Position, until: Position) -> Result<Records, ReadError> {
        let source = match self {
            Self::Embedded(log) => Source::Embedded(log.clone()),
            Self::JetStream(log) => Source::JetStream(Box::new(log.read(after).await?)),
        };
        Ok(Records { source, at: after, until, ended: false })
    }

    /// What all records up to a position come to, wherever they are kept and at whichever positions.
    pub async fn fingerprint(&self, until: Position) -> Result<Fingerprint, ReadError> {
        let mut hasher = blake3::Hasher::new();
        let mut records = 0;
        let mut reader = self.read(Position::START, until).await?;
        while let Some(chunk) = reader.next().await? {
            for kept in &chunk {
                add(&mut hasher, kept);
            }
            records += chunk.len() as u64;
        }
        Ok(Fingerprint { records, hash: *hasher.finalize().as_bytes() })
    }
}

/// Equal for logs that hold the same: the same records, in their order, recorded at the same times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    pub records: u64,
    pub hash: [u8; 32],
}

fn add(hasher: &mut blake3::Hasher, kept: &Kept) {
    let Kept { record, kind: (channel, event_type) } = kept;
    hasher.update(&record.recorded_at.nanos().to_be_bytes());
    let trace = record.trace.map(|trace| trace.to_string()).unwrap_or_default();
    for part in [channel.as_str().as_bytes(), event_type.as_str().as_bytes(), trace.as_bytes(), &record.json] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
}

/// Records on their way out of a log.
pub struct Records {
    source: Source,
    at: Position,
    until: Position,
    ended: bool,
}

enum Source {
    Embedded(embedded::Original),
    JetStream(Box<jetstream::Reader>),
}

impl Records {
    /// The next ones, a bounded number; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Kept>>, ReadError> {
        if self.ended || self.at >= self.until {
            return Ok(None);
        }
        let chunk = match &mut self.source {
            Source::Embedded(log) => log.chunk(self.at, self.until).await?,
            Source::JetStream(reader) => next_of(reader, self.until, &mut self.ended).await?,
        };
        match chunk.last() {
            Some(last) => self.at = last.record.position,
            None => self.ended = true,
        }
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

async fn next_of(reader: &mut jetstream::Reader, until: Position, ended: &mut bool) -> Result<Vec<Kept>, ReadError> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < CHUNK_RECORDS && bytes < CHUNK_BYTES {
        match reader.next().await {
            None => *ended = true,
            Some(Err(error)) => return Err(error),
            Some(Ok(Read::CaughtUp(_))) => *ended = true,
            Some(Ok(Read::Record(record))) if record.position > until => *ended = true,
            Some(Ok(Read::Record(record))) => {
                *ended = record.position == until;
                bytes += record.json.len();
                chunk.push(Kept::new(record, reader.kind()));
            }
        }
        if *ended {
            break;
        }
    }
    Ok(chunk)
}
