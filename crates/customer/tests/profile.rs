//! What the profile says: given these touchpoints, in the order of events, then this.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

use rapport_customer::{JourneyMaps, Model, Profile, States};
use rapport_touchpoint::{Catalogue, Currency, Timestamp, read, receive};
use serde_json::{Value, json};

/// One touchpoint a minute.
fn given(events: &[(&str, Value)]) -> Profile {
    let catalogue = Catalogue::built_in();
    let now = Timestamp::parse("2026-02-01T00:00:00Z").unwrap();
    let maps = JourneyMaps::default();
    let mut states = States::new(&[Model::Profile], &maps);
    for (at, (event_type, data)) in events.iter().enumerate() {
        let event = json!({
            "specversion": "1.0", "id": at.to_string(), "source": "test", "type": event_type, "data": data,
            "channel": if at == 0 { "ads" } else { "web" },
            "time": format!("2026-01-01T{:02}:{:02}:00Z", at / 60, at % 60), "subject": "user_id:1",
        });
        let json = receive(event, now, &catalogue).unwrap().into_json();
        let event = read(json, now, &catalogue).unwrap();
        states.fold(&event, &event.touchpoint.order.key(), &maps, &mut Vec::new());
    }
    *states.profile.unwrap()
}

fn order(amount: &str, currency: &str) -> (&'static str, Value) {
    ("order.placed", json!({"order_id": "o", "amount": amount, "currency": currency}))
}

#[test]
fn first_and_last_contact_are_known_by_time_and_channel() {
    let profile = given(&[("tour.taken", json!({})), ("tour.taken", json!({})), ("store.entered", json!({}))]);
    assert_eq!((profile.events, profile.first_channel.as_str(), profile.last_channel.as_str()), (3, "ads", "web"));
    assert_eq!(profile.first_seen.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(profile.last_seen.to_string(), "2026-01-01T00:02:00Z");
    assert_eq!(profile.types.iter().collect::<Vec<_>>(), [("store.entered", 1), ("tour.taken", 2)]);
    assert_eq!(profile.channels.iter().collect::<Vec<_>>(), [("ads", 1), ("web", 2)]);
}

#[test]
fn the_last_writer_of_a_trait_wins_and_null_takes_it_away() {
    let first = json!({"traits": {"first_name": "Ann", "last_name": "Lee", "age": 41, "gone": "soon"}});
    let then = json!({"traits": {"age": 42, "last_name": "Lee", "gone": null}});
    let profile = given(&[("customer.identified", first), ("customer.identified", then)]);
    let shown: Vec<_> =
        profile.traits.iter().map(|(name, found)| format!("{name}={} {}", found.value, found.since)).collect();
    assert_eq!(
        shown,
        [
            "age=42 2026-01-01T00:01:00Z",
            "first_name=\"Ann\" 2026-01-01T00:00:00Z",
            "last_name=\"Lee\" 2026-01-01T00:00:00Z"
        ]
    );
    assert_eq!(profile.display_name().as_deref(), Some("Ann Lee"));
}

#[test]
fn revenue_is_exact_by_currency_and_refunds_stand_apart() {
    let refund = ("order.refunded", json!({"order_id": "o", "amount": "0.10", "currency": "CNY"}));
    let profile = given(&[order("0.10", "CNY"), order("0.20", "CNY"), order("5", "JPY"), refund]);
    let shown = |code: &str| {
        let currency = Currency::parse(code).unwrap();
        let orders = &profile.orders[&currency];
        let (revenue, refunded) = (orders.revenue.display_in(currency), orders.refunded.display_in(currency));
        format!("{} for {revenue}, {} for {refunded}", orders.orders, orders.refunds)
    };
    assert_eq!(shown("CNY"), "2 for 0.30, 1 for 0.10");
    assert_eq!(shown("JPY"), "1 for 5, 0 for 0");
}

#[test]
fn an_ordered_category_weighs_more_than_a_viewed_one() {
    let item = json!({"sku": "s1", "name": "Tea", "category": "tea"});
    let profile = given(&[
        ("product.viewed", json!({"sku": "s2", "category": "ware"})),
        ("product.viewed", json!({"sku": "s1", "category": "tea"})),
        ("order.placed", json!({"order_id": "o", "amount": "1", "currency": "CNY", "items": [item]})),
    ]);
    assert_eq!((profile.interests["tea"].weight, profile.interests["ware"].weight), (6, 1));
    let recent: Vec<_> = profile.recent_items.iter().map(|item| (item.sku.as_str(), item.ordered)).collect();
    assert_eq!(recent, [("s1", true), ("s2", false)]);
}

#[test]
fn a_consent_is_what_was_said_last() {
    let says = |granted: bool| ("consent.changed", json!({"purpose": "email", "granted": granted}));
    let profile = given(&[says(true), says(false)]);
    assert!(!profile.consents["email"].granted);
    assert_eq!(profile.consents["email"].since.to_string(), "2026-01-01T00:01:00Z");
}

#[test]
fn the_profile_is_bounded_whatever_comes() {
    let mut events: Vec<(String, Value)> = (0..300).map(|n| (format!("kind{n}.seen"), json!({}))).collect();
    events.extend((0..300).map(|n| {
        let viewed = json!({"sku": format!("s{n}"), "category": format!("c{n}")});
        ("product.viewed".to_owned(), viewed)
    }));
    events.extend((0..5).map(|n| {
        let traits: serde_json::Map<_, _> = (0..90).map(|t| (format!("t{n}_{t}"), json!(t))).collect();
        ("customer.identified".to_owned(), json!({"traits": traits}))
    }));
    let consent = |n| ("consent.changed".to_owned(), json!({"purpose": format!("p{n}"), "granted": true}));
    events.extend((0..90).map(consent));
    let events: Vec<(&str, Value)> = events.iter().map(|(kind, data)| (kind.as_str(), data.clone())).collect();
    let profile = given(&events);
    assert_eq!(profile.types.iter().count(), 128);
    assert_eq!(profile.types.iter().map(|(_, count)| count).sum::<u64>() + profile.types.beyond(), profile.events);
    assert_eq!((profile.interests.len(), profile.recent_items.len()), (20, 10));
    assert_eq!((profile.traits.len(), profile.consents.len()), (100, 50));
    assert!(profile.interests.contains_key("c299"), "a new interest finds a place");
}
