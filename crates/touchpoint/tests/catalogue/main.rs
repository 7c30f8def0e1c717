//! The schemas that Rapport brings along, held against the list of types, their own examples and the typed content; then a
//! tenant's own schemas.

#![allow(clippy::unwrap_used)]

mod custom;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rapport_touchpoint::{
    Catalogue, CatalogueError, Channel, Content, Event, EventType, SchemaFile, Timestamp, Touchpoint, Violation,
    glance, read, receive, reread,
};
use serde_json::{Value, json};

const BUILT_IN: [&str; 36] = [
    // acquisition
    "ad.clicked",
    "page.viewed",
    "screen.viewed",
    "email.sent",
    "email.opened",
    "email.clicked",
    "content.downloaded",
    "form.submitted",
    "event.attended",
    "social.mentioned",
    // identity
    "customer.identified",
    "customer.linked",
    "consent.changed",
    // commerce
    "product.viewed",
    "product.searched",
    "cart.updated",
    "checkout.started",
    "order.placed",
    "order.refunded",
    // sales
    "lead.created",
    "lead.assigned",
    "visit.logged",
    "quote.sent",
    "contract.signed",
    "call.completed",
    // service
    "chat.started",
    "chat.ended",
    "ticket.opened",
    "ticket.replied",
    "ticket.resolved",
    "ticket.reopened",
    // feedback
    "survey.sent",
    "survey.answered",
    "review.posted",
    // loyalty
    "referral.made",
    "content.shared",
];

/// The types that have a variant of their own in [`Content`].
const TYPED: [&str; 8] = [
    "customer.identified",
    "consent.changed",
    "order.placed",
    "order.refunded",
    "product.viewed",
    "survey.sent",
    "survey.answered",
    "review.posted",
];

fn type_of(content: &Content) -> Option<&'static str> {
    match content {
        Content::CustomerIdentified(_) => Some("customer.identified"),
        Content::ConsentChanged(_) => Some("consent.changed"),
        Content::OrderPlaced(_) => Some("order.placed"),
        Content::OrderRefunded(_) => Some("order.refunded"),
        Content::ProductViewed(_) => Some("product.viewed"),
        Content::SurveySent(_) => Some("survey.sent"),
        Content::SurveyAnswered(_) => Some("survey.answered"),
        Content::ReviewPosted(_) => Some("review.posted"),
        Content::Other => None,
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00Z").unwrap()
}

/// What the log's reader makes of data that an adapter published.
fn publish(catalogue: &Catalogue, dataschema: &str, data: &Value) -> Result<Event, Vec<Violation>> {
    let (event_type, _) = dataschema.split_once('/').unwrap();
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "test", "channel": "web",
        "type": event_type, "dataschema": dataschema, "data": data,
    });
    let touchpoint = receive(event, now(), catalogue)?;
    Ok(read(touchpoint.into_json(), now(), catalogue).expect("what the gateway accepts is never parked"))
}

