//! What is read back from the log.

use super::*;

fn read_text(text: impl Into<Vec<u8>>) -> Result<Event, Vec<Violation>> {
    read(text.into(), now(), &CATALOGUE)
}

#[track_caller]
fn parked(text: impl Into<Vec<u8>>, expected: &[&str]) {
    let shown: Vec<_> = read_text(text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

#[test]
fn what_was_received_is_read_back() {
    let touchpoint = received(order());
    let event = read_text(touchpoint.json()).unwrap();
    assert_eq!(event.touchpoint, touchpoint);
    let Content::OrderPlaced(placed) = event.content else { panic!("{:?}", event.content) };
    assert_eq!((placed.order_id.as_str(), placed.currency.code()), ("8841", "CNY"));
}

#[test]
fn what_came_without_a_gateway_has_the_same_hash() {
    let event = read_text(order().to_string()).unwrap();
    assert_eq!(event.touchpoint.body_hash, received(order()).body_hash);
    assert_eq!(event.touchpoint.json(), order().to_string().as_bytes(), "it is left as it is");
}

#[test]
fn what_came_without_a_gateway_needs_a_time() {
    parked(
        order_with(json!({"time": null})).to_string(),
        &["time: is missing; say when it happened, such as 2026-11-21T10:00:00Z"],
    );
}

#[test]
fn what_is_no_json() {
    parked("{", &["event: is not JSON in UTF-8: EOF while parsing an object at line 1 column 1"]);
    parked([0xff, 0xfe], &["event: is not JSON in UTF-8: expected value at line 1 column 1"]);
}

#[test]
fn what_is_larger_than_an_event() {
    parked(vec![b' '; 300_000], &["event: has 300000 bytes of JSON; an event has at most 262144"]);
}

#[test]
fn a_body_hash_that_is_none() {
    for wrong in [json!("mine"), json!("A".repeat(32)), json!(7)] {
        parked(order_with(json!({"bodyhash": wrong})).to_string(), &["bodyhash: must be 32 lower-case hex digits"]);
    }
}

#[test]
fn what_the_gateway_would_refuse() {
    parked(
        order_with(json!({"type": "customer.merged", "channel": ""})).to_string(),
        &[
            "type: is customer.merged, a decision that only the admin services append",
            "channel: is \"\"; must be one lower-case word such as web: a letter, then letters, digits and _; \
             at most 32 bytes",
        ],
    );
}
