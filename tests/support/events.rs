//! Touchpoints as a gateway would make them, each in a line.

use std::sync::LazyLock;

use rapport_touchpoint::{Catalogue, Timestamp, Touchpoint, receive};
use serde_json::{Value, json};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

/// When every event of these tests is received.
pub fn received_at() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").unwrap()
}

/// A touchpoint from an event's JSON; panics with the broken rules.
#[track_caller]
pub fn touchpoint(event: Value) -> Touchpoint {
    receive(event, received_at(), &CATALOGUE).unwrap_or_else(|violations| panic!("{violations:?}"))
}

/// A page view of this id on the web.
#[track_caller]
pub fn event(id: &str) -> Touchpoint {
    event_with("web", "page.viewed", id, json!({ "url": "https://shop.example/" }))
}

#[track_caller]
pub fn event_of(channel: &str, event_type: &str, id: &str) -> Touchpoint {
    event_with(channel, event_type, id, json!({}))
}

#[track_caller]
pub fn event_with(channel: &str, event_type: &str, id: &str, data: Value) -> Touchpoint {
    touchpoint(json!({
        "specversion": "1.0",
        "id": id,
        "source": "shop/web",
        "type": event_type,
        "time": "2026-11-21T10:00:00Z",
        "channel": channel,
        "subject": "user_id:42",
        "data": data,
    }))
}

/// Another body under the same name as [`event`]'s.
#[track_caller]
pub fn other_body(id: &str, note: &str) -> Touchpoint {
    event_with("web", "page.viewed", id, json!({ "url": "https://shop.example/", "note": note }))
}

/// Events `<prefix>-0` and on.
#[track_caller]
pub fn events(prefix: &str, count: usize) -> Vec<Touchpoint> {
    (0..count).map(|n| event(&format!("{prefix}-{n}"))).collect()
}
