//! The way in: every event of a request is checked by itself, the valid ones go to the log together, and each gets its
//! verdict.
//!
//! The gateway never reads a read model. It holds a bounded amount of events at any time; what is beyond waits
//! (`PublishStream`) or is sent back (`Publish`).

mod batch;
mod deadline;
mod kinds;
mod room;
mod service;
mod stream;

use std::time::Duration;

use rapport_log::AppendError;
use thiserror::Error;

use crate::tenants::UnknownTenant;

pub use kinds::Kinds;
pub use service::Gateway;

/// Events of one request; as many as an atomic batch of JetStream takes.
pub const MAX_EVENTS: usize = 1000;
/// Bytes of one request.
pub const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// Why a request as a whole gets no verdicts. What is wrong with one event is that event's verdict instead.
#[derive(Debug, Error)]
pub enum PublishError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error(
        "events: a request has {count} of them; {MAX_EVENTS} at most. Send the rest in further requests, or many requests \
         over one call of PublishStream"
    )]
    TooManyEvents { count: usize },
    #[error("the gateway is full: {limit} bytes of events are on their way; send it again in a while")]
    Full { limit: usize },
    /// Some events may be on the log, without a verdict.
    #[error("{0}; send all events again with the same ids: those that are on the log are answered as duplicates")]
    Append(#[source] AppendError),
    /// Some events may be on the log, without a verdict.
    #[error("no verdict within the {0:?} that this call had; send all events again with the same ids")]
    Late(Duration),
    #[error("the service is stopping; what was not answered can be sent again with the same ids")]
    Stopping,
    #[error("the check of a batch stopped half-way")]
    Broken,
}

#[cfg(test)]
mod tests;
