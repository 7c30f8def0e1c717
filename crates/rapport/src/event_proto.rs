//! One event in its two forms: CloudEvents JSON, as on the log, and CloudEvents protobuf, as on the wire.
//!
//! What one form says, the other says too: `from_proto(to_proto(event))` is `event`, but for attributes that are null or
//! an empty id, source, type or specversion; both stand for "absent".

use std::borrow::Cow;
use std::collections::HashMap;

use rapport_touchpoint::limits::{MAX_EXTENSION_BYTES, MAX_QUOTED_CHARS};
use rapport_touchpoint::{Json, Object, Timestamp, Violation};
use serde_json::Value;

use crate::wire::cloudevents::CloudEvent;
use crate::wire::cloudevents::cloud_event::cloud_event_attribute_value::Attr;
use crate::wire::cloudevents::cloud_event::{CloudEventAttributeValue, Data};

/// The attributes that protobuf gives a field of their own.
const FIELDS: [&str; 4] = ["id", "source", "specversion", "type"];

/// From a CloudEvents JSON object to protobuf. The data travels as JSON text.
pub fn to_proto(event: Value) -> Result<CloudEvent, Violation> {
    let Value::Object(attributes) = event else {
        return Err(Violation::new("event", "must be a JSON object: a CloudEvent in structured mode"));
    };
    let mut proto = CloudEvent { attributes: HashMap::with_capacity(attributes.len()), ..CloudEvent::default() };
    for (name, value) in attributes {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("data", data) => proto.data = Some(Data::TextData(data.to_string())),
            ("id", value) => proto.id = text("id", value)?,
            ("source", value) => proto.source = text("source", value)?,
            ("specversion", value) => proto.spec_version = text("specversion", value)?,
            ("type", value) => proto.r#type = text("type", value)?,
            (_, value) => {
                let attr = Some(attr(&name, value)?);
                proto.attributes.insert(name, CloudEventAttributeValue { attr });
            }
        }
    }
    Ok(proto)
}

fn text(name: &str, value: Value) -> Result<String, Violation> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Violation::new(name, "must be a string")),
    }
}

fn attr(name: &str, value: Value) -> Result<Attr, Violation> {
    let rule = || {
        let rule = format!("must be a string of at most {MAX_EXTENSION_BYTES} bytes, a boolean or a 32-bit integer");
        Violation::new(shown(name), rule)
    };
    match value {
        Value::String(text) => Ok(Attr::CeString(text)),
        Value::Bool(flag) => Ok(Attr::CeBoolean(flag)),
        Value::Number(number) => {
            number.as_i64().and_then(|n| i32::try_from(n).ok()).map(Attr::CeInteger).ok_or_else(rule)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => Err(rule()),
    }
}

/// From protobuf to the JSON object that [`receive`](rapport_touchpoint::receive) checks. What can be is borrowed.
pub fn from_proto(proto: &CloudEvent) -> Result<Json<'_>, Violation> {
    let mut event = Vec::with_capacity(FIELDS.len() + proto.attributes.len() + 1);
    let fields = [&proto.id, &proto.source, &proto.spec_version, &proto.r#type];
    for (name, text) in FIELDS.into_iter().zip(fields) {
        // proto3 cannot tell an empty string from none.
        if !text.is_empty() {
            event.push((Cow::Borrowed(name), Json::Text(Cow::Borrowed(text))));
        }
    }
    let mut first_violation: Option<Violation> = None;
    for (name, CloudEventAttributeValue { attr }) in &proto.attributes {
        match attribute(name, attr.as_ref()) {
            Ok(value) => event.push((Cow::Borrowed(name), value)),
            // The order of a protobuf map is random; the answer is not.
            Err(violation) => match &first_violation {
                Some(first) if first.field <= violation.field => {}
                _ => first_violation = Some(violation),
            },
        }
    }
    if let Some(violation) = first_violation {
        return Err(violation);
    }
    if let Some(data) = &proto.data {
        event.push((Cow::Borrowed("data"), json(data)?));
    }
    Ok(Json::Object(Object::of(event)))
}

fn attribute<'a>(name: &str, attr: Option<&'a Attr>) -> Result<Json<'a>, Violation> {
    if name == "data" || FIELDS.contains(&name) {
        return Err(Violation::new(name, "stands among the attributes; it has a field of its own in the message"));
    }
    match attr {
        Some(Attr::CeString(text) | Attr::CeUri(text) | Attr::CeUriRef(text)) => Ok(Json::Text(Cow::Borrowed(text))),
        Some(Attr::CeBoolean(flag)) => Ok(Json::Bool(*flag)),
        Some(Attr::CeInteger(number)) => Ok(Json::Number((*number).into())),
        Some(Attr::CeTimestamp(moment)) => {
            timestamp(moment).map(|at| Json::Text(Cow::Owned(at.to_string()))).ok_or_else(|| {
                let found = format!("{} s and {} ns", moment.seconds, moment.nanos);
                Violation::new(shown(name), format!("is {found}, which lies outside 1970-01-01 to 2262-04-11"))
            })
        }
        Some(Attr::CeBytes(_)) => Err(Violation::new(shown(name), "is bytes; send a string, a boolean or an integer")),
        None => Err(Violation::new(shown(name), "has no value; leave it out or give it one")),
    }
}

