//! CloudEvents in protobuf, and as the JSON that the log keeps.

use rapport_touchpoint::Violation;
use serde_json::{Map, Value};

use crate::wire::cloudevents::cloud_event::cloud_event_attribute_value::Attr;
use crate::wire::cloudevents::{CloudEvent, cloud_event::Data};

/// CloudEvents JSON in structured mode. What is empty in protobuf is absent in JSON.
pub fn from_proto(event: CloudEvent) -> Result<Value, Violation> {
    let mut attributes = Map::new();
    for (name, text) in
        [("id", event.id), ("source", event.source), ("specversion", event.spec_version), ("type", event.r#type)]
    {
        if !text.is_empty() {
            attributes.insert(name.to_owned(), Value::String(text));
        }
    }
    for (name, value) in event.attributes {
        let value = match value.attr {
            Some(Attr::CeBoolean(value)) => Value::Bool(value),
            Some(Attr::CeInteger(value)) => Value::from(value),
            Some(Attr::CeString(text) | Attr::CeUri(text) | Attr::CeUriRef(text)) => Value::String(text),
            _ => return Err(Violation::new(name, "must be a string, a boolean or an integer")),
        };
        attributes.insert(name, value);
    }
    let data = match event.data {
        None => None,
        Some(Data::TextData(text)) => Some(serde_json::from_str(&text)),
        Some(Data::BinaryData(bytes)) => Some(serde_json::from_slice(&bytes)),
        Some(Data::ProtoData(_)) => return Err(Violation::new("data", "must be JSON, as text or as bytes")),
    };
    if let Some(data) = data.transpose().map_err(|error| Violation::new("data", format!("is not JSON: {error}")))? {
        attributes.insert("data".to_owned(), data);
    }
    Ok(Value::Object(attributes))
}