#[track_caller]
fn refused(dataschema: &str, data: Value, expected: &[&str]) {
    let violations = publish(&Catalogue::built_in(), dataschema, &data).unwrap_err();
    let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

/// The schema files as they lie in the repository: `type/version` and the JSON.
fn schema_files() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    let entries =
        |folder: &Path| -> Vec<_> { fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries(&root)
        .iter()
        .flat_map(|folder| entries(folder).into_iter().map(move |file| (folder.clone(), file)))
        .map(|(folder, file)| {
            let dataschema = format!("{}/{}", name(&folder), name(&file).strip_suffix(".json").unwrap());
            (dataschema, serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap())
        })
        .collect()
}

#[test]
fn every_type_has_a_schema_and_no_other_has() {
    let catalogue = Catalogue::built_in();
    let known: BTreeSet<_> = catalogue.examples().map(|(event_type, _, _)| event_type.as_str()).collect();
    assert_eq!(known, BTreeSet::from(BUILT_IN));
}

#[test]
fn every_file_is_compiled_in() {
    let catalogue = Catalogue::built_in();
    let compiled: BTreeSet<_> = catalogue.examples().map(|(of, version, _)| version.dataschema(of)).collect();
    let on_disk: BTreeSet<_> = schema_files().into_iter().map(|(dataschema, _)| dataschema).collect();
    assert_eq!(compiled, on_disk);
}

/// The event as it comes back from what was kept of it.
fn of_gist(event: &Event) -> Option<Event> {
    let Touchpoint { order, .. } = &event.touchpoint;
    Event::of_gist(&event.put_gist(Vec::new()), &order.key(), event.touchpoint.json().to_vec())
}

#[test]
fn what_passed_once_is_reread_as_the_same_event() {
    let catalogue = Catalogue::built_in();
    let (mut examples_in_all, mut compared) = (0, 0);
    for (event_type, version, examples) in catalogue.examples() {
        examples_in_all += examples.len();
        for data in examples {
            let envelopes = [
                json!({}),
                json!({"dataschema": null, "subject": "user_id:7", "sequence": "3", "traceparent": "00-1"}),
            ];
            for more in envelopes {
                let mut event = json!({
                    "specversion": "1.0", "id": "1", "source": "test", "channel": "web", "type": event_type.as_str(),
                    "time": "2026-11-20T10:00:00Z", "dataschema": version.dataschema(event_type), "data": data,
                });
                event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                // Straight from a producer, and with the gateway's stamps.
                let mut records = vec![serde_json::to_vec(&event).unwrap()];
                records.extend(receive(event, now(), &catalogue).map(Touchpoint::into_json).ok());
                for record in records {
                    let Ok(read) = read(record.clone(), now(), &catalogue) else { continue };
                    assert_eq!(glance(&record, &catalogue).unwrap(), at_a_glance(&read));
                    assert_eq!(reread(record, &catalogue).unwrap(), read, "{}", version.dataschema(event_type));
                    assert_eq!(of_gist(&read), Some(read), "{}", version.dataschema(event_type));
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 2 * examples_in_all, "{compared} of {examples_in_all} examples");
}

#[test]
fn an_odd_record_is_reread_as_the_same_event_too() {
    let catalogue = Catalogue::built_in();
    let head = r#""specversion":"1.0","type":"tour.taken","time":"2026-11-20T10:00:00Z""#;
    let records = [
        // Escapes, which stand for another text than the bytes.
        r#""id":"a\"b","source":"caf\u00e9","channel":"web","data":{"guide":"\n"}"#,
        // An attribute twice: the last one counts.
        r#""id":"1","id":"2","source":"test","channel":"web","channel":"app""#,
        r#""id":"1","source":"test","channel":"\u0077eb""#,
        r#""id":"1","source":"test","channel":"web","data":null,"sequence":null,"subject":"user_id:7""#,
        r#""id":"1","source":"test","channel":"web","data":{"identifiers":{"user_id":7}},"traceparent":"00-1""#,
    ];
    for record in records {
        for stamp in ["", r#","bodyhash":"00112233445566778899aabbccddeeff""#, r#","bodyhash":null"#] {
            let record = format!("{{{head},{record}{stamp}}}").into_bytes();
            let read = read(record.clone(), now(), &catalogue).unwrap();
            assert_eq!(glance(&record, &catalogue).unwrap(), at_a_glance(&read));
            assert_eq!(reread(record, &catalogue).unwrap(), read);
            assert_eq!(of_gist(&read), Some(read));
        }
    }
}

fn at_a_glance(Event { touchpoint, .. }: &Event) -> (EventType, Channel) {
    (touchpoint.event_type.clone(), touchpoint.channel.clone())
}

#[test]
fn every_typed_variant_has_a_schema() {
    assert!(TYPED.iter().all(|event_type| BUILT_IN.contains(event_type)));
}

#[test]
fn every_example_is_accepted_and_typed() {
    let catalogue = Catalogue::built_in();
    for (event_type, version, examples) in catalogue.examples() {
        let dataschema = version.dataschema(event_type);
        assert!(examples.len() >= 2, "{dataschema} has at least two examples");
        for example in examples {
            let event = publish(&catalogue, &dataschema, example)
                .unwrap_or_else(|violations| panic!("{dataschema}: {violations:?} in {example}"));
            let expected = TYPED.into_iter().find(|typed| *typed == event_type.as_str());
            assert_eq!(type_of(&event.content), expected, "{dataschema}");
        }
    }
}

#[test]
fn every_schema_says_what_it_is() {
    for (dataschema, schema) in schema_files() {
        let (event_type, _) = dataschema.split_once('/').unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{dataschema}");
        assert_eq!(schema["title"], event_type, "{dataschema}");
        assert!(schema["description"].as_str().unwrap().ends_with('.'), "{dataschema} is described in sentences");
        assert_eq!(schema["properties"]["identifiers"]["type"], "object", "{dataschema}");
    }
}

#[test]
fn what_a_schema_requires_is_required() {
    let catalogue = Catalogue::built_in();
    for (dataschema, schema) in schema_files() {
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let missing: Vec<_> = match publish(&catalogue, &dataschema, &json!({})) {
            Ok(_) => Vec::new(),
            Err(violations) => violations.into_iter().map(|violation| violation.field).collect(),
        };
        let expected: Vec<_> = required.iter().map(|property| format!("data/{property}")).collect();
        assert_eq!(missing, expected, "{dataschema}");
    }
}

/// What a stranger can send is bounded everywhere, and what a later producer adds is let through.
#[test]
fn every_field_is_bounded_and_none_is_forbidden() {
    fn walk(schema: &Value, place: &str) {
        match schema["type"].as_str() {
            Some("string") => assert!(schema.get("maxLength").or(schema.get("pattern")).is_some(), "{place}"),
            Some("array") => assert!(schema.get("maxItems").is_some(), "{place}"),
            Some("integer") => assert!(schema.get("maximum").is_some() || place.ends_with("/score"), "{place}"),
            _ => {}
        }
        assert_ne!(schema["additionalProperties"], false, "{place}");
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(property, &format!("{place}/{name}"));
        }
        if let Some(items) = schema.get("items") {
            walk(items, &format!("{place}/items"));
        }
    }
    for (dataschema, schema) in schema_files() {
        walk(&schema, &dataschema);
    }
}

#[test]
fn a_broken_rule_is_told_in_the_schemas_own_words() {
    refused(
        "order.refunded/1",
        json!({"order_id": "", "amount": 12.5, "currency": "yuan", "items": [{"sku": "a", "quantity": 0}, {}]}),
        &[
            "data/amount: value is not of type \"string\"; What the customer gets back: 64.95",
            "data/currency: value does not match \"^[A-Z]{3}$\"; ISO 4217: CNY",
            "data/items/0/quantity: value is less than the minimum of 1",
            "data/items/1/sku: is missing",
            "data/order_id: value is shorter than 1 character",
        ],
    );
}

#[test]
fn a_time_in_the_data_is_a_time() {
    refused(
        "event.attended/1",
        json!({"event_id": "1", "starts_at": "tomorrow"}),
        &["data/starts_at: value is not a \"date-time\"; RFC 3339: 2026-11-21T10:00:00Z"],
    );
}

#[test]
fn money_needs_a_currency() {
    refused("cart.updated/1", json!({"items": [], "amount": "1"}), &["data/currency: is missing"]);
    refused("order.refunded/1", json!({"order_id": "1", "amount": "1"}), &["data/currency: is missing; ISO 4217: CNY"]);
}

#[test]
fn a_currency_that_no_country_has_is_named() {
    refused(
        "order.placed/1",
        json!({"order_id": "1", "amount": "1", "currency": "ABC"}),
        &["data/currency: is not an ISO 4217 currency code such as CNY"],
    );
}

/// To JSON Schema `2.0` is an integer, so it must be one to the typed content, too.
#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let data = json!({"order_id": "1", "amount": "1", "currency": "CNY", "items": [{"sku": "a", "quantity": 2.0}, {"sku": "b"}]});
    let event = publish(&Catalogue::built_in(), "order.placed/1", &data).unwrap();
    let Content::OrderPlaced(order) = event.content else { panic!("{:?}", event.content) };
    assert_eq!(order.items.iter().map(|item| item.quantity).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_score_lies_in_its_metrics_range() {
    let catalogue = Catalogue::built_in();
    for (metric, lowest, highest) in [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)] {
        let accepted: Vec<_> = (-2..=12)
            .filter(|score| {
                let data = json!({"survey": "s", "metric": metric, "score": score});
                publish(&catalogue, "survey.answered/1", &data).is_ok()
            })
            .collect();
        assert_eq!(accepted, (lowest..=highest).collect::<Vec<_>>(), "{metric}");
    }
    refused(
        "survey.answered/1",
        json!({"survey": "s", "metric": "csat", "score": 6}),
        &["data/score: value is greater than the maximum of 5; csat is scored from 1 to 5"],
    );
    refused(
        "survey.answered/1",
        json!({"survey": "s", "metric": "stars", "score": 4.5}),
        &[
            "data/metric: value is not one of \"nps\", \"csat\" or \"ces\"; What is asked: recommendation, satisfaction or effort",
            "data/score: value is not of type \"integer\"; nps 0 to 10, csat 1 to 5, ces 1 to 7; a higher score is better",
        ],
    );
}

#[test]
fn a_review_has_one_to_five_stars() {
    refused(
        "review.posted/1",
        json!({"score": 0}),
        &["data/score: value is less than the minimum of 1; Stars: 1 to 5"],
    );
    refused(
        "review.posted/1",
        json!({"score": 6}),
        &["data/score: value is greater than the maximum of 5; Stars: 1 to 5"],
    );
}

#[test]
fn traits_are_bounded() {
    refused(
        "customer.identified/1",
        json!({"traits": {"address": {"city": "Hangzhou"}, "bio": "x".repeat(1025)}}),
        &[
            "data/traits/address: value is not of types \"null\", \"boolean\", \"number\", \"string\"; A text of at most 1024 characters, a number, a boolean or null",
            "data/traits/bio: value is longer than 1024 characters; A text of at most 1024 characters, a number, a boolean or null",
        ],
    );
    let traits: serde_json::Map<_, _> = (0..101).map(|n| (format!("t{n}"), json!(n))).collect();
    refused("customer.identified/1", json!({"traits": traits}), &["data/traits: value has more than 100 properties"]);
    refused(
        "customer.identified/1",
        json!({"traits": {"x".repeat(65): 1}}),
        &["data/traits: a name in it is longer than 64 characters"],
    );
}

#[test]
fn a_product_was_once_named_by_product_id() {
    let catalogue = Catalogue::built_in();
    let data = json!({"product_id": "tea-100", "name": "Longjing 100 g"});
    let event = publish(&catalogue, "product.viewed/1", &data).unwrap();
    let Content::ProductViewed(viewed) = &event.content else { panic!("{:?}", event.content) };
    assert_eq!((viewed.sku.as_str(), viewed.name.as_deref()), ("tea-100", Some("Longjing 100 g")));
    let on_log: Value = serde_json::from_slice(event.touchpoint.json()).unwrap();
    assert_eq!(on_log["data"]["product_id"], "tea-100", "the log keeps what was sent");

    let newest = json!({"sku": "tea-100", "name": "Longjing 100 g"});
    assert_eq!(publish(&catalogue, "product.viewed/2", &newest).unwrap().content, event.content);
}
