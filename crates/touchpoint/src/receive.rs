//! From a stranger's JSON to a [`Touchpoint`]: every rule of the envelope, the schema and the typed content.
//!
//! The gateway and the projector share these rules: what the one accepts, the other does not park. (But for an event a day
//! ahead of time, where the gateway's clock and the log's disagree.)

use serde::Deserialize;

use crate::catalogue::Schema;
use crate::fields::{self, Fields, cut, into_object, is_name, is_sequence, too_large};
use crate::limits::{MAX_DEPTH, MAX_EVENT_BYTES};
use crate::violation::quote;
use crate::{
    BodyHash, Catalogue, Channel, Content, Decision, EventType, Json, Object, Order, SchemaVersion, Timestamp,
    Touchpoint, Violation, body_hash, decision, identifier, upcast,
};

/// A touchpoint with its data in the newest version of its schema, as the folds read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub touchpoint: Touchpoint,
    pub content: Content,
}

impl Event {
    /// All that the content was read from. It is read from the JSON again, since hardly anybody asks.
    pub fn data(&self) -> Object<'_> {
        let Ok(Json::Object(mut attributes)) = Json::parse(self.touchpoint.json()) else { return Object::default() };
        let Some(Json::Object(mut data)) = attributes.remove("data") else { return Object::default() };
        if let Some(version) = self.touchpoint.schema {
            upcast::upcast(&self.touchpoint.event_type, version, &mut data);
        }
        data
    }
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
pub fn receive<'a>(
    event: impl Into<Json<'a>>,
    received_at: Timestamp,
    catalogue: &Catalogue,
) -> Result<Touchpoint, Vec<Violation>> {
    let mut attributes = into_object(event.into()).map_err(|violation| vec![violation])?;
    let confirmed = attributes.get("bodyhash").map(|claimed| BodyHash::confirm(claimed, &attributes)).transpose();
    let confirmed = confirmed.map_err(|violation| vec![violation])?;
    let mut stamps = Vec::new();
    if attributes.get("time").is_none() {
        stamps.push("time");
        attributes.insert("time", Json::Text(received_at.to_string().into()));
    }
    if attributes.get("dataschema").is_none()
        && let Some(dataschema) = attributes.get("type").and_then(Json::as_text).and_then(|t| catalogue.dataschema(t))
    {
        stamps.push("dataschema");
        attributes.insert("dataschema", Json::Text(dataschema.into()));
    }
    let (body_hash, json) = match confirmed {
        Some(body_hash) => (body_hash, serde_json::to_vec(&attributes).expect("a JSON value is written back")),
        None => body_hash::stamp(&attributes, &stamps),
    };
    let event = check(attributes, Ok(body_hash), json.len(), received_at, catalogue, Standing::Unknown)?;
    Ok(Touchpoint { json, ..event.touchpoint })
}

/// Reads a record of the log: a decision where decisions stand, a touchpoint where touchpoints do.
pub fn read_record(
    json: &[u8],
    recorded_at: Timestamp,
    place: Place,
    catalogue: &Catalogue,
) -> Result<Recorded, Vec<Violation>> {
    match place {
        Place::Touchpoints => {
            let event = logged(json, recorded_at, catalogue, Standing::Unknown)?;
            Ok(Recorded::Touchpoint(event.with_json(json.to_vec())))
        }
        Place::Decisions => {
            let attributes = parse(json)?;
            let body_hash = fields::body_hash(&attributes);
            decision::check(attributes, body_hash, json, recorded_at).map(Box::new).map(Recorded::Decision)
        }
    }
}

/// Reads a touchpoint from the log, under the same rules. One that came to the log without a gateway is taken as it is.
pub fn read(json: Vec<u8>, recorded_at: Timestamp, catalogue: &Catalogue) -> Result<Event, Vec<Violation>> {
    let event = logged(&json, recorded_at, catalogue, Standing::Unknown)?;
    Ok(event.with_json(json))
}

/// The event but for its JSON. What is not so plain, or breaks a rule, is looked at attribute by attribute.
fn logged(
    json: &[u8],
    recorded_at: Timestamp,
    catalogue: &Catalogue,
    standing: Standing,
) -> Result<Event, Vec<Violation>> {
    if let Some(event) = Plain::event(json, recorded_at, catalogue, standing) {
        return Ok(event);
    }
    let attributes = parse(json)?;
    let body_hash = fields::body_hash(&attributes);
    check(attributes, body_hash, json.len(), recorded_at, catalogue, standing)
}

fn parse(json: &[u8]) -> Result<Object<'_>, Vec<Violation>> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(vec![too_large(json.len())]);
    }
    let event =
        Json::parse(json).map_err(|error| vec![Violation::new("event", format!("is not JSON in UTF-8: {error}"))])?;
    into_object(event).map_err(|violation| vec![violation])
}

/// Reads an event again that [`read`] gave under the same catalogue: the same event, in a fraction of the time.
pub fn reread(json: Vec<u8>, catalogue: &Catalogue) -> Result<Event, Vec<Violation>> {
    let event = logged(&json, Timestamp::MAX, catalogue, Standing::Passed)?;
    Ok(event.with_json(json))
}

/// What an event is and where it happened, of one that [`read`] gave under the same catalogue.
pub fn glance(json: &[u8], catalogue: &Catalogue) -> Result<(EventType, Channel), Vec<Violation>> {
    if let Some(seen) = Glance::of(json) {
        return Ok(seen);
    }
    let event = logged(json, Timestamp::MAX, catalogue, Standing::Passed)?;
    Ok((event.touchpoint.event_type, event.touchpoint.channel))
}

