//! Given bad input over real gRPC: the answer names the field and the rule, the good events beside it count, and the
//! server answers on.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;
use rapport::wire::PublishRequest;
use rapport::wire::cloudevents::CloudEvent;
use rapport::wire::cloudevents::cloud_event::cloud_event_attribute_value::Attr;
use rapport::wire::cloudevents::cloud_event::{CloudEventAttributeValue, Data};
use rapport::wire::v1::verdict::Verdict;
use rapport::wire::v1::{CustomerRef, GetCustomerRequest, ListTimelineRequest, ReplayRequest, StatusRequest};
use serde_json::{Value, json};
use tonic::Code;

use crate::support::client::{encoded, named, reasons};
use crate::support::happened::{Happened, happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

/// Publishes the bad one between two good ones. It alone is rejected; each reason starts with the field and has the rule.
#[track_caller]
fn rejected(server: &Server, bad: Bytes, expected: &[(&str, &str)]) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let before = server.totals().await.touchpoints;
        let good = |n| encoded(ordered(&format!("good-{before}-{n}"), "1.00 EUR").by("user_id:42"));
        let verdicts = server.publish_bytes(vec![good(1), bad, good(2)]).await.unwrap();
        let [Verdict::Accepted(_), verdict, Verdict::Accepted(_)] = &verdicts[..] else { panic!("{verdicts:?}") };
        let found = reasons(verdict);
        let as_expected = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, (field, rule))| {
                found.strip_prefix(field).is_some_and(|rest| rest.starts_with(": ") && rest.contains(rule))
            });
        assert!(as_expected, "at {caller}: {found:#?}");
        assert!(found.iter().all(|reason| reason.len() < 1_000), "at {caller}: {found:#?}");
        let totals = server.totals().await;
        assert_eq!((totals.touchpoints, totals.orders), (before + 2, before + 2));
    }
}

fn good() -> Happened {
    ordered("bad", "1.00 EUR").by("user_id:42")
}

pub async fn a_missing_attribute_is_named(server: Server) {
    for (attribute, rule) in [
        ("id", "is missing; give the event the producer's own id"),
        ("source", "is missing; name the adapter"),
        ("type", "is missing; say what happened"),
        ("channel", "is missing; name the place"),
        ("specversion", "is missing; must be 1.0"),
    ] {
        rejected(&server, encoded(good().but(attribute, Value::Null)), &[(attribute, rule)]).await;
    }
}

pub async fn a_malformed_attribute_is_named(server: Server) {
    for (attribute, value, rule) in [
        ("specversion", json!("0.3"), "is \"0.3\"; must be 1.0"),
        ("type", json!("Order Placed"), "lower-case words joined by dots"),
        ("channel", json!("web site"), "one lower-case word such as web"),
        ("time", json!("yesterday"), "is \"yesterday\", which is not an RFC 3339 time"),
        ("subject", json!("ann"), "namespace:value"),
        ("id", json!("i".repeat(300)), "1 to 256 bytes"),
        ("datacontenttype", json!("text/xml"), "must be application/json"),
        ("bodyhash", json!("0".repeat(32)), ""),
    ] {
        rejected(&server, encoded(good().but(attribute, value)), &[(attribute, rule)]).await;
    }
    let three = good().but("channel", json!("")).but("time", json!("")).but("subject", json!("x"));
    rejected(&server, encoded(three), &[("channel", ""), ("time", ""), ("subject", "")]).await;
}

pub async fn an_unknown_schema_version_is_named(server: Server) {
    let with = |version: &str| encoded(good().but("dataschema", json!(version)));
    rejected(&server, with("order.placed/99"), &[("dataschema", "which is not known; known is order.placed/1")]).await;
    rejected(&server, with("page.viewed/1"), &[("dataschema", "order.placed")]).await;
    let own = viewed("bad").but("type", json!("fitting.booked")).but("dataschema", json!("fitting.booked/1"));
    rejected(&server, encoded(own), &[("dataschema", "fitting.booked has none here; leave it out")]).await;
}

