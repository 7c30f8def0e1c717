//! From a stranger's JSON to a [`Touchpoint`]: every rule of the envelope, the schema and the typed content.
//!
//! The gateway and the projector share these rules: what the one accepts, the other does not park. (But for an event a day
//! ahead of time, where the gateway's clock and the log's disagree.)

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::limits::{
    MAX_DEPTH, MAX_EVENT_BYTES, MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_NAME_BYTES, MAX_SEQUENCE_BYTES, MAX_VIOLATIONS,
};
use crate::violation::quote;
use crate::{
    BodyHash, Catalogue, Channel, Content, EventType, Order, SchemaVersion, Timestamp, Touchpoint, Violation,
    identifier,
};

/// A touchpoint with its data in the newest version of its schema, as the folds read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub touchpoint: Touchpoint,
    pub content: Content,
    /// All that the content was read from.
    pub data: Map<String, Value>,
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

/// Reads an event from the log, under the same rules. One that came to the log without a gateway is taken as it is.
pub fn read(json: Vec<u8>, recorded_at: Timestamp, catalogue: &Catalogue) -> Result<Event, Vec<Violation>> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(vec![too_large(json.len())]);
    }
    let value = serde_json::from_slice(&json)
        .map_err(|error| vec![Violation::new("event", format!("is not JSON in UTF-8: {error}"))])?;
    let attributes = into_object(value).map_err(|violation| vec![violation])?;
    check(attributes, json, recorded_at, catalogue, Standing::Unknown)
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
            serde_json::from_slice(json).ok()?;
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

fn into_object(event: Value) -> Result<Map<String, Value>, Violation> {
    if is_deeper_than(MAX_DEPTH, &event) {
        return Err(Violation::new("event", format!("nests objects and lists deeper than {MAX_DEPTH}")));
    }
    match event {
        Value::Object(mut attributes) => {
            attributes.retain(|_, value| !value.is_null());
            Ok(attributes)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Violation::new("event", "must be a JSON object: a CloudEvent in structured mode"))
        }
    }
}

