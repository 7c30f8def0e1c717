//! What is appended together.

use rapport_touchpoint::{BodyHash, Channel, Decision, EventType, Touchpoint};

use crate::TraceParent;
use crate::name::Name;

/// Events of one request.
#[derive(Debug)]
pub struct Batch {
    pub(crate) events: Vec<Appending>,
    /// Stored beside each of them that is new.
    pub(crate) trace: Option<TraceParent>,
}

impl Batch {
    pub fn with_trace(self, trace: Option<TraceParent>) -> Self {
        Self { trace, ..self }
    }
}

/// Without a trace.
impl From<Vec<Touchpoint>> for Batch {
    fn from(events: Vec<Touchpoint>) -> Self {
        Self { events: events.into_iter().map(Appending::from).collect(), trace: None }
    }
}

/// Without a trace.
impl From<Decision> for Batch {
    fn from(decision: Decision) -> Self {
        Self { events: vec![decision.into()], trace: None }
    }
}

/// What the log needs to know of an event.
#[derive(Debug)]
pub(crate) struct Appending {
    pub name: Name,
    pub body: BodyHash,
    /// `None` for a decision: it comes through no channel.
    pub channel: Option<Channel>,
    pub event_type: EventType,
    pub json: Vec<u8>,
}

impl From<Touchpoint> for Appending {
    fn from(touchpoint: Touchpoint) -> Self {
        Self {
            name: touchpoint.name_hash(),
            body: touchpoint.body_hash,
            channel: Some(touchpoint.channel.clone()),
            event_type: touchpoint.event_type.clone(),
            json: touchpoint.into_json(),
        }
    }
}

impl From<Decision> for Appending {
    fn from(decision: Decision) -> Self {
        Self {
            name: decision.name_hash(),
            body: decision.body_hash,
            channel: None,
            event_type: decision.event_type(),
            json: decision.into_json(),
        }
    }
}

/// An event on its way to the log.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub event: &'a Appending,
    pub trace: Option<TraceParent>,
}