pub async fn data_that_fails_its_schema_is_named(server: Server) {
    let with = |data: Value| encoded(good().with(data));
    rejected(&server, with(json!({"amount": 12.5})), &[("data/amount", "")]).await;
    rejected(&server, with(json!({"currency": "euro"})), &[("data/currency", "")]).await;
    rejected(
        &server,
        with(json!({"items": [{"sku": "a"}, {"sku": "b", "quantity": 0}]})),
        &[("data/items/1/quantity", "")],
    )
    .await;
    rejected(
        &server,
        encoded(happened("order.placed", "bad").with(json!({"order_id": "1"}))),
        &[("data/amount", "is missing"), ("data/currency", "is missing")],
    )
    .await;
    rejected(&server, encoded(good().but("data", json!([1, 2]))), &[("data", "must be a JSON object")]).await;
}

pub async fn a_time_that_cannot_be_is_named(server: Server) {
    let at = |time: &str| encoded(good().but("time", json!(time)));
    rejected(&server, at("9999-12-31T23:59:59Z"), &[("time", "lies outside 1970-01-01 to 2262-04-11")]).await;
    rejected(&server, at("1969-12-31T23:59:59Z"), &[("time", "lies outside 1970-01-01")]).await;
    rejected(&server, at("2200-01-01T00:00:00Z"), &[("time", "more than a day after it was recorded")]).await;
}

pub async fn an_identifier_that_is_too_long_is_named(server: Server) {
    let long = "x".repeat(10_000);
    let in_data = good().with(json!({"identifiers": {"email": long}}));
    rejected(
        &server,
        encoded(in_data),
        &[("data/identifiers/email", "is 10000 bytes long; an identifier has at most 256")],
    )
    .await;
    let in_subject = good().but("subject", json!(format!("email:{long}")));
    rejected(&server, encoded(in_subject), &[("subject", "is 10000 bytes long")]).await;
    let many: Vec<String> = (0..60).map(|n| format!("u{n}@example.com")).collect();
    let in_a_list = good().with(json!({"identifiers": {"email": many}}));
    rejected(&server, encoded(in_a_list), &[("data/identifiers", "60 identifiers; an event has at most 50")]).await;
}

pub async fn an_event_that_is_too_large_is_named(server: Server) {
    let large = good().with(json!({"note": "x".repeat(5_000_000)}));
    rejected(&server, encoded(large), &[("event", "an event has at most 262144")]).await;
    // Small on the wire, large as the JSON that the log keeps.
    let escaped = good().with(json!({"note": "\u{1}".repeat(200_000)}));
    let escaped = CloudEvent { data: Some(Data::TextData(escaped.into_json()["data"].to_string())), ..order() };
    rejected(&server, escaped.encode_to_vec().into(), &[("event", "an event has at most 262144")]).await;
}

/// An order without data, as protobuf.
fn order() -> CloudEvent {
    let attribute = |attr| CloudEventAttributeValue { attr: Some(attr) };
    CloudEvent {
        id: "bad".to_owned(),
        source: "shop".to_owned(),
        spec_version: "1.0".to_owned(),
        r#type: "order.placed".to_owned(),
        attributes: HashMap::from([("channel".to_owned(), attribute(Attr::CeString("web".to_owned())))]),
        data: None,
    }
}

pub async fn an_attribute_that_is_no_utf8_is_named(server: Server) {
    // Field 1, the id: two bytes that are no UTF-8.
    let id: &[u8] = &[0x0a, 2, 0xc3, 0x28];
    rejected(&server, Bytes::from_static(id), &[("event", "CloudEvent.id: ")]).await;
    // Field 5, an attribute: {key: "channel", value: {ce_string: a byte that is no UTF-8}}.
    let channel: &[u8] = b"\x2a\x0e\x0a\x07channel\x12\x03\x1a\x01\xff";
    rejected(&server, Bytes::from_static(channel), &[("event", "is no io.cloudevents.v1.CloudEvent: ")]).await;
}

