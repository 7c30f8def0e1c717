//! A record of the log on its way into the read model: decoded, checked, with its evidence. Made on many threads.

use rapport_customer::identity::{Usable, evidence};
use rapport_touchpoint::{Event, OrderKey, Timestamp, Violation, read};
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
    pub(crate) hash: [u8; 16],
    pub(crate) read: Result<Ready, Unreadable>,
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
    pub fn decode(position: u64, recorded_at: Timestamp, json: Vec<u8>, definitions: &Definitions) -> Self {
        let hash = record_hash(&json);
        let read = read(json.clone(), recorded_at, &definitions.catalogue)
            .map(|event| Ready {
                key: event.touchpoint.order.key(),
                name: event.touchpoint.name_hash(),
                evidence: evidence(&event.touchpoint, &definitions.rules),
                event,
            })
            .map_err(|violations| Unreadable::new(&json, &violations));
        Self { position, recorded_at, hash, read }
    }

    /// The event's source and id, if it can be read.
    pub fn source_and_id(&self) -> Option<(&str, &str)> {
        let order = &self.read.as_ref().ok()?.event.touchpoint.order;
        Some((&order.source, &order.id))
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

/// What a fence point remembers of a record: the first 128 bits of BLAKE3 over its bytes.
pub fn record_hash(json: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(json).as_bytes()[..16]);
    hash
}
