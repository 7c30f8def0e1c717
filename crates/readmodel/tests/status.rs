//! What a read model says of itself is true at one moment: what is due is told together with the digest that it changes.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use serde_json::json;
use support::{World, event, minute_of};

#[test]
fn a_silence_that_is_due_is_told_with_the_digest_before_it() {
    let mut world = World::new();
    let order = json!({"order_id": "a", "amount": "1.00", "currency": "EUR", "items": []});
    world.fold(&[event(1, "1", "order.placed", "user_id:1", order)]);
    let told = |world: &World| {
        let status = world.reader().status().unwrap();
        assert_eq!(status.due, status.content.due);
        (status.content.due, world.digests())
    };
    let (due, bought) = told(&world);
    assert_eq!(due, Some(minute_of(6)), "at risk after five minutes");
    world.let_pass(6);
    let (due, at_risk) = told(&world);
    assert_eq!(due, Some(minute_of(10)), "lapsed after nine");
    assert_ne!(bought, at_risk);
    world.let_pass(10);
    let (due, lapsed) = told(&world);
    assert_eq!(due, None, "there is nothing after that");
    assert_ne!(at_risk, lapsed);
}
