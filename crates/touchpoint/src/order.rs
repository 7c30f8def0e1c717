//! The order of events, everywhere: (time, sequence, source, id). Arrival leaves no trace in it.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where an event stands among all others. `sequence` compares as text, absent first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Order {
    pub time: Timestamp,
    pub sequence: Option<String>,
    pub source: String,
    pub id: String,
}

impl Order {
    /// 128 bits that name the event for ever: a hash of source and id.
    pub fn name_hash(&self) -> [u8; 16] {
        name_hash(&self.source, &self.id)
    }

    /// The same order as bytes that compare as the events do.
    ///
    /// Layout: time as 8 bytes big-endian; `0x00` for no sequence, else `0x01`, its text and `0x00`; source and `0x00`; id.
    /// The texts hold no control characters, so `0x00` ends each below anything that could follow.
    pub fn key(&self) -> OrderKey {
        let sequence = self.sequence.as_deref();
        let mut key = Vec::with_capacity(11 + sequence.map_or(0, str::len) + self.source.len() + self.id.len());
        key.extend_from_slice(&self.time.nanos().to_be_bytes());
        if let Some(sequence) = sequence {
            key.push(1);
            key.extend_from_slice(sequence.as_bytes());
        }
        key.push(0);
        key.extend_from_slice(self.source.as_bytes());
        key.push(0);
        key.extend_from_slice(self.id.as_bytes());
        OrderKey(key)
    }
}

pub(crate) fn name_hash(source: &str, id: &str) -> [u8; 16] {
    let name = [source.as_bytes(), &[0], id.as_bytes()].concat();
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(&name).as_bytes()[..16]);
    hash
}

/// An [`Order`] as bytes; compares like it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey(Vec<u8>);

impl OrderKey {
    /// Below every event.
    pub const MIN: Self = Self(Vec::new());

    /// Above every event.
    pub fn beyond() -> Self {
        Self(vec![u8::MAX])
    }

    /// Bytes that [`Order::key`] gave earlier.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Below every event at or after `time`, above every event before it.
    pub fn at(time: Timestamp) -> Self {
        Self(time.nanos().to_be_bytes().to_vec())
    }

    /// The order that the key was made of; `None` for a moment alone.
    pub fn order(&self) -> Option<Order> {
        let (nanos, rest) = self.0.split_first_chunk()?;
        let (has_sequence, rest) = rest.split_first()?;
        let mut texts = rest.split(|byte| *byte == 0).map(|text| str::from_utf8(text).ok().map(str::to_owned));
        let sequence = if *has_sequence == 1 { Some(texts.next()??) } else { None };
        let time = Timestamp::from_nanos(i64::from_be_bytes(*nanos))?;
        Some(Order { time, sequence, source: texts.next()??, id: texts.next()?? })
    }

    /// The source and id of the event; `None` for a moment alone.
    pub fn source_and_id(&self) -> Option<(String, String)> {
        self.order().map(|order| (order.source, order.id))
    }

    /// When the event happened; the epoch for [`OrderKey::MIN`].
    pub fn time(&self) -> Timestamp {
        let nanos = self.0.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
        Timestamp::from_nanos(nanos).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(nanos: i64, sequence: Option<&str>, source: &str, id: &str) -> Order {
        Order {
            time: Timestamp::from_nanos(nanos).unwrap(),
            sequence: sequence.map(str::to_owned),
            source: source.to_owned(),
            id: id.to_owned(),
        }
    }

    #[test]
    fn keys_compare_as_the_events_do() {
        let rising = [
            order(1, None, "shop", "2"),
            order(1, None, "shop", "21"),
            order(1, None, "shop/web", "1"),
            order(1, Some(""), "a", "1"),
            order(1, Some("1"), "b", "1"),
            order(1, Some("10"), "a", "1"),
            order(1, Some("2"), "a", "1"),
            order(256, None, "a", "1"),
            order(256, None, "ä", "é"),
        ];
        for (i, left) in rising.iter().enumerate() {
            for (j, right) in rising.iter().enumerate() {
                assert_eq!(left.cmp(right), i.cmp(&j), "{left:?} {right:?}");
                assert_eq!(left.key().cmp(&right.key()), i.cmp(&j), "keys of {left:?} {right:?}");
            }
            assert_eq!(left.key().order().as_ref(), Some(left));
        }
    }

    #[test]
    fn a_moment_bounds_the_events_of_its_time() {
        let event = order(7, None, "a", "1").key();
        assert!(OrderKey::at(Timestamp::from_nanos(7).unwrap()) < event);
        assert!(event < OrderKey::at(Timestamp::from_nanos(8).unwrap()));
        assert_eq!(event.time().nanos(), 7);
    }
}
