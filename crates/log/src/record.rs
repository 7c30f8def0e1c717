//! What a reader is given: records, and word that it has caught up.

use bytes::Bytes;
use rapport_touchpoint::{Place, Timestamp};

use crate::{Position, TraceParent};

/// One event as it stands on the log. It may have come there without a gateway, so nothing about `json` is sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub position: Position,
    pub recorded_at: Timestamp,
    pub place: Place,
    pub json: Bytes,
    /// The trace that it was appended in, if there was one. It is about the record and no part of the event.
    pub trace: Option<TraceParent>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    Record(Record),
    /// Everything that the filter lets through, up to this position, has been given. Sent once; reading goes on live.
    CaughtUp(Position),
}