/// `None` outside 1970 to 2262, and for nanoseconds that are none.
pub(crate) fn timestamp(moment: &prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = (0..1_000_000_000).contains(&moment.nanos).then_some(i64::from(moment.nanos))?;
    let nanos = moment.seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    Timestamp::from_nanos(nanos)
}

fn json(data: &Data) -> Result<Json<'_>, Violation> {
    let text = match data {
        Data::TextData(text) => text.as_bytes(),
        Data::BinaryData(bytes) => bytes.as_slice(),
        Data::ProtoData(any) => {
            let rule = format!(
                "is a protobuf message ({}); send JSON as text_data or binary_data, which anybody can read later",
                shown(&any.type_url)
            );
            return Err(Violation::new("data", rule));
        }
    };
    Json::parse(text).map_err(|error| Violation::new("data", format!("is not JSON in UTF-8: {error}")))
}

/// A stranger's name, fit for an error message.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_QUOTED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn with(name: &str, attr: Attr) -> CloudEvent {
        let attributes = HashMap::from([(name.to_owned(), CloudEventAttributeValue { attr: Some(attr) })]);
        CloudEvent { id: "1".to_owned(), attributes, ..CloudEvent::default() }
    }

    #[track_caller]
    fn refused(event: CloudEvent, field: &str, rule: &str) {
        let violation = from_proto(&event).unwrap_err();
        assert_eq!(violation.field, field);
        assert!(violation.rule.contains(rule), "{violation}");
    }

    fn in_json(proto: &CloudEvent) -> Value {
        Value::from(&from_proto(proto).unwrap())
    }

    #[test]
    fn time_stays_as_it_was_written() {
        let event = json!({"id": "1", "time": "2026-11-21T18:00:00.120+08:00", "data": {"amount": "12.00"}});
        assert_eq!(in_json(&to_proto(event.clone()).unwrap()), event);
    }

    #[test]
    fn absent_strings_are_absent_attributes() {
        assert_eq!(in_json(&CloudEvent::default()), json!({}));
        assert_eq!(in_json(&to_proto(json!({"subject": null, "id": ""})).unwrap()), json!({}));
    }

    #[test]
    fn every_kind_of_attribute_has_a_json_form() {
        let moment = prost_types::Timestamp { seconds: 1, nanos: 120_000_000 };
        for (attr, value) in [
            (Attr::CeString("a".to_owned()), json!("a")),
            (Attr::CeUri("https://x.org".to_owned()), json!("https://x.org")),
            (Attr::CeUriRef("/x".to_owned()), json!("/x")),
            (Attr::CeBoolean(false), json!(false)),
            (Attr::CeInteger(-7), json!(-7)),
            (Attr::CeTimestamp(moment), json!("1970-01-01T00:00:01.12Z")),
        ] {
            assert_eq!(in_json(&with("x", attr)), json!({"id": "1", "x": value}));
        }
    }

    #[test]
    fn what_has_no_json_form_is_named() {
        refused(with("signature", Attr::CeBytes(vec![1])), "signature", "is bytes");
        refused(
            with("time", Attr::CeTimestamp(prost_types::Timestamp { seconds: -1, nanos: 0 })),
            "time",
            "outside 1970",
        );
        refused(with("data", Attr::CeString("{}".to_owned())), "data", "field of its own");
        refused(with("type", Attr::CeString("order.placed".to_owned())), "type", "field of its own");
        let any = prost_types::Any { type_url: "x.org/Order".to_owned(), value: Vec::new() };
        for (data, rule) in [
            (Data::TextData("{".to_owned()), "is not JSON"),
            (Data::BinaryData(vec![b'"', 0xff, b'"']), "UTF-8"),
            (Data::ProtoData(any), "x.org/Order"),
        ] {
            refused(CloudEvent { data: Some(data), ..CloudEvent::default() }, "data", rule);
        }
    }

    #[test]
    fn what_has_no_protobuf_form_is_named() {
        for (event, field) in [
            (json!([]), "event"),
            (json!({"id": 5}), "id"),
            (json!({"retries": 1.5}), "retries"),
            (json!({"big": 3_000_000_000_u32}), "big"),
            (json!({"tags": ["a"]}), "tags"),
        ] {
            assert_eq!(to_proto(event).unwrap_err().field, field);
        }
    }

    fn data() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(
            fields in prop::collection::btree_map(prop::sample::select(&FIELDS[..]), ".+", 0..4),
            attributes in prop::collection::btree_map("[a-z0-9]{5,9}", prop_oneof![
                ".*".prop_map(Value::from),
                any::<bool>().prop_map(Value::from),
                any::<i32>().prop_map(Value::from),
            ], 0..5),
            data in prop::option::of(data().prop_filter("null data is absent data", |data| !data.is_null())),
        ) {
            let mut event: Map<String, Value> = attributes.into_iter().filter(|(name, _)| name != "specversion").collect();
            event.extend(fields.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))));
            event.extend(data.map(|data| ("data".to_owned(), data)));
            let event = Value::Object(event);
            prop_assert_eq!(in_json(&to_proto(event.clone()).unwrap()), event);
        }
    }
}
