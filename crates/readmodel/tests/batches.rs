//! A batch says what its touchpoints say one by one, however many customers it brings up to date.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use serde_json::{Value, json};
use support::{World, event, everything};

/// So many that they are shared among all cores.
const MANY: u32 = 1_500;

/// Each comes by an ad, signs in, buys and answers.
fn lives(customers: u32) -> Vec<Value> {
    let life = |number: u32| {
        let (browser, account) = (format!("anonymous_id:{number}"), format!("user_id:{number}"));
        let id = |what: &str| format!("{what} {number}");
        let order =
            json!({"order_id": id("order"), "amount": format!("{}.50", number % 90), "currency": "EUR", "items": []});
        let answer = json!({"survey": "s", "instance": id("asked"), "metric": "nps", "touchpoint": "shop", "score": number % 11});
        [
            event(number % 50, &id("ad"), "ad.seen", &browser, json!({})),
            event(60 + number % 30, &id("in"), "tour.taken", &format!("{browser} {account}"), json!({})),
            event(100 + number % 40, &id("buys"), "order.placed", &account, order),
            event(150 + number % 20, &id("says"), "survey.answered", &account, answer),
        ]
    };
    (1..=customers).flat_map(life).collect()
}

fn said(world: &World) -> (Vec<String>, usize, u64) {
    (everything(world), world.labels(), world.stray_touchpoints())
}

#[test]
fn many_customers_in_one_batch_are_what_each_is_in_its_own() {
    let lives = lives(MANY);
    let (mut together, mut apart) = (World::new(), World::new());
    together.fold(&lives);
    assert_eq!(together.applied.changed.len(), MANY as usize);
    for life in lives.chunks(4) {
        apart.fold(life);
    }
    assert_eq!(said(&together), said(&apart));
    assert_eq!(together.timeline("user_id:7"), "ad 7 in 7 buys 7 says 7");
}

#[test]
fn many_customers_go_on_from_the_file_as_from_memory() {
    let lives = lives(MANY);
    let (first, then): (Vec<_>, Vec<_>) = lives.iter().cloned().enumerate().partition(|(number, _)| number % 4 < 2);
    let events = |part: Vec<(usize, Value)>| part.into_iter().map(|(_, event)| event).collect::<Vec<_>>();
    let (first, then) = (events(first), events(then));
    let (mut stayed, mut opened) = (World::new(), World::new());
    stayed.fold(&first).fold(&then);
    opened.fold(&first);
    let mut opened = opened.reopen();
    opened.fold(&then);
    assert_eq!(said(&opened), said(&stayed));
    let mut at_once = World::new();
    at_once.fold(&lives);
    assert_eq!(said(&at_once), said(&stayed));
}

#[test]
fn silence_of_many_is_taken_back_where_somebody_comes_again() {
    let lives = lives(MANY);
    let (mut silent, mut never) = (World::new(), World::new());
    silent.fold(&lives).let_pass(400 * 24 * 60);
    let again: Vec<_> = (1..=MANY)
        .map(|number| {
            let ids = format!("user_id:{number}");
            event(300 + number % 7, &format!("again {number}"), "product.viewed", &ids, json!({"sku": "tea"}))
        })
        .collect();
    silent.fold(&again);
    never.fold(&lives).fold(&again).let_pass(400 * 24 * 60);
    assert_eq!(said(&silent), said(&never));
}
