//! From a stranger's JSON to a [`Touchpoint`]: every rule of the envelope, the schema and the typed content.
//!
//! The gateway and the projector share these rules: what the one accepts, the other does not park. (But for an event a day
//! ahead of time, where the gateway's clock and the log's disagree.)

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fields::{Fields, body_hash, cut, data, into_object, too_large};
use crate::limits::MAX_EVENT_BYTES;
use crate::violation::quote;
use crate::{
    BodyHash, Catalogue, Channel, Content, Decision, EventType, Order, SchemaVersion, Timestamp, Touchpoint, Violation,
    decision, identifier,
};

/// A touchpoint with its data in the newest version of its schema, as the folds read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub touchpoint: Touchpoint,
    pub content: Content,
    /// All that the content was read from.
    pub data: Map<String, Value>,
}

/// What stands on the log.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are touchpoints")]
pub enum Recorded {
    Touchpoint(Event),
    Decision(Box<Decision>),
}

/// Where a record stands on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where the gateway appends.
    Touchpoints,
    /// Where only the admin services append.
    Decisions,
}

/// How much of an event is still to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Every rule.
    Unknown,
    /// It passed under this very catalogue; what only refuses, and says nothing of the event, need not be asked again.
    Passed,
}

/// Checks an event as its producer sent it, hashes its body, and stamps what is absent: time, dataschema, bodyhash.
pub fn receive(event: Value, received_at: Timestamp, catalogue: &Catalogue) -> Result<Touchpoint, Vec<Violation>> {
    let mut attributes = into_object(event).map_err(|violation| vec![violation])?;
    let body_hash = match attributes.get("bodyhash") {
        Some(claimed) => BodyHash::confirm(claimed, &attributes).map_err(|violation| vec![violation])?,
        None => BodyHash::of(&attributes),
    };
    if !attributes.contains_key("time") {
        attributes.insert("time".to_owned(), Value::String(received_at.to_string()));
    }
    if !attributes.contains_key("dataschema")
        && let Some(event_type) = attributes.get("type").and_then(Value::as_str).and_then(|t| EventType::parse(t).ok())
        && let Some(version) = catalogue.newest(&event_type)
    {
        attributes.insert("dataschema".to_owned(), Value::String(version.dataschema(&event_type)));
    }
    attributes.insert("bodyhash".to_owned(), Value::String(body_hash.to_string()));
    let json = serde_json::to_vec(&attributes).expect("a JSON value is written back");
    check(attributes, json, received_at, catalogue, Standing::Unknown).map(|event| event.touchpoint)
}

/// Reads a record of the log: a decision where decisions stand, a touchpoint where touchpoints do.
pub fn read_record(
    json: Vec<u8>,
    recorded_at: Timestamp,
    place: Place,
    catalogue: &Catalogue,
) -> Result<Recorded, Vec<Violation>> {
    match place {
        Place::Touchpoints => read(json, recorded_at, catalogue).map(Recorded::Touchpoint),
        Place::Decisions => {
            let attributes = parse(&json)?;
            decision::check(attributes, json, recorded_at).map(Box::new).map(Recorded::Decision)
        }
    }
}

/// Reads a touchpoint from the log, under the same rules. One that came to the log without a gateway is taken as it is.
pub fn read(json: Vec<u8>, recorded_at: Timestamp, catalogue: &Catalogue) -> Result<Event, Vec<Violation>> {
    let attributes = parse(&json)?;
    check(attributes, json, recorded_at, catalogue, Standing::Unknown)
}

fn parse(json: &[u8]) -> Result<Map<String, Value>, Vec<Violation>> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(vec![too_large(json.len())]);
    }
    let value = serde_json::from_slice(json)
        .map_err(|error| vec![Violation::new("event", format!("is not JSON in UTF-8: {error}"))])?;
    into_object(value).map_err(|violation| vec![violation])
}

/// Reads an event again that [`read`] gave under the same catalogue: the same event, in a fraction of the time.
pub fn reread(mut json: Vec<u8>, catalogue: &Catalogue) -> Result<Event, Vec<Violation>> {
    if let Some(mut event) = Plain::event(&json, catalogue) {
        event.touchpoint.json = std::mem::take(&mut json);
        return Ok(event);
    }
    let mut attributes: Map<String, Value> = serde_json::from_slice(&json)
        .map_err(|error| vec![Violation::new("event", format!("is no JSON object: {error}"))])?;
    attributes.retain(|_, value| !value.is_null());
    check(attributes, json, Timestamp::MAX, catalogue, Standing::Passed)
}

