//! Given a log, then who somebody was at a past moment: what had happened by then, and what had been told by then.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_customer::identity::CustomerId;
use rapport_readmodel::{CustomerName, Entangled, KnownAt, Moment, Reader, TraitHistory};
use rapport_touchpoint::Identifier;
use serde_json::json;
use support::decided::merged;
use support::{World, at, event, minute_of, named, origin};

/// What had happened by this minute.
fn as_of(minute: u32) -> Moment {
    Moment::new(Some(minute_of(minute)), None).unwrap()
}

/// What was on the log up to here, at that minute.
fn known_at(position: u64, minute: u32) -> Moment {
    Moment::new(None, Some(KnownAt { position, recorded_at: minute_of(minute) })).unwrap()
}

fn past(world: &World, name: &CustomerName, moment: &Moment) -> Result<Reader, Entangled> {
    world.reader().past_of(name, moment).unwrap().content
}

/// The ids of the events that a customer had then, oldest first; `-` if there was no such customer.
#[track_caller]
fn timeline(world: &World, name: &str, moment: &Moment) -> String {
    let then = past(world, &named(name), moment).unwrap();
    let Some(entries) = then.history(&named(name), None, 1_000).unwrap().content else { return "-".to_owned() };
    entries.iter().map(|entry| entry.touchpoint.order.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn customer(world: &World, name: &str, moment: &Moment) -> CustomerId {
    past(world, &named(name), moment).unwrap().customer(&named(name)).unwrap().content.unwrap().id
}

#[test]
fn before_the_link_was_known_there_were_two_customers() {
    let mut world = World::new();
    world.fold_each(&[
        at(1, "a", "email:ann@x.org"),
        at(2, "b", "loyalty_card:7"),
        at(9, "ab", "email:ann@x.org loyalty_card:7"),
        at(3, "a2", "email:ann@x.org"),
    ]);
    assert_eq!(timeline(&world, "loyalty_card:7", &as_of(9)), "a b a2 ab");
    assert_eq!(timeline(&world, "loyalty_card:7", &as_of(8)), "b");
    assert_eq!(timeline(&world, "email:ann@x.org", &as_of(8)), "a a2");
    assert_ne!(customer(&world, "email:ann@x.org", &as_of(8)), customer(&world, "loyalty_card:7", &as_of(8)));
    assert_eq!(timeline(&world, "email:ann@x.org", &known_at(2, 9)), "a");
    assert_eq!(timeline(&world, "email:ann@x.org", &known_at(3, 9)), "a b ab");
    // A name that the customer has today, and that was nobody's then.
    assert_eq!(timeline(&world, "loyalty_card:7", &as_of(1)), "-");
    assert_eq!(timeline(&world, "user_id:nobody", &as_of(9)), "-");
}

#[test]
fn an_id_of_today_names_who_had_its_identifier_then() {
    let mut world = World::new();
    world.fold(&[
        at(1, "a", "email:ann@x.org"),
        at(2, "b", "loyalty_card:7"),
        at(9, "ab", "email:ann@x.org loyalty_card:7"),
    ]);
    let id = |name: &str| CustomerName::Id(CustomerId::of(&Identifier::parse(name).unwrap(), &origin().key));
    let events = |name: &str, moment: &Moment| {
        let then = past(&world, &id(name), moment).unwrap().customer(&id(name)).unwrap().content;
        then.map(|customer| customer.events)
    };
    assert_eq!(events("loyalty_card:7", &as_of(9)), Some(3));
    assert_eq!(events("loyalty_card:7", &as_of(8)), Some(1));
    assert_eq!(events("loyalty_card:7", &as_of(1)), None);
}

#[test]
fn a_late_event_had_happened_and_was_not_known() {
    let mut world = World::new();
    world.fold_each(&[at(1, "a", "user_id:ann"), at(8, "b", "user_id:ann"), at(2, "late", "user_id:ann")]);
    assert_eq!(timeline(&world, "user_id:ann", &as_of(5)), "a late");
    assert_eq!(timeline(&world, "user_id:ann", &known_at(2, 8)), "a b");
    let both = Moment::new(Some(minute_of(5)), Some(KnownAt { position: 2, recorded_at: minute_of(8) })).unwrap();
    assert_eq!(timeline(&world, "user_id:ann", &both), "a");
}

#[test]
fn what_happened_at_the_very_moment_had_happened() {
    let mut world = World::new();
    world.fold(&[at(1, "a", "user_id:ann"), at(5, "b", "user_id:ann")]);
    assert_eq!(timeline(&world, "user_id:ann", &as_of(5)), "a b");
    assert_eq!(timeline(&world, "user_id:ann", &as_of(4)), "a");
}

#[test]
fn a_merge_by_hand_holds_for_all_times_and_from_when_it_was_told() {
    let mut world = World::new();
    world.fold(&[at(1, "a", "user_id:ann"), at(2, "b", "email:bo@x.org")]);
    world.fold_records(vec![merged(20, "m", "user_id:ann", "email:bo@x.org")]);
    world.fold(&[at(30, "c", "user_id:ann")]);
    assert_eq!(timeline(&world, "user_id:ann", &as_of(5)), "a b");
    assert_eq!(timeline(&world, "user_id:ann", &known_at(2, 5)), "a");
    assert_eq!(timeline(&world, "user_id:ann", &known_at(3, 5)), "a b");
}

#[test]
fn a_device_was_in_the_hands_in_which_it_was() {
    let mut world = World::new();
    world.fold(&[
        at(1, "look", "anonymous_id:d"),
        at(100, "ann", "user_id:ann anonymous_id:d"),
        at(2_000, "bo", "user_id:bo anonymous_id:d"),
        at(2_001, "after", "anonymous_id:d"),
    ]);
    assert_eq!(timeline(&world, "anonymous_id:d", &as_of(50)), "look");
    assert_eq!(timeline(&world, "user_id:ann", &as_of(3_000)), "look ann");
    assert_eq!(timeline(&world, "anonymous_id:d", &as_of(1_000)), "look ann");
    assert_eq!(timeline(&world, "anonymous_id:d", &as_of(3_000)), "bo after");
}

#[test]
fn what_is_void_today_takes_everybody_unless_it_was_so_then() {
    let mut world = World::new();
    let phone = "phone:+4915112345678";
    let crowd = (1..=14).map(|n| at(n, &format!("e{n}"), &format!("user_id:u{n} {phone}")));
    world.fold_each(&crowd.collect::<Vec<_>>());
    assert_eq!(timeline(&world, "user_id:u3", &as_of(30)), "e3");
    assert_eq!(timeline(&world, phone, &as_of(30)), "-");
    assert_eq!(timeline(&world, "user_id:u3", &known_at(12, 30)), "e3");
    assert!(matches!(past(&world, &named("user_id:u3"), &known_at(5, 30)), Err(Entangled::Void(_))));
    // With so few it was a family's.
    let entangled = past(&world, &named("user_id:u3"), &as_of(5)).map(drop).unwrap_err();
    assert!(matches!(entangled, Entangled::Void(_)));
    assert_eq!(
        entangled.to_string(),
        format!("too many share {phone} today for it to be anybody's, and it may have been somebody's then")
    );
}

#[test]
fn a_past_that_takes_too_much_says_so() {
    let mut world = World::new();
    let large = |n: u32| event(n, &format!("e{n}"), "test.seen", "user_id:ann", json!({"filler": "x".repeat(250_000)}));
    world.fold(&(0..140).map(large).collect::<Vec<_>>());
    let too_much = past(&world, &named("user_id:ann"), &as_of(139)).map(drop).unwrap_err();
    assert_eq!(too_much.to_string(), "it takes more than 33554432 bytes of touchpoints to tell who this was");
    assert!(past(&world, &named("user_id:ann"), &as_of(100)).is_ok());
}

#[test]
fn silence_had_fallen_up_to_then() {
    let mut world = World::new();
    let order = json!({"order_id": "1", "amount": "1", "currency": "EUR"});
    world.fold(&[event(1, "o", "order.placed", "user_id:ann", order), at(40, "back", "user_id:ann")]);
    let stage = |moment: &Moment| {
        let then = past(&world, &named("user_id:ann"), moment).unwrap();
        let states = then.customer(&named("user_id:ann")).unwrap().content.unwrap().states;
        let reached = states.labels(&world.definitions.journeys);
        reached.into_iter().find(|label| label.starts_with("stage:sales=")).unwrap()
    };
    assert_eq!(stage(&as_of(5)), "stage:sales=customer");
    assert_eq!(stage(&as_of(6)), "stage:sales=at_risk");
    assert_eq!(stage(&known_at(1, 39)), "stage:sales=lapsed");
    assert_eq!(stage(&as_of(40)), "stage:sales=customer");
}

#[test]
fn a_traits_history_names_the_event_behind_each_value() {
    let mut world = World::new();
    let says = |minute, id: &str, city: serde_json::Value| {
        event(minute, id, "customer.identified", "user_id:ann", json!({"traits": {"city": city}}))
    };
    world.fold(&[
        says(1, "a", json!("Oslo")),
        says(2, "b", json!("Oslo")),
        says(3, "c", json!("Rome")),
        at(4, "d", "user_id:ann"),
        says(5, "e", json!(null)),
        says(6, "f", json!("Rome")),
    ]);
    let told = |history: &TraitHistory| {
        let value = |set: &rapport_readmodel::TraitSet| {
            let value = set.value.as_ref().map_or("none", |value| value.as_json());
            format!("{value} by {} at {}", set.touchpoint.order.id, set.position)
        };
        history.values.iter().map(value).collect::<Vec<_>>().join(", ")
    };
    let history = world.reader().trait_history(&named("user_id:ann"), "city", 10).unwrap().content.unwrap();
    assert_eq!(told(&history), r#""Rome" by f at 6, none by e at 5, "Rome" by c at 3, "Oslo" by a at 1"#);
    let newest = world.reader().trait_history(&named("user_id:ann"), "city", 1).unwrap().content.unwrap();
    assert_eq!((told(&newest).as_str(), newest.in_all), (r#""Rome" by f at 6"#, 4));
    let then = past(&world, &named("user_id:ann"), &as_of(3)).unwrap();
    let history = then.trait_history(&named("user_id:ann"), "city", 10).unwrap().content.unwrap();
    assert_eq!(told(&history), r#""Rome" by c at 3, "Oslo" by a at 1"#);
    assert_eq!(world.reader().trait_history(&named("user_id:bo"), "city", 10).unwrap().content, None);
}
