//! The rules of the envelope, as an adapter meets them: what is refused and why, what is stamped, what a retry is.

#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use rapport_touchpoint::{Catalogue, Content, Event, Timestamp, Touchpoint, Violation, read, receive};
use serde_json::{Map, Value, json};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00Z").unwrap()
}

fn order() -> Value {
    json!({
        "specversion": "1.0",
        "id": "ord-8841",
        "source": "shop/web",
        "type": "order.placed",
        "time": "2026-11-20T09:30:00Z",
        "subject": "email:ann@example.com",
        "channel": "web",
        "data": {
            "identifiers": {"user_id": "42", "anonymous_id": "a-77"},
            "order_id": "8841", "amount": "129.90", "currency": "CNY",
        },
    })
}

/// The order with some attributes changed; `null` takes one away.
fn order_with(changes: Value) -> Value {
    let mut event = order();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => event.as_object_mut().unwrap().remove(name),
            value => event.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    event
}

/// The order with some fields of its data changed; `null` takes one away.
fn order_with_data(changes: Value) -> Value {
    let mut event = order();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => event["data"].as_object_mut().unwrap().remove(name),
            value => event["data"].as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    event
}

fn received(event: Value) -> Touchpoint {
    receive(event, now(), &CATALOGUE).unwrap()
}

fn logged(touchpoint: &Touchpoint) -> Value {
    serde_json::from_slice(touchpoint.json()).unwrap()
}

