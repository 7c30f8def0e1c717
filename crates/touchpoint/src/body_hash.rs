//! What tells a retry from a conflict: a hash over what the producer sent, before anything is stamped on it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::{Json, Object, Timestamp, Violation};

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

const BODY_HASH: &str = "bodyhash";
/// Where the digits of a hash will stand.
const NO_HASH: &str = "00000000000000000000000000000000";
/// Most events are shorter as JSON. (More than 1024 would be slow to allocate.)
const USUAL_BYTES: usize = 512;

/// What the gateway may stamp on an event; the hash is taken without it.
const STAMPS: [&[&str]; 4] = [&[], &["dataschema"], &["time"], &["dataschema", "time"]];

impl BodyHash {
    /// The hash of an event as its producer sent it. `bodyhash` itself never counts.
    pub(crate) fn of(attributes: &Object<'_>) -> Self {
        Self::without(attributes, &[])
    }

    /// Takes over the `bodyhash` of an event that went through a gateway before (a replay), if it is that event's.
    pub(crate) fn confirm(claimed: &Json<'_>, attributes: &Object<'_>) -> Result<Self, Violation> {
        STAMPS
            .iter()
            .map(|stamps| Self::without(attributes, stamps))
            .find(|hash| claimed.as_text() == Some(hash.to_string().as_str()))
            .ok_or_else(|| {
                Violation::new("bodyhash", "is not the hash of this event; leave it out, the gateway stamps it")
            })
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }

    fn without(attributes: &Object<'_>, stamps: &[&str]) -> Self {
        let counted = attributes.iter().filter(|(name, _)| *name != BODY_HASH && !stamps.contains(name));
        let body: BTreeMap<&str, Cow<'_, Json<'_>>> =
            counted.map(|(name, value)| (name, comparable(name, value))).collect();
        Self(hash(&canonical(&body)))
    }
}

impl RecordHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self(hash(bytes))
    }

    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

fn hash(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    hash
}

/// Hashes an event's body, in which the `stamps` among the attributes do not count, and writes the event as it goes onto
/// the log, with that hash. Nearly always the two are the same text but for the stamps, which is written once.
pub(crate) fn stamp(attributes: &Object<'_>, stamps: &[&str]) -> (BodyHash, Vec<u8>) {
    let is_short = attributes.iter().all(|(name, value)| name.is_ascii() && is_plain(value));
    let of_long = (!is_short).then(|| BodyHash::without(attributes, stamps));
    let (mut event, mut body, mut stamped) = (Writing::default(), Writing::default(), None);
    for (name, value) in attributes.iter() {
        if name > BODY_HASH && stamped.is_none() {
            stamped = Some(event.put(BODY_HASH, &NO_HASH));
        }
        let field = event.put(name, value);
        if !is_short || stamps.contains(&name) {
            continue;
        }
        match comparable(name, value) {
            Cow::Borrowed(_) => body.copy(&event.0[field]),
            Cow::Owned(value) => {
                body.put(name, &value);
            }
        }
    }
    let stamped = stamped.unwrap_or_else(|| event.put(BODY_HASH, &NO_HASH));
    let hash = of_long.unwrap_or_else(|| BodyHash(hash(&body.end())));
    let digits = stamped.end - 1 - NO_HASH.len()..stamped.end - 1;
    let mut json = event.end();
    json[digits].copy_from_slice(&hex(hash.0));
    (hash, json)
}

/// A JSON object, as far as it is written.
struct Writing(Vec<u8>);

impl Default for Writing {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL_BYTES))
    }
}

impl Writing {
    /// Says where the field lies.
    fn put(&mut self, name: &str, value: &impl Serialize) -> Range<usize> {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        let start = self.0.len();
        let mut write = || -> serde_json::Result<()> {
            serde_json::to_writer(&mut self.0, name)?;
            self.0.push(b':');
            serde_json::to_writer(&mut self.0, value)
        };
        write().expect("a JSON value is written to memory");
        start..self.0.len()
    }

    fn copy(&mut self, field: &[u8]) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.extend_from_slice(field);
    }

    fn end(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }
}

fn hex(hash: [u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
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
fn canonical(body: &BTreeMap<&str, Cow<'_, Json<'_>>>) -> Vec<u8> {
    let plain = body.iter().all(|(name, value)| name.is_ascii() && is_plain(value));
    if plain { serde_json::to_vec(body) } else { serde_json_canonicalizer::to_vec(body) }
        .expect("a JSON value has a canonical form")
}

fn is_plain(value: &Json<'_>) -> bool {
    match value {
        Json::Number(number) => !number.is_f64() && long_integer(number).is_none(),
        Json::List(values) => values.iter().all(is_plain),
        Json::Object(fields) => fields.iter().all(|(name, value)| name.is_ascii() && is_plain(value)),
        Json::Null | Json::Bool(_) | Json::Text(_) => true,
    }
}

/// The value as it counts. Nearly all do as they are, and are not copied.
fn comparable<'v, 'a>(name: &str, value: &'v Json<'a>) -> Cow<'v, Json<'a>> {
    match value {
        Json::Text(time) if name == "time" && Timestamp::is_canonical(time) => Cow::Borrowed(value),
        Json::Text(time) if name == "time" => match Timestamp::parse(time) {
            Ok(moment) => Cow::Owned(Json::Text(moment.to_string().into())),
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

fn holds_long_integer(value: &Json<'_>) -> bool {
    match value {
        Json::Number(number) => long_integer(number).is_some(),
        Json::List(values) => values.iter().any(holds_long_integer),
        Json::Object(fields) => fields.iter().any(|(_, value)| holds_long_integer(value)),
        Json::Null | Json::Bool(_) | Json::Text(_) => false,
    }
}

fn keep_digits(value: &mut Json<'_>) {
    match value {
        Json::Number(number) => {
            if let Some(digits) = long_integer(number) {
                *value = Json::Text(digits.to_string().into());
            }
        }
        Json::List(values) => values.iter_mut().for_each(keep_digits),
        Json::Object(fields) => fields.values_mut().for_each(keep_digits),
        Json::Null | Json::Bool(_) | Json::Text(_) => {}
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
        for value in values.map(Json::from) {
            let body = BTreeMap::from([("data", Cow::Borrowed(&value))]);
            assert!(is_plain(&value));
            assert_eq!(canonical(&body), serde_json_canonicalizer::to_vec(&body).unwrap());
        }
        assert!(!is_plain(&json!([1.5]).into()) && !is_plain(&json!({"\u{e000}": 1}).into()));
    }
}
