//! A decision: what the company says about its customers and its log, as it stands on the log beside the touchpoints.
//!
//! Only the admin services append decisions. They name identifiers and records, never customer ids or positions, so that
//! they mean the same on a copied log.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::attribute::{DISCARDED, MERGED, SPLIT};
use crate::content::typed;
use crate::fields::{self, Fields, cut, too_large};
use crate::limits::{
    MAX_BY_BYTES, MAX_CANCELLED, MAX_DECIDED_IDENTIFIERS, MAX_EVENT_BYTES, MAX_NAME_BYTES, MAX_REASON_BYTES,
};
use crate::violation::quote;
use crate::{
    BodyHash, EventType, Identifier, Object, Order, RecordHash, Timestamp, Violation, body_hash, is_placeholder,
};

/// A checked decision. Made by [`Decision::new`] and [`read_record`](crate::read_record) only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When it was taken and what it is called.
    pub order: Order,
    pub body_hash: BodyHash,
    pub choice: Choice,
    json: Vec<u8>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Merged(Merged),
    Split(Split),
    Discarded(Discarded),
}

/// `customer.merged`: these are one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    #[serde(with = "as_texts")]
    pub left: Vec<Identifier>,
    #[serde(with = "as_texts")]
    pub right: Vec<Identifier>,
    /// Against a limit, too.
    #[serde(default)]
    pub forced: bool,
    pub reason: String,
    pub by: String,
}

/// `customer.split`: these are two customers, or the decisions that are named are as if they had never been, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    #[serde(default, with = "as_texts")]
    pub left: Vec<Identifier>,
    #[serde(default, with = "as_texts")]
    pub right: Vec<Identifier>,
    #[serde(default)]
    pub cancels: Vec<EventName>,
    pub reason: String,
    pub by: String,
}

/// `parked.discarded`: this record of the log counts nowhere, whatever code and definitions read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discarded {
    /// Which one it is: the only name that a record has for sure, and the only one that no other record can take.
    pub record: RecordHash,
    /// What the record says of itself, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub reason: String,
    pub by: String,
}

/// What an event is called, for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventName {
    pub source: String,
    pub id: String,
}

impl EventName {
    /// The hash that [`Order::name_hash`] gives an event of this name.
    pub fn hash(&self) -> [u8; 16] {
        crate::order::name_hash(&self.source, &self.id)
    }
}

impl Decision {
    /// A new one, as it goes onto the log.
    pub fn new(order: Order, choice: Choice) -> Result<Self, Vec<Violation>> {
        let event_type = choice.event_type();
        let mut attributes = Map::new();
        let mut put = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
        put("specversion", "1.0".into());
        put("id", order.id.into());
        put("source", order.source.into());
        put("type", event_type.as_str().into());
        put("dataschema", version_of(&event_type).into());
        put("time", order.time.to_string().into());
        if let Some(sequence) = order.sequence {
            put("sequence", sequence.into());
        }
        put("data", choice.data());
        let attributes = Object::from(attributes);
        let (body_hash, json) = body_hash::stamp(&attributes, &[]);
        check(attributes, Ok(body_hash), &json, order.time)
    }

    /// CloudEvents JSON in structured mode: the form on the log.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub fn into_json(self) -> Vec<u8> {
        self.json
    }

    /// 128 bits that name the decision for ever, among the touchpoints too.
    pub fn name_hash(&self) -> [u8; 16] {
        self.order.name_hash()
    }

    pub fn event_type(&self) -> EventType {
        self.choice.event_type()
    }
}

impl Choice {
    pub fn event_type(&self) -> EventType {
        let word = match self {
            Self::Merged(_) => MERGED,
            Self::Split(_) => SPLIT,
            Self::Discarded(_) => DISCARDED,
        };
        EventType::parse(word).expect("the types of decisions are types")
    }

    fn data(&self) -> Value {
        match self {
            Self::Merged(merged) => serde_json::to_value(merged),
            Self::Split(split) => serde_json::to_value(split),
            Self::Discarded(discarded) => serde_json::to_value(discarded),
        }
        .expect("texts and lists of texts are JSON")
    }

