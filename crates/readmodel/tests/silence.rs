//! When silence falls: at its exact moment, whatever was expected before.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_readmodel::Filter;
use serde_json::json;
use support::{World, event, minute_of};

fn found(world: &World, label: &str) -> usize {
    let filter = Filter { labels: vec![label.to_owned()], ..Filter::default() };
    world.reader().find(&filter, None, 10).unwrap().content.customers.len()
}

#[test]
fn the_next_silence_may_come_earlier_than_the_one_that_was_next_before() {
    let mut world = World::new();
    let asked = json!({"survey": "s", "instance": "1", "metric": "nps"});
    let bought = json!({"order_id": "o", "amount": "1", "currency": "EUR"});
    world.fold(&[event(10, "asked", "survey.sent", "user_id:1", asked)]);
    assert_eq!(world.model.due().unwrap(), Some(minute_of(17)), "seven minutes after being asked");
    world.fold(&[event(11, "bought", "order.placed", "user_id:1", bought)]);
    assert_eq!(world.model.due().unwrap(), Some(minute_of(16)), "five minutes after buying");
    world.let_pass(15);
    assert_eq!(found(&world, "stage:sales=at_risk"), 0);
    world.let_pass(16);
    assert_eq!(found(&world, "stage:sales=at_risk"), 1);
    assert_eq!(found(&world, "stage:research=asked"), 1, "that silence is still to come");
}
