//! The attributes of an event, each held against its rule: what touchpoints and decisions have in common.

use crate::attribute::has_control;
use crate::limits::{
    MAX_DEPTH, MAX_EVENT_BYTES, MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_NAME_BYTES, MAX_SEQUENCE_BYTES, MAX_VIOLATIONS,
};
use crate::violation::quote;
use crate::{BodyHash, EventType, Json, Object, Order, Timestamp, Violation};

/// The attributes of one event and what is wrong with them so far.
pub(crate) struct Fields<'a, 'v> {
    pub(crate) attributes: &'a Object<'a>,
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
        let text = self.attributes.get(field)?.as_text();
        if text.is_none() {
            self.violations.push(Violation::new(field, "must be a string"));
        }
        text
    }

    pub(crate) fn required(&mut self, field: &str, right: &str) -> Option<&'a str> {
        let text = self.text(field);
        if text.is_none() && self.attributes.get(field).is_none() {
            self.violations.push(Violation::missing(field, right));
        }
        text
    }

    pub(crate) fn keep<T>(&mut self, field: &str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|rule| self.violations.push(Violation::new(field, rule))).ok()
    }

    pub(crate) fn one_of(&mut self, field: &str, allowed: &[&str], required: bool) {
        let right = || format!("must be {}", allowed.join(" or "));
        match self.text(field) {
            Some(text) if allowed.contains(&text) => {}
            Some(text) => self.violations.push(Violation::new(field, format!("is {}; {}", quote(text), right()))),
            None if required && self.attributes.get(field).is_none() => {
                self.violations.push(Violation::missing(field, &right()));
            }
            None => {}
        }
    }

    fn name(&mut self, field: &str, right: &str) -> Option<String> {
        let text = self.required(field, right)?;
        let fits = is_name(text);
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
        let fits = is_sequence(text);
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
        let unknown: Vec<_> = self.attributes.iter().filter(|(name, _)| !KNOWN.contains(name)).collect();
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
                Json::Text(text) => text.len() <= MAX_EXTENSION_BYTES,
                Json::Bool(_) => true,
                Json::Number(number) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
                Json::Null | Json::List(_) | Json::Object(_) => false,
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
                self.violations.push(Violation::new(name, rule));
            }
        }
    }
}

/// May a source or an id be called so?
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !has_control(text)
}

pub(crate) fn is_sequence(text: &str) -> bool {
    text.len() <= MAX_SEQUENCE_BYTES && !has_control(text)
}

/// As it was stamped, or taken now.
pub(crate) fn body_hash(attributes: &Object<'_>) -> Result<BodyHash, Violation> {
    let body_hash = match attributes.get("bodyhash") {
        None => Some(BodyHash::of(attributes)),
        Some(stamped) => stamped.as_text().and_then(BodyHash::parse),
    };
    body_hash.ok_or_else(|| Violation::new("bodyhash", "must be 32 lower-case hex digits"))
}

/// Takes the data out of the attributes.
pub(crate) fn data<'a>(attributes: &mut Object<'a>, violations: &mut Vec<Violation>) -> Option<Object<'a>> {
    match attributes.remove("data") {
        None => Some(Object::default()),
        Some(Json::Object(data)) => Some(data),
        Some(_) => {
            violations.push(Violation::new("data", "must be a JSON object"));
            None
        }
    }
}

/// The attributes of an event in structured mode; those that are null are absent.
pub(crate) fn into_object(event: Json<'_>) -> Result<Object<'_>, Violation> {
    if event.is_deeper_than(MAX_DEPTH) {
        return Err(Violation::new("event", format!("nests objects and lists deeper than {MAX_DEPTH}")));
    }
    match event {
        Json::Object(attributes) => Ok(attributes.without_nulls()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            Err(Violation::new("event", "must be a JSON object: a CloudEvent in structured mode"))
        }
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
