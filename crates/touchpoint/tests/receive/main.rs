//! The rules of the envelope, as an adapter meets them: what is refused and why, what is stamped, what a retry is.

#![allow(clippy::unwrap_used)]

mod any;
mod from_the_log;
mod refused;
mod stamped;
mod taken_along;

use std::sync::LazyLock;

use rapport_touchpoint::{Catalogue, Content, Event, Timestamp, Touchpoint, Violation, read, receive};
use serde_json::{Map, Value, json};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00Z").unwrap()
}

fn order() -> Value {
    json!({
        "specversion": "1.0",
        "id": "ord-8841",
        "source": "shop/web",
        "type": "order.placed",
        "time": "2026-11-20T09:30:00Z",
        "subject": "email:ann@example.com",
        "channel": "web",
        "data": {
            "identifiers": {"user_id": "42", "anonymous_id": "a-77"},
            "order_id": "8841", "amount": "129.90", "currency": "CNY",
        },
    })
}

/// The order with some attributes changed; `null` takes one away.
fn order_with(changes: Value) -> Value {
    let mut event = order();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => event.as_object_mut().unwrap().remove(name),
            value => event.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    event
}

/// The order with some fields of its data changed; `null` takes one away.
fn order_with_data(changes: Value) -> Value {
    let mut event = order();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => event["data"].as_object_mut().unwrap().remove(name),
            value => event["data"].as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    event
}

fn received(event: Value) -> Touchpoint {
    receive(event, now(), &CATALOGUE).unwrap()
}

fn logged(touchpoint: &Touchpoint) -> Value {
    serde_json::from_slice(touchpoint.json()).unwrap()
}

#[track_caller]
fn refused(event: Value, expected: &[&str]) {
    let violations = receive(event, now(), &CATALOGUE).unwrap_err();
    let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}
