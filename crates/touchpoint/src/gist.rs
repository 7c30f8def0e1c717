//! An event as it was read, in few bytes beside its JSON: to be had again without reading the JSON.
//!
//! The bytes mean something to the program that made them, and are not kept any longer than it runs.

use serde::{Deserialize, Serialize};

use crate::{BodyHash, Channel, Content, Event, EventType, Identifier, OrderKey, SchemaVersion, Touchpoint};

/// All of an event but its order, which its key tells, and its JSON.
#[derive(Serialize, Deserialize)]
struct Gist<EventType, Channel, Identifiers, Content> {
    event_type: EventType,
    channel: Channel,
    schema: Option<u32>,
    body_hash: [u8; 16],
    identifiers: Identifiers,
    content: Content,
}

impl Event {
    /// Appends the gist of the event.
    pub fn put_gist(&self, into: Vec<u8>) -> Vec<u8> {
        let Self { touchpoint, content } = self;
        let gist = Gist {
            event_type: &touchpoint.event_type,
            channel: &touchpoint.channel,
            schema: touchpoint.schema.map(|version| version.0),
            body_hash: touchpoint.body_hash.0,
            identifiers: &touchpoint.identifiers,
            content,
        };
        postcard::to_extend(&gist, into).expect("bytes in memory can be written")
    }

    /// The event again; `None` if this is not the gist of one.
    pub fn of_gist(gist: &[u8], key: &OrderKey, json: Vec<u8>) -> Option<Self> {
        let Gist { event_type, channel, schema, body_hash, identifiers, content } =
            postcard::from_bytes::<Gist<EventType, Channel, Vec<Identifier>, Content>>(gist).ok()?;
        let (order, schema, body_hash) = (key.order()?, schema.map(SchemaVersion), BodyHash(body_hash));
        let touchpoint = Touchpoint { order, event_type, channel, schema, body_hash, identifiers, json };
        Some(Self { touchpoint, content })
    }
}
