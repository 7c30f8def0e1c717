//! Old versions of a type's data become the newest when they are read, so that the folds know only that one.
//!
//! A new version of a type is a schema file and, here, the step from the version before it.

use crate::{EventType, Object, SchemaVersion};

type Step = fn(&mut Object<'_>);

/// The step from this version to the next, for the types that have had more than one.
fn step(event_type: &str, version: SchemaVersion) -> Option<Step> {
    match (event_type, version.0) {
        ("product.viewed", 1) => Some(product_id_is_called_sku),
        _ => None,
    }
}

/// Orders always said `sku`; views said `product_id`, until both had to meet in one interest.
fn product_id_is_called_sku(data: &mut Object<'_>) {
    if let Some(sku) = data.remove("product_id") {
        data.insert("sku", sku);
    }
}

/// Is every version from this one on followed by a step to the next, up to the newest and no further?
pub(crate) fn reaches(event_type: &EventType, from: SchemaVersion, newest: SchemaVersion) -> bool {
    let is_followed = |version| step(event_type.as_str(), SchemaVersion(version)).is_some();
    (from.0..newest.0).all(is_followed) && !is_followed(newest.0)
}

/// Makes of the data what the newest version would have said.
pub(crate) fn upcast(event_type: &EventType, from: SchemaVersion, data: &mut Object<'_>) {
    let steps = (from.0..).map_while(|version| step(event_type.as_str(), SchemaVersion(version)));
    steps.for_each(|step| step(data));
}