#[track_caller]
fn refused(event: Value, expected: &[&str]) {
    let violations = receive(event, now(), &CATALOGUE).unwrap_err();
    let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

mod refused {
    use super::*;

    #[test]
    fn what_is_no_object() {
        for event in [json!(null), json!([]), json!("order"), json!(1), json!(true)] {
            refused(event, &["event: must be a JSON object: a CloudEvent in structured mode"]);
        }
    }

    #[test]
    fn an_empty_event() {
        refused(
            json!({}),
            &[
                "specversion: is missing; must be 1.0",
                "id: is missing; give the event the producer's own id",
                "source: is missing; name the adapter, such as shop/web",
                "type: is missing; say what happened, such as order.placed",
                "channel: is missing; name the place of the contact, such as web",
            ],
        );
    }

    #[test]
    fn an_attribute_that_is_null_is_missing() {
        let mut event = order();
        event["id"] = Value::Null;
        refused(event, &["id: is missing; give the event the producer's own id"]);
    }

    #[test]
    fn attributes_of_another_type() {
        for name in ["specversion", "id", "source", "type", "channel", "time", "sequence", "subject", "dataschema"] {
            for wrong in [json!(1), json!(true), json!(["x"]), json!({"x": 1})] {
                refused(order_with(json!({name: wrong})), &[&format!("{name}: must be a string")]);
            }
        }
    }

    #[test]
    fn another_specversion() {
        refused(order_with(json!({"specversion": "0.3"})), &["specversion: is \"0.3\"; must be 1.0"]);
    }

    #[test]
    fn another_content_type() {
        refused(
            order_with(json!({"datacontenttype": "text/xml"})),
            &["datacontenttype: is \"text/xml\"; must be application/json"],
        );
    }

    #[test]
    fn an_empty_or_endless_name() {
        for name in ["id", "source"] {
            refused(
                order_with(json!({name: ""})),
                &[&format!("{name}: is \"\"; must be 1 to 256 bytes without control characters")],
            );
            refused(
                order_with(json!({name: "a\u{0}b"})),
                &[&format!("{name}: is \"a\\0b\"; must be 1 to 256 bytes without control characters")],
            );
            refused(
                order_with(json!({name: "x".repeat(257)})),
                &[&format!(
                    "{name}: is {:?}… (257 bytes); must be 1 to 256 bytes without control characters",
                    "x".repeat(48)
                )],
            );
        }
    }

    #[test]
    fn a_malformed_type() {
        for malformed in ["", "Order.Placed", "order placed", "order.", "order.*", "a.b.c.d.e.f"] {
            refused(
                order_with(json!({"type": malformed})),
                &[&format!(
                    "type: is {malformed:?}; must be 1 to 5 lower-case words joined by dots, such as order.placed; \
                     a word starts with a letter and goes on with letters, digits and _; at most 64 bytes"
                )],
            );
        }
    }

    #[test]
    fn a_malformed_channel() {
        for malformed in ["", "Web", "web.shop", "web shop", "1st"] {
            refused(
                order_with(json!({"channel": malformed})),
                &[&format!(
                    "channel: is {malformed:?}; must be one lower-case word such as web: a letter, then letters, digits \
                     and _; at most 32 bytes"
                )],
            );
        }
    }

    #[test]
    fn a_decision() {
        for decision in ["customer.merged", "customer.split", "customer.erased", "parked.discarded"] {
            refused(
                order_with(json!({"type": decision})),
                &[&format!("type: is {decision}, a decision that only the admin services append")],
            );
        }
    }

    #[test]
    fn a_schema_that_is_not_known() {
        refused(
            order_with(json!({"dataschema": "order.placed/9"})),
            &["dataschema: is order.placed/9, which is not known; known is order.placed/1"],
        );
        refused(
            order_with(json!({"type": "yoga.class_booked", "dataschema": "yoga.class_booked/1"})),
            &["dataschema: names a schema, but yoga.class_booked has none here; leave it out"],
        );
    }

    #[test]
    fn a_schema_of_another_type() {
        for other in ["cart.updated/1", "order.placed", "order.placed/01", "https://example.com/order.json"] {
            refused(
                order_with(json!({"dataschema": other})),
                &[&format!("dataschema: is {other:?}; must be the event's type and a version, such as order.placed/1")],
            );
        }
    }

    #[test]
    fn a_time_that_is_none() {
        for none in ["yesterday", "2026-11-20", "2026-11-20 09:30", "2026-13-01T00:00:00Z", "1764000000"] {
            refused(
                order_with(json!({"time": none})),
                &[&format!("time: is {none:?}, which is not an RFC 3339 time such as 2026-11-21T10:00:00.123Z")],
            );
        }
    }

    #[test]
    fn a_time_out_of_range() {
        for outside in ["1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"] {
            refused(
                order_with(json!({"time": outside})),
                &[&format!("time: is {outside:?}, which lies outside 1970-01-01 to 2262-04-11")],
            );
        }
        refused(
            order_with(json!({"time": "2026-11-23T10:00:00Z"})),
            &["time: is \"2026-11-23T10:00:00Z\", which lies more than a day after it was recorded; \
               2026-11-22T10:00:00Z is the latest"],
        );
    }

    #[test]
    fn an_endless_sequence() {
        refused(
            order_with(json!({"sequence": "9".repeat(65)})),
            &[&format!(
                "sequence: is {:?}… (65 bytes); must be at most 64 bytes without control characters",
                "9".repeat(48)
            )],
        );
    }

    #[test]
    fn data_that_is_no_object() {
        for data in [json!([]), json!("{}"), json!(1)] {
            refused(order_with(json!({"data": data})), &["data: must be a JSON object"]);
        }
    }

    #[test]
    fn data_in_base64() {
        refused(
            order_with(json!({"data": null, "data_base64": "e30="})),
            &["data_base64: is not taken; send the data as a JSON object in data"],
        );
    }

    #[test]
    fn data_that_breaks_its_schema() {
        refused(
            order_with_data(json!({"order_id": null, "amount": 129.9, "currency": "yuan"})),
            &[
                "data/order_id: is missing",
                "data/amount: value is not of type \"string\"; A decimal string: 129.90",
                "data/currency: value does not match \"^[A-Z]{3}$\"; ISO 4217: CNY",
            ],
        );
    }

    #[test]
    fn a_currency_that_is_not_known() {
        refused(
            order_with_data(json!({"currency": "BTC"})),
            &["data/currency: is not an ISO 4217 currency code such as CNY"],
        );
    }

    #[test]
    fn a_subject_without_a_namespace() {
        for bare in ["", "ann@example.com"] {
            refused(
                order_with(json!({"subject": bare})),
                &["subject: must be namespace:value, such as user_id:42 or email:ann@example.com"],
            );
        }
        refused(
            order_with(json!({"subject": "E-Mail:ann@example.com"})),
            &["subject: has the namespace \"E-Mail\"; one is a lower-case word such as user_id, at most 32 bytes"],
        );
    }

    #[test]
    fn an_endless_identifier() {
        let long = "x".repeat(10_000);
        refused(
            order_with_data(json!({"identifiers": {"phone": long}})),
            &["data/identifiers/phone: is 10000 bytes long; an identifier has at most 256"],
        );
        refused(
            order_with(json!({"subject": format!("phone:{long}")})),
            &["subject: is 10000 bytes long; an identifier has at most 256"],
        );
    }

    #[test]
    fn an_identifier_of_another_type() {
        for wrong in [json!(true), json!(4.2), json!({"id": 1}), json!(["a", ["b"]])] {
            refused(
                order_with_data(json!({"identifiers": {"user_id": wrong}})),
                &["data/identifiers/user_id: must be a string, an integer, or a list of these"],
            );
        }
        refused(
            order_with_data(json!({"identifiers": ["user_id:42"]})),
            &["data/identifiers: must be an object such as {\"user_id\": \"42\"}"],
        );
    }

    #[test]
    fn more_than_fifty_identifiers() {
        let emails = |count: usize| -> Value { (0..count).map(|n| format!("ann{n}@example.com")).collect() };
        received(order_with_data(json!({"identifiers": {"email": emails(49)}})));
        refused(
            order_with_data(json!({"identifiers": {"email": emails(50)}})),
            &["data/identifiers: with the subject, 51 identifiers; an event has at most 50"],
        );
    }

    /// Nulls say nothing, however many there are; what follows them still counts.
    #[test]
    fn nothing_of_a_long_list_is_lost() {
        let mut values = vec![Value::Null; 60];
        values.push(json!("ann@example.com"));
        let touchpoint = received(order_with_data(json!({"identifiers": {"email": values}})));
        assert_eq!(touchpoint.identifiers.len(), 2);
    }

    #[test]
    fn an_event_beyond_256_kib() {
        let stamped = |note: usize| received(order_with_data(json!({"note": "x".repeat(note)}))).json().len();
        let room = 256 * 1024 - stamped(0);
        assert_eq!(stamped(room), 256 * 1024);
        refused(
            order_with_data(json!({"note": "x".repeat(room + 1)})),
            &["event: has 262145 bytes of JSON; an event has at most 262144"],
        );
    }

    /// A JSON parser gives up at 128 levels: what the gateway takes must be far from there, or it could not be read back.
    #[test]
    fn an_event_nested_too_deep() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        received(order_with_data(json!({"deep": nested(62)})));
        for depth in [63, 126, 1000] {
            refused(
                order_with_data(json!({"deep": nested(depth)})),
                &["event: nests objects and lists deeper than 64"],
            );
        }
    }

    #[test]
    fn too_many_extensions() {
        let extensions: Map<_, _> = (0..21).map(|n| (format!("ext{n}"), json!("x"))).collect();
        refused(
            order_with(Value::Object(extensions)),
            &["event: has 21 extension attributes; an event has at most 20"],
        );
    }

    #[test]
    fn extensions_against_the_rules_of_cloudevents() {
        refused(
            order_with(json!({"Trace_Id": "x"})),
            &[
                "event: \"Trace_Id\" is no CloudEvents attribute; names are lower-case letters and digits, at most 256 bytes",
            ],
        );
        for wrong in [json!([1]), json!({}), json!(1.5), json!(4_294_967_296_u64), json!("x".repeat(1025))] {
            refused(
                order_with(json!({"traceid": wrong})),
                &["traceid: must be a string of at most 1024 bytes, a boolean or a 32-bit integer"],
            );
        }
    }

    #[test]
    fn a_body_hash_that_is_not_the_bodys() {
        for wrong in [json!("0".repeat(32)), json!("mine"), json!(""), json!(7), json!(false)] {
            refused(
                order_with(json!({"bodyhash": wrong})),
                &["bodyhash: is not the hash of this event; leave it out, the gateway stamps it"],
            );
        }
    }

    #[test]
    fn many_broken_rules_are_counted() {
        let identifiers: Map<_, _> = (0..30).map(|n| (format!("Kind{n}"), json!("x"))).collect();
        let violations = receive(order_with_data(json!({"identifiers": identifiers})), now(), &CATALOGUE).unwrap_err();
        assert_eq!(violations.len(), 11);
        assert_eq!(violations[10], Violation::new("event", "breaks 20 more rules"));
    }

    /// A stranger's words in an error are short and cannot move the cursor of a terminal.
    #[test]
    fn an_error_is_safe_to_print() {
        let key = format!("\u{1b}[2J\n{}", "k".repeat(10_000));
        let violations = receive(order_with_data(json!({"identifiers": {key: "x"}})), now(), &CATALOGUE).unwrap_err();
        for violation in violations {
            let shown = violation.to_string();
            assert!(shown.chars().count() < 600 && !shown.contains(char::is_control), "{shown:?}");
        }
    }
}