    fn read(event_type: &EventType, data: &Object<'_>) -> Result<Self, Violation> {
        match event_type.as_str() {
            MERGED => typed(data).map(Self::Merged),
            SPLIT => typed(data).map(Self::Split),
            DISCARDED => typed(data).map(Self::Discarded),
            _ if event_type.is_decision() => {
                Err(Violation::new("type", format!("is {event_type}, a decision that this version does not support")))
            }
            _ => {
                Err(Violation::new("type", format!("is {event_type}, which is no decision; only decisions stand here")))
            }
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let mut broken = Broken::default();
        let (reason, by) = match self {
            Self::Merged(Merged { left, right, forced: _, reason, by }) => {
                broken.sides(left, right);
                broken.hold(!left.is_empty(), "left", "is empty; name at least one identifier of the one customer");
                broken.hold(!right.is_empty(), "right", "is empty; name at least one identifier of the other customer");
                (reason, by)
            }
            Self::Split(Split { left, right, cancels, reason, by }) => {
                broken.sides(left, right);
                broken.hold(left.is_empty() == right.is_empty(), "right", "and left must both be named, or neither");
                broken.hold(!(left.is_empty() && cancels.is_empty()), "cancels", "is empty, and so are left and right");
                broken.cancels(cancels);
                (reason, by)
            }
            Self::Discarded(Discarded { record: _, source, id, reason, by }) => {
                source.iter().for_each(|source| broken.text("source", source, 0, MAX_NAME_BYTES));
                id.iter().for_each(|id| broken.text("id", id, 0, MAX_NAME_BYTES));
                (reason, by)
            }
        };
        broken.text("reason", reason, 1, MAX_REASON_BYTES);
        broken.text("by", by, 1, MAX_BY_BYTES);
        broken.0
    }
}

/// The rules that a decision breaks.
#[derive(Default)]
struct Broken(Vec<Violation>);

impl Broken {
    fn hold(&mut self, holds: bool, field: &str, rule: &str) {
        if !holds {
            self.0.push(Violation::new(format!("data/{field}"), rule));
        }
    }

    fn text(&mut self, field: &str, text: &str, least: usize, most: usize) {
        let fits = (least..=most).contains(&text.len()) && !text.chars().any(char::is_control);
        let rule = format!("is {}; must be {least} to {most} bytes without control characters", quote(text));
        self.hold(fits, field, &rule);
    }

    fn sides(&mut self, left: &[Identifier], right: &[Identifier]) {
        let known: BTreeSet<&Identifier> = left.iter().collect();
        for (side, identifiers) in [("left", left), ("right", right)] {
            let rule = format!("has {} identifiers; at most {MAX_DECIDED_IDENTIFIERS}", identifiers.len());
            self.hold(identifiers.len() <= MAX_DECIDED_IDENTIFIERS, side, &rule);
            for (place, identifier) in identifiers.iter().enumerate().take(MAX_DECIDED_IDENTIFIERS) {
                let rule = format!("is {}, which names nobody", quote(&identifier.to_string()));
                self.hold(!is_placeholder(&identifier.value), &format!("{side}/{place}"), &rule);
            }
        }
        if let Some(both) = right.iter().find(|identifier| known.contains(identifier)) {
            let rule = format!("has {}, and so has left", quote(&both.to_string()));
            self.hold(false, "right", &rule);
        }
    }

    fn cancels(&mut self, cancels: &[EventName]) {
        let rule = format!("names {} decisions; at most {MAX_CANCELLED}", cancels.len());
        self.hold(cancels.len() <= MAX_CANCELLED, "cancels", &rule);
        for (place, EventName { source, id }) in cancels.iter().enumerate().take(MAX_CANCELLED) {
            self.text(&format!("cancels/{place}/source"), source, 1, MAX_NAME_BYTES);
            self.text(&format!("cancels/{place}/id"), id, 1, MAX_NAME_BYTES);
        }
    }
}

/// Every rule of a decision.
pub(crate) fn check(
    mut attributes: Object<'_>,
    body_hash: Result<BodyHash, Violation>,
    json: &[u8],
    recorded_at: Timestamp,
) -> Result<Decision, Vec<Violation>> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(vec![too_large(json.len())]);
    }
    let mut violations = Vec::new();
    let body_hash = body_hash.map_err(|violation| violations.push(violation)).ok();
    let data = fields::data(&mut attributes, &mut violations);
    let mut fields = Fields { attributes: &attributes, violations: &mut violations };
    let names = fields.names();
    let event_type = fields.event_type();
    let order = fields.order(names, recorded_at);
    if let Some(event_type) = &event_type {
        fields.one_of("dataschema", &[&version_of(event_type)], false);
    }
    fields.extensions();
    let choice = event_type.zip(data).and_then(|(event_type, data)| match Choice::read(&event_type, &data) {
        Ok(choice) => {
            violations.extend(choice.violations());
            Some(choice)
        }
        Err(violation) => {
            violations.push(violation);
            None
        }
    });
    match (order, body_hash, choice) {
        (Some(order), Some(body_hash), Some(choice)) if violations.is_empty() => {
            Ok(Decision { order, body_hash, choice, json: json.to_vec() })
        }
        _ => Err(cut(violations)),
    }
}

/// Decisions have had one version so far.
fn version_of(event_type: &EventType) -> String {
    format!("{event_type}/1")
}

/// Identifiers as `namespace:value`.
mod as_texts {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::{Identifier, quote};

    pub fn serialize<S: Serializer>(identifiers: &[Identifier], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(identifiers.iter().map(ToString::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Identifier>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let identifier = |text: String| {
            Identifier::parse(&text).map_err(|right| D::Error::custom(format!("{} {right}", quote(&text))))
        };
        texts.into_iter().map(identifier).collect()
    }
}
