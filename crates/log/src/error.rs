//! What can go wrong on the way to, onto and from the log: one enum per stage.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use uuid::Uuid;

use crate::{Position, Tenant};

/// An error of the backend, kept as the source.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the log's folder {} cannot be used", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(
        "the log {} is in use by another process; one process at a time has it. Several share a log that is kept on a \
         NATS server with JetStream", path.display()
    )]
    Locked { path: PathBuf },
    #[error("the log {} cannot be opened: {source}", path.display())]
    Storage { path: PathBuf, source: rusqlite::Error },
    #[error("{} is no log of format {known}: {found}", path.display())]
    Format { path: PathBuf, found: String, known: i64 },
    #[error("the log {} belongs to tenant {found}, not to {wanted}", path.display())]
    OtherTenant { path: PathBuf, found: String, wanted: Tenant },
    #[error("the log's writer cannot be started")]
    Writer { source: std::io::Error },
    #[error("there is no log at {place}")]
    NoLog { place: String },
    #[error("there is a log at {place} already; nothing is written over it")]
    Taken { place: String },
    #[error(
        "{place} is the copy of a log and was not finished; run rapport migrate again, or remove it if it is not wanted"
    )]
    Unfinished { place: String },
    #[error("{place} is the copy of another log, and was not finished; remove it, or go on with that one")]
    OtherCopy { place: String },
    #[error("cannot connect to the NATS server at {url}")]
    Unreachable { url: String, source: Cause },
    #[error("the NATS server did not {action}")]
    Server { action: &'static str, source: Cause },
    #[error("stream {stream} has {setting} {found}, but {right}")]
    Setting { stream: String, setting: &'static str, found: String, right: &'static str },
    #[error("stream {stream} was not created by Rapport: it has no {missing} in its metadata; rename it or remove it")]
    NoMetadata { stream: String, missing: &'static str },
}

/// Why an event got no verdict. `Unavailable` and `Storage` leave open whether it is on the log: publish it again.
#[derive(Debug, Clone, Error)]
pub enum AppendError {
    #[error("the log is away: {0}")]
    Unavailable(#[source] Away),
    #[error("the event has {bytes} bytes; this log takes {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("{limit} bytes of events are waiting for the log already; come back later")]
    Overloaded { limit: usize },
    #[error("the log has no room left; once its disk has room, publish it again")]
    Full(#[source] Cause),
    #[error(
        "the log could not write; its server's own log says why. Once that is mended, publish it again: what is on the log \
         after all counts once"
    )]
    Storage(#[source] Cause),
}

/// Why the log does not answer.
#[derive(Debug, Clone, Error)]
pub enum Away {
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    #[error("it is closed")]
    Closed,
    #[error("not connected to the server")]
    Disconnected,
    #[error("the server does not know the stream, or its JetStream is not ready")]
    NoStream,
    #[error("the server's answer was {0}")]
    Refused(Cause),
    #[error("another log was created in its place")]
    Replaced,
    #[error(
        "its file was moved, removed or replaced. Somebody has to bring it back, or start the server again without it"
    )]
    Lost,
}

#[derive(Debug, Clone, Error)]
pub enum ReadError {
    #[error("position {after} lies beyond the end of the log, {head}: this is another log, or it lost its tail")]
    BeyondHead { after: Position, head: Position },
    #[error(
        "another log ({found}) was created in the place of this one ({epoch}). Stop the server, bring the log back or move \
         away what was made of it, and start again"
    )]
    Replaced { epoch: Uuid, found: String },
    #[error(
        "the record at {at} is not there any more as it was read: the log was changed, or lost its tail and grew another"
    )]
    Changed { at: Position },
    #[error(
        "the log ends at {head} and holds nothing: it was purged. Bring it back, for nothing else has what was on it"
    )]
    Purged { head: Position },
    #[error(
        "{} of the log was moved, removed or replaced while the log was open. Bring it back, or stop the server, move away \
         what was made of the log, and start again", path.display()
    )]
    Lost { path: PathBuf },
    #[error("the log is away")]
    Unavailable(#[source] Cause),
    #[error("the log could not be read")]
    Storage(#[source] Cause),
    #[error("the record at {position} cannot be read: {what}")]
    Broken { position: Position, what: String },
}

impl ReadError {
    /// Is this not the log that was opened? Then nobody must go on with it.
    pub fn is_another_log(&self) -> bool {
        match self {
            Self::BeyondHead { .. }
            | Self::Replaced { .. }
            | Self::Changed { .. }
            | Self::Purged { .. }
            | Self::Lost { .. } => true,
            Self::Unavailable(_) | Self::Storage(_) | Self::Broken { .. } => false,
        }
    }
}
