//! What is appended together.

use rapport_touchpoint::Touchpoint;

use crate::TraceParent;

/// Events of one request.
#[derive(Debug)]
pub struct Batch {
    pub events: Vec<Touchpoint>,
    /// Stored beside each of them that is new.
    pub trace: Option<TraceParent>,
}

/// Without a trace.
impl From<Vec<Touchpoint>> for Batch {
    fn from(events: Vec<Touchpoint>) -> Self {
        Self { events, trace: None }
    }
}

/// An event on its way to the log.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub event: &'a Touchpoint,
    pub trace: Option<TraceParent>,
}
