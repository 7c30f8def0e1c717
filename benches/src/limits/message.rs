//! Events as they come to stand on a log, for the limits that go without a gateway.

use bytes::Bytes;
use rapport_touchpoint::{Catalogue, Timestamp, Touchpoint, receive};
use serde_json::Value;

use crate::Result;
use crate::workload::RECEIVED_AT;

/// An event as it stands on the log, and what it goes by.
#[derive(Debug, Clone)]
pub struct Message {
    pub name: [u8; 16],
    pub subject: String,
    pub json: Bytes,
}

impl From<Touchpoint> for Message {
    fn from(touchpoint: Touchpoint) -> Self {
        let subject = format!("touchpoint.bench.{}.{}", touchpoint.channel, touchpoint.event_type);
        Self { name: touchpoint.name_hash(), subject, json: touchpoint.into_json().into() }
    }
}

/// Checked and stamped as the gateway does it.
pub fn messages(events: impl Iterator<Item = Value>) -> Result<Vec<Message>> {
    let catalogue = Catalogue::built_in();
    let now = Timestamp::parse(RECEIVED_AT)?;
    let received = events.map(|event| receive(event, now, &catalogue).map(Message::from));
    let messages: std::result::Result<_, _> = received.collect();
    messages.map_err(|broken| format!("made up and not valid: {broken:?}").into())
}
