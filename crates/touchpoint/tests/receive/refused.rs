//! What is refused, and why.

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
        refused(order_with_data(json!({"deep": nested(depth)})), &["event: nests objects and lists deeper than 64"]);
    }
}

#[test]
fn too_many_extensions() {
    let extensions: Map<_, _> = (0..21).map(|n| (format!("ext{n}"), json!("x"))).collect();
    refused(order_with(Value::Object(extensions)), &["event: has 21 extension attributes; an event has at most 20"]);
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
