//! The words that name a touchpoint's type, channel and schema, checked once and then known to be good.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_CHANNEL_BYTES, MAX_TYPE_BYTES, MAX_TYPE_WORDS};

/// Decisions that only the admin services append; refused from adapters.
const DECISIONS: [&str; 4] = [MERGED, SPLIT, "customer.erased", DISCARDED];
pub(crate) const MERGED: &str = "customer.merged";
pub(crate) const SPLIT: &str = "customer.split";
pub(crate) const DISCARDED: &str = "parked.discarded";

/// Dotted lower-case words: `order.placed`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventType(String);

impl EventType {
    pub fn parse(text: &str) -> Result<Self, String> {
        let right = || {
            format!(
                "must be 1 to {MAX_TYPE_WORDS} lower-case words joined by dots, such as order.placed; a word starts with a \
                 letter and goes on with letters, digits and _; at most {MAX_TYPE_BYTES} bytes"
            )
        };
        let mut words = 0;
        let all_words = text.split('.').all(|word| {
            words += 1;
            is_word(word)
        });
        if text.len() > MAX_TYPE_BYTES || words > MAX_TYPE_WORDS || !all_words {
            return Err(right());
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// Is it a decision (merge, split, erase, discard) and not something that happened?
    pub fn is_decision(&self) -> bool {
        DECISIONS.contains(&self.0.as_str())
    }
}

impl Borrow<str> for EventType {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the contact took place: `web`, `app`, `store`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Channel(String);

impl Channel {
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_CHANNEL_BYTES || !is_word(text) {
            return Err(format!(
                "must be one lower-case word such as web: a letter, then letters, digits and _; at most {MAX_CHANNEL_BYTES} bytes"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version in a `dataschema` such as `order.placed/1`; counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion(pub u32);

impl SchemaVersion {
    /// Reads `type/version`, where the type must be the event's own.
    pub fn parse(dataschema: &str, event_type: &EventType) -> Result<Self, String> {
        let right = || format!("must be the event's type and a version, such as {event_type}/1");
        let (of_type, version) = dataschema.rsplit_once('/').ok_or_else(right)?;
        let canonical = version.bytes().all(|b| b.is_ascii_digit()) && !version.starts_with('0');
        match version.parse() {
            Ok(number) if canonical && of_type == event_type.as_str() => Ok(Self(number)),
            _ => Err(right()),
        }
    }

    /// The `dataschema` attribute that says this version of this type.
    pub fn dataschema(self, event_type: &EventType) -> String {
        format!("{event_type}/{}", self.0)
    }
}

/// A letter, then letters, digits and underscores, all lower-case ASCII.
pub(crate) fn is_word(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Does the text hold a control character?
pub(crate) fn has_control(text: &str) -> bool {
    let may_have = |byte: u8| byte.is_ascii_control() || !byte.is_ascii();
    text.bytes().any(may_have) && text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_dotted_lower_case_words() {
        for good in ["order.placed", "home", "a.b.c.d.e", "step_2.done"] {
            assert!(EventType::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Order.Placed",
            "order..placed",
            ".order",
            "order.",
            "2.order",
            "a.b.c.d.e.f",
            "order placed",
            "order.*",
        ] {
            assert!(EventType::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn decisions_are_told_from_touchpoints() {
        assert!(EventType::parse("customer.merged").unwrap().is_decision());
        assert!(!EventType::parse("customer.identified").unwrap().is_decision());
    }

    #[test]
    fn a_schema_version_belongs_to_the_type() {
        let placed = EventType::parse("order.placed").unwrap();
        assert_eq!(SchemaVersion::parse("order.placed/12", &placed), Ok(SchemaVersion(12)));
        for bad in
            ["order.placed", "order.placed/", "order.placed/01", "order.placed/+1", "order.placed/0", "cart.updated/1"]
        {
            assert!(SchemaVersion::parse(bad, &placed).is_err(), "{bad}");
        }
    }
}
