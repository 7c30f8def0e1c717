//! What tells a retry from a conflict: a hash over what the producer sent, before anything is stamped on it.

use std::fmt;

use serde_json::{Map, Value};

use crate::{Timestamp, Violation};

/// The first 128 bits of BLAKE3 over the event's canonical JSON (RFC 8785); as text, 32 lower-case hex digits.
///
/// `time` counts in its canonical text, so that the same moment hashes alike from JSON and from protobuf. An integer that no
/// double can hold counts as the text of its digits, as RFC 8785 advises: it would be rounded otherwise, and two long user
/// ids would be one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyHash(pub [u8; 16]);

/// What the gateway may stamp on an event; the hash is taken without it.
const STAMPS: [&[&str]; 4] = [&[], &["dataschema"], &["time"], &["dataschema", "time"]];

impl BodyHash {
    /// The hash of an event as its producer sent it. `bodyhash` itself never counts.
    pub(crate) fn of(attributes: &Map<String, Value>) -> Self {
        Self::without(attributes, &[])
    }

    /// Takes over the `bodyhash` of an event that went through a gateway before (a replay), if it is that event's.
    pub(crate) fn confirm(claimed: &Value, attributes: &Map<String, Value>) -> Result<Self, Violation> {
        STAMPS
            .iter()
            .map(|stamps| Self::without(attributes, stamps))
            .find(|hash| claimed.as_str() == Some(hash.to_string().as_str()))
            .ok_or_else(|| {
                Violation::new("bodyhash", "is not the hash of this event; leave it out, the gateway stamps it")
            })
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|bits| Self(bits.to_be_bytes()))
    }

    fn without(attributes: &Map<String, Value>, stamps: &[&str]) -> Self {
        let mut body = attributes.clone();
        body.remove("bodyhash");
        for stamp in stamps {
            body.remove(*stamp);
        }
        if let Some(Value::String(time)) = body.get_mut("time")
            && let Ok(moment) = Timestamp::parse(time)
        {
            *time = moment.to_string();
        }
        body.values_mut().for_each(keep_digits);
        let canonical = serde_json_canonicalizer::to_vec(&body).expect("a JSON value has a canonical form");
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(&canonical).as_bytes()[..16]);
        Self(hash)
    }
}

fn keep_digits(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let digits = number.as_i128().filter(|integer| *integer as f64 as i128 != *integer);
            if let Some(digits) = digits {
                *value = Value::String(digits.to_string());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(keep_digits),
        Value::Object(fields) => fields.values_mut().for_each(keep_digits),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

impl fmt::Display for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}
