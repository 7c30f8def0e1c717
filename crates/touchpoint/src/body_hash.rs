//! What tells a retry from a conflict: a hash over what the producer sent, before anything is stamped on it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::{Timestamp, Violation};

/// The first 128 bits of BLAKE3 over the event's canonical JSON (RFC 8785); as text, 32 lower-case hex digits.
///
/// `time` counts in its canonical text, so that the same moment hashes alike from JSON and from protobuf. An integer that no
/// double can hold counts as the text of its digits, as RFC 8785 advises: it would be rounded otherwise, and two long user
/// ids would be one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyHash(pub [u8; 16]);

/// The first 128 bits of BLAKE3 over the bytes of a record as it stands on the log; as text, 32 lower-case hex digits.
///
/// The one name that every record has, whatever it says, and that no other record can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordHash(pub [u8; 16]);

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
        parse_hex(text).map(Self)
    }

    fn without(attributes: &Map<String, Value>, stamps: &[&str]) -> Self {
        let body: BTreeMap<&str, Cow<'_, Value>> = attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .filter(|(name, _)| *name != "bodyhash" && !stamps.contains(name))
            .map(|(name, value)| (name, comparable(name, value)))
            .collect();
        let canonical = canonical(&body);
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(&canonical).as_bytes()[..16]);
        Self(hash)
    }
}

impl RecordHash {
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(hash)
    }

    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

macro_rules! as_hex {
    ($($hash:ident),+) => {$(
        impl fmt::Display for $hash {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl Serialize for $hash {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $hash {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom("must be 32 lower-case hex digits"))
            }
        }
    )+};
}

as_hex!(BodyHash, RecordHash);

/// RFC 8785. What serde_json writes of sorted maps is that already, but for floats and for names that sort otherwise in
/// UTF-16; telling so is five times as fast as writing it the long way.
fn canonical(body: &BTreeMap<&str, Cow<'_, Value>>) -> Vec<u8> {
    let plain = body.iter().all(|(name, value)| name.is_ascii() && is_plain(value));
    if plain { serde_json::to_vec(body) } else { serde_json_canonicalizer::to_vec(body) }
        .expect("a JSON value has a canonical form")
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(values) => values.iter().all(is_plain),
        Value::Object(fields) => fields.iter().all(|(name, value)| name.is_ascii() && is_plain(value)),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// The value as it counts. Nearly all do as they are, and are not copied.
fn comparable<'a>(name: &str, value: &'a Value) -> Cow<'a, Value> {
    match value {
        Value::String(time) if name == "time" => match Timestamp::parse(time) {
            Ok(moment) => Cow::Owned(Value::String(moment.to_string())),
            Err(_) => Cow::Borrowed(value),
        },
        _ if holds_long_integer(value) => {
            let mut value = value.clone();
            keep_digits(&mut value);
            Cow::Owned(value)
        }
        _ => Cow::Borrowed(value),
    }
}

/// The digits of an integer that no double can hold.
fn long_integer(number: &Number) -> Option<i128> {
    number.as_i128().filter(|integer| *integer as f64 as i128 != *integer)
}

fn holds_long_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => long_integer(number).is_some(),
        Value::Array(values) => values.iter().any(holds_long_integer),
        Value::Object(fields) => fields.values().any(holds_long_integer),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn keep_digits(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(digits) = long_integer(number) {
                *value = Value::String(digits.to_string());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(keep_digits),
        Value::Object(fields) => fields.values_mut().for_each(keep_digits),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_short_way_writes_what_rfc_8785_says() {
        let values = [
            json!({"b": 1, "a": {"z": [null, true, "ä\u{7}\n\"\\/\u{1f600}\u{7f}\u{2028}"], "A": -9_007_199_254_740_991_i64}}),
            json!({"": "", "0": 0, "00": [[], {}]}),
        ];
        for value in values {
            let body = BTreeMap::from([("data", Cow::Borrowed(&value))]);
            assert!(is_plain(&value));
            assert_eq!(canonical(&body), serde_json_canonicalizer::to_vec(&body).unwrap());
        }
        assert!(!is_plain(&json!([1.5])) && !is_plain(&json!({"\u{e000}": 1})));
    }
}
