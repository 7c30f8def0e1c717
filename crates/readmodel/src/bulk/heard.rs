//! A record of the log as a build takes it in: read on many threads, and then no more of it than is put aside.

use rapport_customer::identity::Usable;
use rapport_touchpoint::{Channel, Decision, EventType, OrderKey, Place, RecordHash, Timestamp};

use crate::Definitions;
use crate::incoming::{Readable, Ready, Unreadable};
use crate::seen::Recorded;

/// One record.
#[derive(Debug)]
pub struct Heard {
    pub(super) logged: Logged,
    pub(super) says: Says,
}

/// As it stands on the log.
#[derive(Debug)]
pub(super) struct Logged {
    pub position: u64,
    pub recorded_at: Timestamp,
    pub json: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum Says {
    Touchpoint(Of),
    Decision(Box<Decision>),
    Nothing(Unreadable),
}

/// What a touchpoint says.
#[derive(Debug)]
pub(super) struct Of {
    pub event_type: EventType,
    pub channel: Channel,
    pub key: OrderKey,
    pub name: [u8; 16],
    pub body: [u8; 16],
    /// Strongest first.
    pub evidence: Vec<Usable>,
    /// All that its customer's fold will ask for.
    pub gist: Vec<u8>,
}

impl Heard {
    /// Reads a record under the definitions. What cannot be read becomes a reason, never an error.
    pub fn decode(
        position: u64,
        recorded_at: Timestamp,
        place: Place,
        json: Vec<u8>,
        definitions: &Definitions,
    ) -> Self {
        let says = match Readable::of(&json, recorded_at, place, definitions) {
            Ok(Readable::Touchpoint(Ready { event, key, name, evidence })) => {
                let (gist, touchpoint) = (event.put_gist(Vec::new()), event.touchpoint);
                let (event_type, channel, body) = (touchpoint.event_type, touchpoint.channel, touchpoint.body_hash.0);
                Says::Touchpoint(Of { event_type, channel, key, name, body, evidence, gist })
            }
            Ok(Readable::Decision(decision)) => Says::Decision(decision),
            Err(unreadable) => Says::Nothing(unreadable),
        };
        Self { logged: Logged { position, recorded_at, json }, says }
    }
}

impl Logged {
    pub fn hash(&self) -> RecordHash {
        RecordHash::of(&self.json)
    }

    pub fn recorded(&self) -> Recorded {
        Recorded { position: self.position, recorded_at: self.recorded_at, hash: self.hash() }
    }
}