mod stamped {
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
        let event = order_with(
            json!({"type": "product.viewed", "dataschema": "product.viewed/1", "data": {"product_id": "1"}}),
        );
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
        let one = parsed(
            r#"{"specversion":"1.0","id":"1","source":"a","type":"x","channel":"web","data":{"n":2,"list":[1,2]}}"#,
        );
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
}

mod taken_along {
    use super::*;

    #[test]
    fn what_rapport_gives_no_meaning_to() {
        let event = order_with(json!({"traceparent": "00-4bf9-01", "sampled": true, "retries": 3}));
        let logged = logged(&received(event));
        assert_eq!(
            (&logged["traceparent"], &logged["sampled"], &logged["retries"]),
            (&json!("00-4bf9-01"), &json!(true), &json!(3))
        );
    }

    #[test]
    fn the_sequence() {
        let touchpoint = received(order_with(json!({"sequence": "00000017"})));
        assert_eq!(touchpoint.order.sequence.as_deref(), Some("00000017"));
        assert_eq!(received(order()).order.sequence, None);
    }

    #[test]
    fn the_name_and_the_identifiers() {
        let touchpoint = received(order());
        assert_eq!((touchpoint.order.source.as_str(), touchpoint.order.id.as_str()), ("shop/web", "ord-8841"));
        assert_eq!((touchpoint.event_type.as_str(), touchpoint.channel.as_str()), ("order.placed", "web"));
        let identifiers: Vec<_> = touchpoint.identifiers.iter().map(ToString::to_string).collect();
        assert_eq!(identifiers, ["email:ann@example.com", "anonymous_id:a-77", "user_id:42"]);
    }
}

