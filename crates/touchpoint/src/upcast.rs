//! Old versions of a type's data become the newest when they are read, so that the folds know only that one.
//!
//! A new version of a type is a schema file and, here, the step from the version before it.

use serde_json::{Map, Value};

use crate::{EventType, SchemaVersion};

type Step = fn(&mut Map<String, Value>);

/// The step from this version to the next, for the types that have had more than one.
fn step(event_type: &str, version: SchemaVersion) -> Option<Step> {
    match (event_type, version.0) {
        ("product.viewed", 1) => Some(product_id_is_called_sku),
        _ => None,
    }
}

/// Orders always said `sku`; views said `product_id`, until both had to meet in one interest.
fn product_id_is_called_sku(data: &mut Map<String, Value>) {
    if let Some(sku) = data.remove("product_id") {
        data.insert("sku".to_owned(), sku);
    }
}

/// Is every version from this one on followed by a step to the next?
pub(crate) fn reaches(event_type: &EventType, from: SchemaVersion, newest: SchemaVersion) -> bool {
    (from.0..newest.0).all(|version| step(event_type.as_str(), SchemaVersion(version)).is_some())
}

/// Makes of the data what the newest version would have said.
pub(crate) fn upcast(
    event_type: &EventType,
    from: SchemaVersion,
    newest: SchemaVersion,
    data: &mut Map<String, Value>,
) {
    for version in from.0..newest.0 {
        if let Some(step) = step(event_type.as_str(), SchemaVersion(version)) {
            step(data);
        }
    }
}