pub async fn data_that_is_no_utf8_is_named(server: Server) {
    let binary = CloudEvent { data: Some(Data::BinaryData(b"{\"order_id\": \"\xff\"}".to_vec())), ..order() };
    rejected(&server, binary.encode_to_vec().into(), &[("data", "is not JSON in UTF-8")]).await;
    let broken = CloudEvent { data: Some(Data::TextData("{\"order_id\": ".to_owned())), ..order() };
    rejected(&server, broken.encode_to_vec().into(), &[("data", "is not JSON in UTF-8")]).await;
}

pub async fn a_decision_from_an_adapter_is_refused(server: Server) {
    for decision in ["customer.merged", "customer.split", "customer.erased", "parked.discarded"] {
        let rule = "a decision that only the admin services append";
        rejected(&server, encoded(good().but("type", json!(decision))), &[("type", rule)]).await;
    }
}

pub async fn what_is_no_event_at_all_is_named(server: Server) {
    rejected(&server, Bytes::from_static(b"\xff\xff\xff"), &[("event", "is no io.cloudevents.v1.CloudEvent")]).await;
    let missing = |field| (field, "is missing");
    rejected(&server, Bytes::new(), &["specversion", "id", "source", "type", "channel"].map(missing)).await;
}

pub async fn a_request_with_too_many_events_is_refused_as_a_whole(server: Server) {
    let events = vec![encoded(good()); 100_000];
    // Over 16 MiB the transport itself refuses.
    let small = vec![Bytes::new(); 100_000];
    for events in [events[..1_001].to_vec(), small] {
        let count = events.len();
        let status = server.publish_bytes(events).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(
            status.message().starts_with(&format!("events: a request has {count} of them; 1000 at most")),
            "{status}"
        );
    }
    assert_eq!(server.status().await.head, 0);
    server.accepted([good()]).await;
}

pub async fn a_request_that_is_too_large_is_refused_as_a_whole(server: Server) {
    let large = encoded(good().with(json!({"note": "x".repeat(5_000_000)})));
    let status = server.publish_bytes(vec![large; 4]).await.unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status}");
    assert_eq!(server.status().await.head, 0);
    server.accepted([good()]).await;
}

pub async fn an_unknown_tenant_is_not_found(server: Server) {
    for tenant in ["globex", "../default", "DEFAULT", "a\0b"] {
        let tenant = tenant.to_owned();
        let request = PublishRequest { tenant: tenant.clone(), events: vec![encoded(good())] };
        let status = soon(server.connection.ingest().publish(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status}");
        assert!(status.message().starts_with("tenant: "), "{status}");
        let request = StatusRequest { tenant, min_position: 0 };
        assert_eq!(soon(server.connection.admin().status(request)).await.unwrap_err().code(), Code::NotFound);
    }
}

pub async fn a_question_that_makes_no_sense_names_its_field(server: Server) {
    let customer = |customer: Option<CustomerRef>| GetCustomerRequest { customer, ..GetCustomerRequest::default() };
    let long = format!("user_id:{}", "x".repeat(1_000_000));
    for wrong in [None, Some(CustomerRef::default()), Some(named("ann")), Some(named("cus_12")), Some(named(&long))] {
        let status = soon(server.connection.customers().get(customer(wrong))).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().starts_with("customer: ") && status.message().len() < 1_000, "{status}");
    }
    let request = ListTimelineRequest { customer: Some(named("user_id:42")), page_size: 501, ..Default::default() };
    let status = soon(server.connection.customers().list_timeline(request)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "page_size: is 501; at most 500"));
    let request = ReplayRequest { types: vec!["order.*".to_owned()], ..ReplayRequest::default() };
    let status = server.replay(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(status.message().starts_with("types: "), "{status}");
    assert_eq!(server.totals().await.touchpoints, 0);
}