mod from_the_log {
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
}

/// Any JSON, with the words of the envelope among its keys, so that it comes near to being an event.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("id".to_owned()),
        Just("type".to_owned()),
        Just("time".to_owned()),
        Just("data".to_owned()),
        Just("identifiers".to_owned()),
        Just("bodyhash".to_owned()),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(event in any_json(), attribute in any_json()) {
        let _ = receive(event.clone(), now(), &CATALOGUE);
        let _ = read(event.to_string().into_bytes(), now(), &CATALOGUE);
        for name in ["id", "source", "type", "channel", "time", "sequence", "subject", "dataschema", "bodyhash", "data"] {
            let mut near = order();
            near[name] = attribute.clone();
            let _ = receive(near, now(), &CATALOGUE);
        }
    }

    #[test]
    fn what_is_received_is_read_back(
        id in "[ -~ä中]{1,40}", nanos in 0..1_795_000_000_000_000_000_i64, sequence in prop::option::of("[0-9a-z]{0,20}"),
        user_id in "\\PC{0,40}", more in any_json(),
    ) {
        let time = Timestamp::from_nanos(nanos).unwrap().to_string();
        let event = json!({
            "specversion": "1.0", "id": id, "source": "shop/web", "type": "custom.thing", "channel": "web",
            "time": time, "sequence": sequence, "data": {"identifiers": {"user_id": user_id}, "more": more},
        });
        let touchpoint = receive(event, now(), &CATALOGUE).unwrap();
        let event = read(touchpoint.json().to_vec(), now(), &CATALOGUE).unwrap();
        prop_assert_eq!(&event.touchpoint, &touchpoint);
        let replayed = receive(serde_json::from_slice::<Value>(touchpoint.json()).unwrap(), now(), &CATALOGUE).unwrap();
        prop_assert_eq!(&replayed, &touchpoint);
    }
}
