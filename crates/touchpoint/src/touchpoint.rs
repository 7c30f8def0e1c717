//! A touchpoint: one contact between a customer and the company, as it stands on the log.

use crate::{BodyHash, Channel, EventType, Identifier, Order, SchemaVersion};

/// A checked and stamped event. Made by [`receive`](crate::receive) and [`read`](crate::read) only.
#[derive(Debug, Clone, PartialEq)]
pub struct Touchpoint {
    /// When it happened and what it is called.
    pub order: Order,
    pub event_type: EventType,
    pub channel: Channel,
    /// `None` for a custom type that has no schema.
    pub schema: Option<SchemaVersion>,
    pub body_hash: BodyHash,
    /// Whom it is about, as the producer wrote it: the subject first, then `data.identifiers`.
    pub identifiers: Vec<Identifier>,
    pub(crate) json: Vec<u8>,
}

impl Touchpoint {
    /// CloudEvents JSON in structured mode: the form on the log.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub fn into_json(self) -> Vec<u8> {
        self.json
    }

    /// 128 bits that name the event for ever: a hash of source and id.
    pub fn name_hash(&self) -> [u8; 16] {
        self.order.name_hash()
    }
}
