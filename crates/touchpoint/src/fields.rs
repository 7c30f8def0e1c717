//! The attributes of an event, each held against its rule: what touchpoints and decisions have in common.

use serde_json::{Map, Value};

use crate::limits::{
    MAX_DEPTH, MAX_EVENT_BYTES, MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_NAME_BYTES, MAX_SEQUENCE_BYTES, MAX_VIOLATIONS,
};
use crate::violation::quote;
use crate::{BodyHash, EventType, Order, Timestamp, Violation};

/// The attributes of one event and what is wrong with them so far.
pub(crate) struct Fields<'a, 'v> {
    pub(crate) attributes: &'a Map<String, Value>,
    pub(crate) violations: &'v mut Vec<Violation>,
}

impl<'a> Fields<'a, '_> {
    /// Source and id, and that it is an event at all.
    pub(crate) fn names(&mut self) -> Option<(String, String)> {
        self.one_of("specversion", &["1.0"], true);
        self.one_of("datacontenttype", &["application/json"], false);
        let id = self.name("id", "give the event the producer's own id");
        let source = self.name("source", "name the adapter, such as shop/web");
        Some((source?, id?))
    }

    /// Where the event of these names stands among all others.
    pub(crate) fn order(&mut self, names: Option<(String, String)>, recorded_at: Timestamp) -> Option<Order> {
        let time = self.time(recorded_at);
        let sequence = self.sequence();
        let (source, id) = names?;
        Some(Order { time: time?, sequence, source, id })
    }

    pub(crate) fn text(&mut self, field: &str) -> Option<&'a str> {
        let text = self.attributes.get(field)?.as_str();
        if text.is_none() {
            self.violations.push(Violation::new(field, "must be a string"));
        }
        text
    }

    pub(crate) fn required(&mut self, field: &str, right: &str) -> Option<&'a str> {
        if !self.attributes.contains_key(field) {
            self.violations.push(Violation::missing(field, right));
        }
        self.text(field)
    }

    pub(crate) fn keep<T>(&mut self, field: &str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|rule| self.violations.push(Violation::new(field, rule))).ok()
    }

    pub(crate) fn one_of(&mut self, field: &str, allowed: &[&str], required: bool) {
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

    pub(crate) fn event_type(&mut self) -> Option<EventType> {
        let text = self.required("type", "say what happened, such as order.placed")?;
        self.keep("type", EventType::parse(text).map_err(|right| format!("is {}; {right}", quote(text))))
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

    /// Attributes that Rapport gives no meaning to travel along, within limits.
    pub(crate) fn extensions(&mut self) {
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

/// As it was stamped, or taken now.
pub(crate) fn body_hash(attributes: &Map<String, Value>, violations: &mut Vec<Violation>) -> Option<BodyHash> {
    let body_hash = match attributes.get("bodyhash") {
        None => Some(BodyHash::of(attributes)),
        Some(stamped) => stamped.as_str().and_then(BodyHash::parse),
    };
    if body_hash.is_none() {
        violations.push(Violation::new("bodyhash", "must be 32 lower-case hex digits"));
    }
    body_hash
}

/// Takes the data out of the attributes.
pub(crate) fn data(attributes: &mut Map<String, Value>, violations: &mut Vec<Violation>) -> Option<Map<String, Value>> {
    match attributes.remove("data") {
        None => Some(Map::new()),
        Some(Value::Object(data)) => Some(data),
        Some(_) => {
            violations.push(Violation::new("data", "must be a JSON object"));
            None
        }
    }
}

/// The attributes of an event in structured mode; those that are null are absent.
pub(crate) fn into_object(event: Value) -> Result<Map<String, Value>, Violation> {
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

pub(crate) fn too_large(bytes: usize) -> Violation {
    Violation::new("event", format!("has {bytes} bytes of JSON; an event has at most {MAX_EVENT_BYTES}"))
}

/// As many as one is told of.
pub(crate) fn cut(mut violations: Vec<Violation>) -> Vec<Violation> {
    if violations.len() > MAX_VIOLATIONS {
        let more = violations.len() - MAX_VIOLATIONS;
        violations.truncate(MAX_VIOLATIONS);
        violations.push(Violation::new("event", format!("breaks {more} more rules")));
    }
    violations
}
