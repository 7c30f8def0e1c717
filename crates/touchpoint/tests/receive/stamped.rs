//! What is stamped, and what a retry is.

use super::*;

fn hash(event: Value) -> String {
    received(event).body_hash.to_string()
}

#[test]
fn what_is_absent() {
    let touchpoint = received(order_with(json!({"time": null})));
    let logged = logged(&touchpoint);
    assert_eq!(logged["time"], "2026-11-21T10:00:00Z");
    assert_eq!(logged["dataschema"], "order.placed/1");
    assert_eq!(logged["bodyhash"], touchpoint.body_hash.to_string());
    assert_eq!(touchpoint.order.time, now());
}

#[test]
fn nothing_that_is_there() {
    let event =
        order_with(json!({"type": "product.viewed", "dataschema": "product.viewed/1", "data": {"product_id": "1"}}));
    let logged = logged(&received(event));
    assert_eq!(logged["time"], "2026-11-20T09:30:00Z");
    assert_eq!(logged["dataschema"], "product.viewed/1");
}

#[test]
fn the_newest_version() {
    let event = order_with(json!({"type": "product.viewed", "data": {"sku": "1"}}));
    assert_eq!(logged(&received(event))["dataschema"], "product.viewed/2");
}

#[test]
fn no_schema_on_a_custom_type() {
    let touchpoint = received(order_with(json!({"type": "yoga.class_booked"})));
    assert_eq!(logged(&touchpoint).get("dataschema"), None);
}

#[test]
fn up_to_a_day_ahead_is_taken() {
    received(order_with(json!({"time": "2026-11-22T10:00:00Z"})));
}

#[test]
fn key_order_white_space_and_the_notation_of_numbers_do_not_count() {
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let one =
        parsed(r#"{"specversion":"1.0","id":"1","source":"a","type":"x","channel":"web","data":{"n":2,"list":[1,2]}}"#);
    let other = parsed(
        r#"{ "data": {"list": [1.0, 2], "n": 2e0}, "channel": "web",
             "type": "\u0078", "source": "a", "id": "1", "specversion": "1.0" }"#,
    );
    assert_eq!(hash(one), hash(other));
}

#[test]
fn the_notation_of_time_does_not_count() {
    for same in ["2026-11-20T09:30:00.000Z", "2026-11-20T17:30:00+08:00", "2026-11-20T09:30:00+00:00"] {
        assert_eq!(hash(order_with(json!({"time": same}))), hash(order()), "{same}");
    }
}

#[test]
fn an_attribute_that_is_null_does_not_count() {
    let mut event = order();
    event["sequence"] = Value::Null;
    assert_eq!(hash(event), hash(order()));
}

#[test]
fn stamps_do_not_count() {
    let event = || order_with(json!({"time": null}));
    let at = |time| receive(event(), Timestamp::parse(time).unwrap(), &CATALOGUE).unwrap().body_hash;
    assert_eq!(at("2026-11-21T10:00:00Z"), at("2026-11-21T10:00:07.5Z"));
}

#[test]
fn a_changed_body_has_another_hash() {
    let changes = [
        json!({"id": "ord-8842"}),
        json!({"source": "shop/app"}),
        json!({"channel": "app"}),
        json!({"time": "2026-11-20T09:30:00.000000001Z"}),
        json!({"time": null}),
        json!({"sequence": "1"}),
        json!({"subject": null}),
        json!({"traceid": "x"}),
    ];
    for change in changes {
        assert_ne!(hash(order_with(change.clone())), hash(order()), "{change}");
    }
    assert_ne!(hash(order_with_data(json!({"amount": "129.91"}))), hash(order()));
}

/// Doubles cannot tell these two apart, yet they are two customers.
#[test]
fn long_numbers_count_to_the_last_digit() {
    let of = |user_id: u64| hash(order_with_data(json!({"identifiers": {"user_id": user_id}})));
    assert_ne!(of(9_007_199_254_740_992), of(9_007_199_254_740_993));
    assert_ne!(of(u64::MAX), of(u64::MAX - 1));
}

#[test]
fn a_replay_keeps_the_hash_and_the_json() {
    let stamps = ["time", "dataschema"];
    for absent in [&stamps[..0], &stamps[..1], &stamps[1..], &stamps[..]] {
        let mut event = order_with(json!({"dataschema": "order.placed/1"}));
        event.as_object_mut().unwrap().retain(|name, _| !absent.contains(&name.as_str()));
        let first = received(event);
        let later = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
        let again = receive(logged(&first), later, &CATALOGUE).unwrap();
        assert_eq!(again, first, "without {absent:?}");
    }
}

#[test]
fn a_replay_with_another_body_is_refused() {
    let mut event = logged(&received(order()));
    event["data"]["amount"] = json!("1");
    refused(event, &["bodyhash: is not the hash of this event; leave it out, the gateway stamps it"]);
}