fn is_deeper_than(depth: usize, value: &Value) -> bool {
    let Some(below) = depth.checked_sub(1) else { return value.is_array() || value.is_object() };
    match value {
        Value::Array(values) => values.iter().any(|value| is_deeper_than(below, value)),
        Value::Object(fields) => fields.values().any(|value| is_deeper_than(below, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn too_large(bytes: usize) -> Violation {
    Violation::new("event", format!("has {bytes} bytes of JSON; an event has at most {MAX_EVENT_BYTES}"))
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
    let body_hash = match attributes.get("bodyhash") {
        None => Some(BodyHash::of(&attributes)),
        Some(stamped) => stamped.as_str().and_then(BodyHash::parse),
    };
    if body_hash.is_none() {
        violations.push(Violation::new("bodyhash", "must be 32 lower-case hex digits"));
    }
    let data = match attributes.remove("data") {
        None => Some(Map::new()),
        Some(Value::Object(data)) => Some(data),
        Some(_) => {
            violations.push(Violation::new("data", "must be a JSON object"));
            None
        }
    };

    let mut fields = Fields { attributes: &attributes, violations: &mut violations };
    fields.one_of("specversion", &["1.0"], true);
    fields.one_of("datacontenttype", &["application/json"], false);
    let id = fields.name("id", "give the event the producer's own id");
    let source = fields.name("source", "name the adapter, such as shop/web");
    let event_type = fields.event_type();
    let channel = fields.required("channel", "name the place of the contact, such as web").and_then(|text| {
        let checked = Channel::parse(text).map_err(|right| format!("is {}; {right}", quote(text)));
        fields.keep("channel", checked)
    });
    let time = fields.time(recorded_at);
    let sequence = fields.sequence();
    let schema = event_type.as_ref().and_then(|event_type| fields.schema(event_type, catalogue));
    if standing == Standing::Unknown {
        fields.extensions();
    }
    let subject = fields.text("subject");
    let identifiers = identifier::gather(subject, data.as_ref(), &mut violations);

    let (Some(id), Some(source), Some(event_type), Some(channel), Some(time), Some(body_hash), Some(data)) =
        (id, source, event_type, channel, time, body_hash, data)
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
    let order = Order { time, sequence, source, id };
    let touchpoint = Touchpoint { order, event_type, channel, schema, body_hash, identifiers, json };
    Ok(Event { touchpoint, content, data })
}

fn cut(mut violations: Vec<Violation>) -> Vec<Violation> {
    if violations.len() > MAX_VIOLATIONS {
        let more = violations.len() - MAX_VIOLATIONS;
        violations.truncate(MAX_VIOLATIONS);
        violations.push(Violation::new("event", format!("breaks {more} more rules")));
    }
    violations
}

/// The attributes of one event and what is wrong with them so far.
struct Fields<'a, 'v> {
    attributes: &'a Map<String, Value>,
    violations: &'v mut Vec<Violation>,
}

impl<'a> Fields<'a, '_> {
    fn text(&mut self, field: &str) -> Option<&'a str> {
        let text = self.attributes.get(field)?.as_str();
        if text.is_none() {
            self.violations.push(Violation::new(field, "must be a string"));
        }
        text
    }

    fn required(&mut self, field: &str, right: &str) -> Option<&'a str> {
        if !self.attributes.contains_key(field) {
            self.violations.push(Violation::missing(field, right));
        }
        self.text(field)
    }

    fn keep<T>(&mut self, field: &str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|rule| self.violations.push(Violation::new(field, rule))).ok()
    }

    fn one_of(&mut self, field: &str, allowed: &[&str], required: bool) {
        let right = format!("must be {}", allowed.join(" or "));
        let found = if required { self.required(field, &right) } else { self.text(field) };
        if let Some(text) = found
            && !allowed.contains(&text)
        {
            self.violations.push(Violation::new(field, format!("is {}; {right}", quote(text))));
        }
    }

    fn name(&mut self, field: &str, right: &str) -> Option<String> {
        let text = self.required(field, right)?;
        let fits = (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        let rule = || format!("is {}; must be 1 to {MAX_NAME_BYTES} bytes without control characters", quote(text));
        self.keep(field, if fits { Ok(text.to_owned()) } else { Err(rule()) })
    }

    fn event_type(&mut self) -> Option<EventType> {
        let text = self.required("type", "say what happened, such as order.placed")?;
        let checked =
            EventType::parse(text).map_err(|right| format!("is {}; {right}", quote(text))).and_then(|parsed| {
                if parsed.is_decision() {
                    return Err(format!("is {parsed}, a decision that only the admin services append"));
                }
                Ok(parsed)
            });
        self.keep("type", checked)
    }

    /// From 1970 to one day after the event was recorded.
    fn time(&mut self, recorded_at: Timestamp) -> Option<Timestamp> {
        let text = self.required("time", "say when it happened, such as 2026-11-21T10:00:00Z")?;
        let checked = Timestamp::parse(text).and_then(|time| {
            let latest = recorded_at.plus_a_day();
            if time > latest {
                Err(format!("lies more than a day after it was recorded; {latest} is the latest"))
            } else {
                Ok(time)
            }
        });
        self.keep("time", checked.map_err(|rule| format!("is {}, which {rule}", quote(text))))
    }

    fn sequence(&mut self) -> Option<String> {
        let text = self.text("sequence")?;
        let fits = text.len() <= MAX_SEQUENCE_BYTES && !text.chars().any(char::is_control);
        let rule =
            || format!("is {}; must be at most {MAX_SEQUENCE_BYTES} bytes without control characters", quote(text));
        self.keep("sequence", if fits { Ok(text.to_owned()) } else { Err(rule()) })
    }

    fn schema(&mut self, event_type: &EventType, catalogue: &Catalogue) -> Option<SchemaVersion> {
        let Some(text) = self.text("dataschema") else { return catalogue.newest(event_type) };
        let checked = SchemaVersion::parse(text, event_type).map_err(|right| format!("is {}; {right}", quote(text)));
        let version = self.keep("dataschema", checked)?;
        let known = catalogue.known(event_type, version);
        self.keep("dataschema", known.map(|()| version))
    }

    /// Attributes that Rapport gives no meaning to travel along, within limits.
    fn extensions(&mut self) {
        const KNOWN: [&str; 11] = [
            "specversion",
            "id",
            "source",
            "type",
            "dataschema",
            "datacontenttype",
            "time",
            "sequence",
            "subject",
            "channel",
            "bodyhash",
        ];
        let unknown: Vec<_> = self.attributes.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())).collect();
        if unknown.len() > MAX_EXTENSIONS {
            let rule = format!("has {} extension attributes; an event has at most {MAX_EXTENSIONS}", unknown.len());
            self.violations.push(Violation::new("event", rule));
            return;
        }
        for (name, value) in unknown {
            if name == "data_base64" {
                let rule = "is not taken; send the data as a JSON object in data";
                self.violations.push(Violation::new(name, rule));
                continue;
            }
            let named_well = (1..=MAX_NAME_BYTES).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            let fits = match value {
                Value::String(text) => text.len() <= MAX_EXTENSION_BYTES,
                Value::Bool(_) => true,
                Value::Number(number) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            };
            if !named_well {
                let rule = format!(
                    "{} is no CloudEvents attribute; names are lower-case letters and digits, at most {MAX_NAME_BYTES} bytes",
                    quote(name)
                );
                self.violations.push(Violation::new("event", rule));
            } else if !fits {
                let rule =
                    format!("must be a string of at most {MAX_EXTENSION_BYTES} bytes, a boolean or a 32-bit integer");
                self.violations.push(Violation::new(name.clone(), rule));
            }
        }
    }
}