/// The attributes of a record that passed, without a copy. Nearly all are like that: stamped, no escapes in their texts and
/// no attribute twice.
#[derive(Deserialize)]
struct Plain<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    channel: &'a str,
    time: &'a str,
    bodyhash: &'a str,
    sequence: Option<&'a str>,
    dataschema: Option<&'a str>,
    subject: Option<&'a str>,
    data: Option<Map<String, Value>>,
}

impl Plain<'_> {
    /// The event but for its JSON; `None` if the record is not so plain.
    fn event(json: &[u8], catalogue: &Catalogue) -> Option<Event> {
        let Plain { id, source, event_type, channel, time, bodyhash, sequence, dataschema, subject, data } =
            serde_json::from_str(str::from_utf8(json).ok()?).ok()?;
        let event_type = EventType::parse(event_type).ok()?;
        let schema = match dataschema {
            Some(text) => Some(SchemaVersion::parse(text, &event_type).ok()?),
            None => catalogue.newest(&event_type),
        };
        let mut violations = Vec::new();
        let identifiers = identifier::gather(subject, data.as_ref(), &mut violations);
        let data = data.unwrap_or_default();
        let (content, data) = match schema {
            Some(version) => catalogue.read(&event_type, version, data).ok()?,
            None => (Content::Other, data),
        };
        let order = Order {
            time: Timestamp::parse(time).ok()?,
            sequence: sequence.map(str::to_owned),
            source: source.to_owned(),
            id: id.to_owned(),
        };
        let (channel, body_hash) = (Channel::parse(channel).ok()?, BodyHash::parse(bodyhash)?);
        let json = Vec::new();
        let touchpoint = Touchpoint { order, event_type, channel, schema, body_hash, identifiers, json };
        violations.is_empty().then_some(Event { touchpoint, content, data })
    }
}

fn check(
    mut attributes: Map<String, Value>,
    json: Vec<u8>,
    recorded_at: Timestamp,
    catalogue: &Catalogue,
    standing: Standing,
) -> Result<Event, Vec<Violation>> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(vec![too_large(json.len())]);
    }
    let mut violations = Vec::new();
    let body_hash = body_hash(&attributes, &mut violations);
    let data = data(&mut attributes, &mut violations);

    let mut fields = Fields { attributes: &attributes, violations: &mut violations };
    let names = fields.names();
    let event_type = touchpoint_type(&mut fields);
    let channel = fields.required("channel", "name the place of the contact, such as web").and_then(|text| {
        let checked = Channel::parse(text).map_err(|right| format!("is {}; {right}", quote(text)));
        fields.keep("channel", checked)
    });
    let order = fields.order(names, recorded_at);
    let schema = event_type.as_ref().and_then(|event_type| schema(&mut fields, event_type, catalogue));
    if standing == Standing::Unknown {
        fields.extensions();
    }
    let subject = fields.text("subject");
    let identifiers = identifier::gather(subject, data.as_ref(), &mut violations);

    let (Some(order), Some(event_type), Some(channel), Some(body_hash), Some(data)) =
        (order, event_type, channel, body_hash, data)
    else {
        return Err(cut(violations));
    };
    if !violations.is_empty() {
        return Err(cut(violations));
    }
    let (content, data) = match schema {
        Some(version) => {
            let data = match standing {
                Standing::Unknown => catalogue.validate(&event_type, version, data).map_err(cut)?,
                Standing::Passed => data,
            };
            catalogue.read(&event_type, version, data).map_err(|violation| vec![violation])?
        }
        None => (Content::Other, data),
    };
    let touchpoint = Touchpoint { order, event_type, channel, schema, body_hash, identifiers, json };
    Ok(Event { touchpoint, content, data })
}

fn touchpoint_type(fields: &mut Fields<'_, '_>) -> Option<EventType> {
    let event_type = fields.event_type()?;
    let rule = || format!("is {event_type}, a decision that only the admin services append");
    let checked = if event_type.is_decision() { Err(rule()) } else { Ok(()) };
    fields.keep("type", checked).map(|()| event_type)
}

fn schema(fields: &mut Fields<'_, '_>, event_type: &EventType, catalogue: &Catalogue) -> Option<SchemaVersion> {
    let Some(text) = fields.text("dataschema") else { return catalogue.newest(event_type) };
    let checked = SchemaVersion::parse(text, event_type).map_err(|right| format!("is {}; {right}", quote(text)));
    let version = fields.keep("dataschema", checked)?;
    let known = catalogue.known(event_type, version);
    fields.keep("dataschema", known.map(|()| version))
}
