//! Changed logic under an unchanged version would leave old read models in place: these digests turn red first.
//!
//! If a change of meaning is meant, raise [`Model::version`] and write the new digest here.

mod support;

use rapport_customer::Model;
use serde_json::{Value, json};
use support::{World, event};

#[test]
fn each_version_of_a_model_says_the_same_for_ever() {
    let mut world = World::new();
    world.fold(&a_life());
    world.let_pass(120);
    let said: Vec<String> = world
        .digests()
        .into_iter()
        .zip(Model::ALL)
        .map(|(digest, model)| format!("{digest}, version {}", model.version()))
        .collect();
    assert_eq!(
        said,
        [
            "identity 5f48300a0929d87b2382e6b4b406ceea, version 2",
            "profile e12bda3e61984e04ff09fe257fa151cd, version 1",
            "journey d540b1e37e7791d7bd49533e58e659d6, version 1",
            "feedback 6d5da8d4369a1fa934fbf0bc78ff778e, version 1",
        ]
    );
}

/// Everything that a model reads, and what meets its bounds.
fn a_life() -> Vec<Value> {
    let item = |sku: &str, category: &str| json!({"sku": sku, "category": category, "quantity": 2});
    let order = |id: &str, amount: &str, currency: &str| json!({"order_id": id, "amount": amount, "currency": currency, "items": [item("tea", "tea"), item("cup", "ware")]});
    let mut events = vec![
        event(1, "1", "ad.seen", "anonymous_id:browser", json!({})),
        event(
            2,
            "2",
            "product.viewed",
            "anonymous_id:browser",
            json!({"sku": "tea", "name": "Tea", "category": "tea"}),
        ),
        event(
            3,
            "3",
            "customer.identified",
            "anonymous_id:browser user_id:1 email:Ann@Example.com",
            json!({"traits": {"first_name": "Ann", "age": 42, "member": true, "gone": "soon"}}),
        ),
        event(4, "4", "customer.identified", "user_id:1", json!({"traits": {"gone": null, "first_name": "Anne"}})),
        event(5, "5", "consent.changed", "email:ann@example.com", json!({"purpose": "email", "granted": true})),
        event(6, "6", "consent.changed", "user_id:1", json!({"purpose": "email", "granted": false})),
        event(7, "7", "order.placed", "user_id:1", order("a", "129.90", "CNY")),
        event(8, "8", "order.placed", "user_id:1", order("b", "5", "JPY")),
        event(9, "9", "order.refunded", "user_id:1", json!({"order_id": "a", "amount": "29.90", "currency": "CNY"})),
        event(9, "leads up to 10", "tour.taken", "anonymous_id:browser", json!({})),
        event(10, "10", "tour.taken", "user_id:2 anonymous_id:browser", json!({})),
        event(11, "11", "tour.taken", "anonymous_id:browser", json!({})),
        event(12, "12", "tour.taken", "user_id:2 email:ann@example.com", json!({})),
        event(13, "13", "tour.taken", "anonymous_id:alone device_id:phone", json!({})),
        event(14, "14", "tour.taken", "", json!({})),
    ];
    let views = (0..30).map(|n| {
        let data = json!({"sku": format!("sku-{n}"), "category": format!("category-{n}")});
        event(20 + n, &format!("view-{n}"), "product.viewed", "user_id:1", data)
    });
    events.extend(views);
    let survey = |instance: &str, metric: &str| json!({"survey": "s", "instance": instance, "metric": metric, "touchpoint": "delivery"});
    let answer = |instance: &str, metric: &str, score: u32| {
        let mut answer = survey(instance, metric);
        answer["score"] = json!(score);
        answer
    };
    events.extend([
        event(60, "asked", "survey.sent", "user_id:1", survey("a", "nps")),
        event(61, "again", "survey.sent", "user_id:1", survey("b", "csat")),
        event(62, "said", "survey.answered", "user_id:1", answer("a", "nps", 3)),
        event(63, "thought better", "survey.answered", "user_id:1", answer("a", "nps", 9)),
        event(64, "easy", "survey.answered", "user_id:2", answer("c", "ces", 7)),
        event(65, "stars", "review.posted", "user_id:1", json!({"score": 4, "sku": "tea", "review_id": "r"})),
    ]);
    events
}