/// As nearly all are written: without escapes, and neither twice.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    channel: &'a str,
}

impl Glance<'_> {
    fn of(json: &[u8]) -> Option<(EventType, Channel)> {
        let Glance { event_type, channel } = serde_json::from_slice(json).ok()?;
        Some((EventType::parse(event_type).ok()?, Channel::parse(channel).ok()?))
    }
}

/// A touchpoint as nearly all stand on the log: stamped, without an attribute twice or one that Rapport gives no meaning to,
/// and without escapes in the others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    channel: &'a str,
    time: &'a str,
    bodyhash: &'a str,
    datacontenttype: Option<&'a str>,
    sequence: Option<&'a str>,
    dataschema: Option<&'a str>,
    subject: Option<&'a str>,
    #[serde(borrow)]
    data: Option<Json<'a>>,
}

impl Plain<'_> {
    /// The event but for its JSON; `None` if it is not so plain, or breaks a rule.
    fn event(json: &[u8], recorded_at: Timestamp, catalogue: &Catalogue, standing: Standing) -> Option<Event> {
        if json.len() > MAX_EVENT_BYTES {
            return None;
        }
        let plain: Plain<'_> = serde_json::from_str(str::from_utf8(json).ok()?).ok()?;
        let event_type = EventType::parse(plain.event_type).ok().filter(|known| !known.is_decision())?;
        let order = plain.order(recorded_at)?;
        let version = plain.dataschema.map(|text| SchemaVersion::parse(text, &event_type)).transpose().ok()?;
        let (version, schema) = catalogue.find(&event_type, version).ok()?.unzip();
        let (channel, body_hash) = (Channel::parse(plain.channel).ok()?, BodyHash::parse(plain.bodyhash)?);
        let data = match plain.data {
            None => Object::default(),
            Some(data) if data.is_deeper_than(MAX_DEPTH - 1) => return None,
            Some(Json::Object(data)) => data,
            Some(_) => return None,
        };
        let mut violations = Vec::new();
        let identifiers = identifier::gather(plain.subject, Some(&data), &mut violations);
        let json = Vec::new();
        let touchpoint = Touchpoint { order, event_type, channel, schema: version, body_hash, identifiers, json };
        violations.is_empty().then(|| said(touchpoint, schema, data, standing).ok()).flatten()
    }

    fn order(&self, recorded_at: Timestamp) -> Option<Order> {
        let Self { specversion, id, source, time, datacontenttype, sequence, .. } = *self;
        let time = Timestamp::parse(time).ok().filter(|time| *time <= recorded_at.plus_a_day())?;
        let is_cloud_event =
            specversion == "1.0" && datacontenttype.is_none_or(|of_data| of_data == "application/json");
        let is_right = is_cloud_event && is_name(id) && is_name(source) && sequence.is_none_or(is_sequence);
        let sequence = sequence.map(str::to_owned);
        is_right.then(|| Order { time, sequence, source: source.to_owned(), id: id.to_owned() })
    }
}

/// The event but for its JSON, which is so long.
fn check(
    mut attributes: Object<'_>,
    body_hash: Result<BodyHash, Violation>,
    bytes: usize,
    recorded_at: Timestamp,
    catalogue: &Catalogue,
    standing: Standing,
) -> Result<Event, Vec<Violation>> {
    if bytes > MAX_EVENT_BYTES {
        return Err(vec![too_large(bytes)]);
    }
    let mut violations = Vec::new();
    let body_hash = body_hash.map_err(|violation| violations.push(violation)).ok();
    let data = fields::data(&mut attributes, &mut violations);

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
    let (version, schema) = schema.unzip();
    let touchpoint =
        Touchpoint { order, event_type, channel, schema: version, body_hash, identifiers, json: Vec::new() };
    said(touchpoint, schema, data, standing)
}

/// With what it says, held against its schema.
fn said(
    touchpoint: Touchpoint,
    schema: Option<&Schema>,
    mut data: Object<'_>,
    standing: Standing,
) -> Result<Event, Vec<Violation>> {
    let Some((version, schema)) = touchpoint.schema.zip(schema) else {
        return Ok(Event { touchpoint, content: Content::Other });
    };
    if standing == Standing::Unknown {
        data = schema.validate(data).map_err(cut)?;
    }
    upcast::upcast(&touchpoint.event_type, version, &mut data);
    let content = Content::of(&touchpoint.event_type, &data).map_err(|violation| vec![violation])?;
    Ok(Event { touchpoint, content })
}

impl Event {
    fn with_json(mut self, json: Vec<u8>) -> Self {
        self.touchpoint.json = json;
        self
    }
}

fn touchpoint_type(fields: &mut Fields<'_, '_>) -> Option<EventType> {
    let event_type = fields.event_type()?;
    let rule = || format!("is {event_type}, a decision that only the admin services append");
    let checked = if event_type.is_decision() { Err(rule()) } else { Ok(()) };
    fields.keep("type", checked).map(|()| event_type)
}

fn schema<'c>(
    fields: &mut Fields<'_, '_>,
    event_type: &EventType,
    catalogue: &'c Catalogue,
) -> Option<(SchemaVersion, &'c Schema)> {
    let version = match fields.text("dataschema") {
        Some(text) => {
            let checked =
                SchemaVersion::parse(text, event_type).map_err(|right| format!("is {}; {right}", quote(text)));
            Some(fields.keep("dataschema", checked)?)
        }
        None => None,
    };
    let found = catalogue.find(event_type, version);
    fields.keep("dataschema", found)?
}
