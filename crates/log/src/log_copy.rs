//! A log in the making, with the records of another as they stand there. Nobody can open it until it is finished; a copy that
//! was broken off goes on where it was.

use uuid::Uuid;

use crate::{
    AppendError, Epoch, Extent, Kept, LogConfig, OpenError, Original, Position, ReadError, Tenant, embedded, jetstream,
};

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the copy cannot be written: {0}")]
    Write(#[source] AppendError),
    #[error("the copy cannot be put in place: {0}")]
    Place(#[source] std::io::Error),
}

/// Whose copy it is.
#[derive(Debug, Clone)]
pub struct Origin {
    pub tenant: Tenant,
    pub epoch: Epoch,
    pub extent: Extent,
}

impl Origin {
    /// The key goes along, so that customers keep their ids. Where each record keeps its position, the copy is the same
    /// log, and read models of the one are read models of the other; else it is another, under an id that is its own and
    /// that a copy which goes on finds again.
    pub(crate) fn epoch_of_copy(&self, keeps_positions: bool) -> Epoch {
        let Epoch { id, key } = self.epoch;
        match keeps_positions {
            true => Epoch { id, key },
            false => Epoch { id: Uuid::from_u128(!id.as_u128()), key },
        }
    }
}

pub enum LogCopy {
    Embedded(Box<embedded::Copying>),
    JetStream(Box<jetstream::Copying>),
}

impl LogCopy {
    /// Where nothing is yet, or where a copy of this log was begun.
    pub async fn open(config: &LogConfig, origin: &Origin) -> Result<Self, CopyError> {
        Ok(match config {
            LogConfig::Embedded { folder } => Self::Embedded(Box::new(embedded::Copying::open(folder, origin).await?)),
            LogConfig::JetStream { url, replicas } => {
                Self::JetStream(Box::new(jetstream::Copying::open(url, *replicas, origin).await?))
            }
        })
    }

    /// Records of the original after this one are to be put.
    pub fn after(&self) -> Position {
        match self {
            Self::Embedded(copy) => copy.after(),
            Self::JetStream(copy) => copy.after(),
        }
    }

    /// Puts the next records, on the disk when this returns.
    pub async fn put(&mut self, records: Vec<Kept>) -> Result<(), CopyError> {
        match self {
            Self::Embedded(copy) => copy.put(records).await,
            Self::JetStream(copy) => copy.put(records).await,
        }
    }

    /// What has been put, to be held against the original.
    pub async fn written(&self) -> Result<Original, CopyError> {
        match self {
            Self::Embedded(copy) => Ok(Original::Embedded(copy.written().await?)),
            Self::JetStream(copy) => Ok(Original::JetStream(Box::new(copy.written()))),
        }
    }

    /// From here on it is a log like any other.
    pub async fn finish(self) -> Result<(), CopyError> {
        match self {
            Self::Embedded(copy) => copy.finish().await,
            Self::JetStream(copy) => copy.finish().await,
        }
    }
}
