//! A record of the log on its way into the read model: decoded, checked, with its evidence. Made on many threads.

use rapport_customer::identity::{Usable, evidence};
use rapport_touchpoint::{
    BodyHash, Choice, Decision, Event, EventType, Order, OrderKey, Place, RecordHash, Recorded, Timestamp, Violation,
    read_record,
};
use serde::Deserialize;
use serde_json::Value;

use crate::Definitions;

/// Characters of a parked event's source, id and type that are kept for the list.
const MOST_KEPT_CHARS: usize = 256;

/// One record, read.
#[derive(Debug)]
pub struct Incoming {
    pub position: u64,
    pub recorded_at: Timestamp,
    /// Of the record as it stands on the log; for the fence.
    pub(crate) hash: RecordHash,
    pub(crate) read: Result<Readable, Unreadable>,
}

/// What can be folded.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are touchpoints")]
pub(crate) enum Readable {
    Touchpoint(Ready),
    Decision(Box<Decision>),
}

/// An event that can be folded.
#[derive(Debug)]
pub(crate) struct Ready {
    pub event: Event,
    pub key: OrderKey,
    pub name: [u8; 16],
    /// Strongest first.
    pub evidence: Vec<Usable>,
}

/// An event that is parked as it is.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub source: String,
    pub id: String,
    pub event_type: String,
    pub reason: String,
}

impl Incoming {
    /// Reads a record under the definitions. What cannot be read becomes a reason, never an error.
    pub fn decode(position: u64, recorded_at: Timestamp, place: Place, json: &[u8], definitions: &Definitions) -> Self {
        let read = Readable::of(json, recorded_at, place, definitions);
        Self { position, recorded_at, hash: RecordHash::of(json), read }
    }

    /// One that counts, from where it is stored. When it was recorded is not known there.
    pub(crate) fn counted(position: u64, ready: Ready) -> Self {
        let hash = RecordHash::of(ready.event.touchpoint.json());
        Self { position, recorded_at: Timestamp::MAX, hash, read: Ok(Readable::Touchpoint(ready)) }
    }

    /// The source and id, if the record can be read.
    pub fn source_and_id(&self) -> Option<(&str, &str)> {
        let order = self.read.as_ref().ok()?.order();
        Some((&order.source, &order.id))
    }

    /// Is it the decision that another record never counts?
    pub fn is_discard(&self) -> bool {
        matches!(&self.read, Ok(Readable::Decision(decision)) if matches!(decision.choice, Choice::Discarded(_)))
    }

    /// Of its bytes.
    pub fn record(&self) -> RecordHash {
        self.hash
    }

    /// The touchpoint, if it is one that can be read.
    pub(crate) fn touchpoint(&self) -> Option<&Ready> {
        match &self.read {
            Ok(Readable::Touchpoint(ready)) => Some(ready),
            Ok(Readable::Decision(_)) | Err(_) => None,
        }
    }
}

impl Readable {
    /// Reads a record under the definitions.
    pub fn of(
        json: &[u8],
        recorded_at: Timestamp,
        place: Place,
        definitions: &Definitions,
    ) -> Result<Self, Unreadable> {
        let recorded = read_record(json, recorded_at, place, &definitions.catalogue)
            .map_err(|violations| Unreadable::new(json, &violations))?;
        Ok(match recorded {
            Recorded::Touchpoint(event) => Self::Touchpoint(Ready::new(event, definitions)),
            Recorded::Decision(decision) => Self::Decision(decision),
        })
    }

    pub fn is_touchpoint(&self) -> bool {
        matches!(self, Self::Touchpoint(_))
    }

    pub fn order(&self) -> &Order {
        match self {
            Self::Touchpoint(ready) => &ready.event.touchpoint.order,
            Self::Decision(decision) => &decision.order,
        }
    }

    pub fn name(&self) -> [u8; 16] {
        match self {
            Self::Touchpoint(ready) => ready.name,
            Self::Decision(decision) => decision.name_hash(),
        }
    }

    pub fn body(&self) -> BodyHash {
        match self {
            Self::Touchpoint(ready) => ready.event.touchpoint.body_hash,
            Self::Decision(decision) => decision.body_hash,
        }
    }

    pub fn event_type(&self) -> EventType {
        match self {
            Self::Touchpoint(ready) => ready.event.touchpoint.event_type.clone(),
            Self::Decision(decision) => decision.event_type(),
        }
    }
}

impl Ready {
    pub fn new(event: Event, definitions: &Definitions) -> Self {
        Self {
            key: event.touchpoint.order.key(),
            name: event.touchpoint.name_hash(),
            evidence: evidence(&event.touchpoint, &definitions.rules),
            event,
        }
    }
}

impl Unreadable {
    fn new(json: &[u8], violations: &[Violation]) -> Self {
        let labels: Labels = serde_json::from_slice(json).unwrap_or_default();
        let text = |label: Option<Value>| {
            let label = label.as_ref().and_then(Value::as_str).unwrap_or_default();
            label.chars().take(MOST_KEPT_CHARS).collect()
        };
        Self {
            source: text(labels.source),
            id: text(labels.id),
            event_type: text(labels.event_type),
            reason: violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        }
    }
}

/// What an unreadable event may still say of itself.
#[derive(Default, Deserialize)]
struct Labels {
    source: Option<Value>,
    id: Option<Value>,
    #[serde(rename = "type")]
    event_type: Option<Value>,
}
