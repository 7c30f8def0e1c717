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
    let said: Vec<String> = world
        .digests()
        .into_iter()
        .zip(Model::ALL)
        .map(|(digest, model)| format!("{digest}, version {}", model.version()))
        .collect();
    assert_eq!(
        said,
        ["identity 57a330446518d466b7d59959489acd9b, version 1", "profile e97340cff8b0b6e2604bf995e25ffa35, version 1",]
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
    events
}
