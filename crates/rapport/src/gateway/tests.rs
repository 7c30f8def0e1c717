//! What each event of a request is answered with.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use futures::StreamExt;
use prost::Message;
use rapport_log::{LogConfig, Tenant};
use rapport_touchpoint::limits::MAX_EVENT_BYTES;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};

use super::stream::responses;
use super::*;
use crate::config::{Config, CustomTypes, Limits, ServeArgs};
use crate::metrics::Metrics;
use crate::tenants::Tenants;
use crate::traces::Traces;
use crate::wire::cloudevents::CloudEvent;
use crate::wire::cloudevents::cloud_event::cloud_event_attribute_value::Attr;
use crate::wire::cloudevents::cloud_event::{CloudEventAttributeValue, Data};
use crate::wire::v1::ingest_service_server::IngestService;
use crate::wire::v1::verdict::Verdict;
use crate::wire::v1::{PublishRequest, PublishResponse};

/// A gateway before an embedded log in a folder of its own.
struct Door {
    gateway: Gateway,
    tenants: Tenants,
    _folder: tempfile::TempDir,
}

async fn door() -> Door {
    door_with(|_| ()).await
}

async fn door_with(change: impl FnOnce(&mut Config)) -> Door {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::try_from(ServeArgs { data: folder.path().to_owned(), ..ServeArgs::default() }).unwrap();
    change(&mut config);
    let tenants = Tenants::open(&config, &Metrics::new(), &Traces::default()).await.unwrap();
    let gateway = Gateway::new(tenants.clone(), &config.limits, config.clock.clone(), CancellationToken::new());
    Door { gateway, tenants, _folder: folder }
}

impl Door {
    async fn publish(&self, events: Vec<Bytes>) -> Vec<String> {
        shown(&self.gateway.publish_one(request(events)).await.unwrap())
    }
}

fn request(events: Vec<Bytes>) -> PublishRequest {
    PublishRequest { tenant: String::new(), events }
}

/// `accepted 1`, `rejected type is ...`
fn shown(response: &PublishResponse) -> Vec<String> {
    let reasons = |reasons: &[crate::wire::v1::Reason]| {
        reasons.iter().map(|reason| format!("{} {}", reason.field, reason.rule)).collect::<Vec<_>>().join("; ")
    };
    let verdicts = response.verdicts.iter().map(|verdict| match verdict.verdict.as_ref().unwrap() {
        Verdict::Accepted(accepted) => format!("accepted {}", accepted.position),
        Verdict::Duplicate(duplicate) => format!("duplicate {}", duplicate.position),
        Verdict::Quarantined(kept) => format!("quarantined {} {}", kept.position, reasons(&kept.reasons)),
        Verdict::Rejected(rejected) => format!("rejected {}", reasons(&rejected.reasons)),
    });
    verdicts.collect()
}

fn text(text: &str) -> CloudEventAttributeValue {
    CloudEventAttributeValue { attr: Some(Attr::CeString(text.to_owned())) }
}

/// A custom touchpoint that nothing is wrong with.
fn event(id: &str) -> CloudEvent {
    CloudEvent {
        id: id.to_owned(),
        source: "shop/web".to_owned(),
        spec_version: "1.0".to_owned(),
        r#type: "fitting.booked".to_owned(),
        attributes: HashMap::from([
            ("channel".to_owned(), text("web")),
            ("subject".to_owned(), text("email:ann@example.com")),
            ("time".to_owned(), text("2026-11-21T10:00:00Z")),
        ]),
        data: Some(Data::TextData(r#"{"room": 3}"#.to_owned())),
    }
}

fn encoded(event: &CloudEvent) -> Bytes {
    event.encode_to_vec().into()
}

fn changed(id: &str, change: impl FnOnce(&mut CloudEvent)) -> Bytes {
    let mut event = event(id);
    change(&mut event);
    encoded(&event)
}

fn of_type(id: &str, event_type: &str) -> Bytes {
    changed(id, |event| event.r#type = event_type.to_owned())
}

fn in_channel(id: &str, channel: &str) -> Bytes {
    changed(id, |event| drop(event.attributes.insert("channel".to_owned(), text(channel))))
}

/// As an encoder would write it that does not look at its strings.
fn with_invalid_utf8() -> Bytes {
    let good = encoded(&event("marker"));
    let place = good.windows(6).position(|window| window == b"marker").unwrap();
    let mut bad = good.to_vec();
    bad[place] = 0xff;
    bad.into()
}

#[tokio::test]
async fn each_bad_event_is_answered_by_itself_with_field_and_rule() {
    let attribute = |name: &'static str, value: &'static str| {
        changed("bad", |event| drop(event.attributes.insert(name.to_owned(), text(value))))
    };
    for (bad, field, rule) in [
        (Bytes::from_static(b"\x0a\xff"), "event", "CloudEvent"),
        (with_invalid_utf8(), "event", "CloudEvent.id: invalid string value"),
        (changed("x", |event| event.data = Some(Data::TextData("x".repeat(5_000_000)))), "event", "at most 262144"),
        (changed("", |_| ()), "id", "missing"),
        (changed("x", |event| event.source.clear()), "source", "missing"),
        (changed("x", |event| event.spec_version = "0.3".to_owned()), "specversion", "1.0"),
        (of_type("x", "Fitting Booked"), "type", "lower-case words"),
        (of_type("x", "customer.merged"), "type", "only the admin services"),
        (changed("x", |event| drop(event.attributes.remove("channel"))), "channel", "missing"),
        (attribute("time", "yesterday"), "time", "RFC 3339"),
        (attribute("time", "2200-01-01T00:00:00Z"), "time", "more than a day after"),
        (attribute("dataschema", "fitting.booked/7"), "dataschema", "leave it out"),
        (attribute("subject", "ann"), "subject", "namespace:value"),
        (changed("x", |event| event.data = Some(Data::TextData("{".to_owned()))), "data", "JSON"),
        (changed("x", |event| event.data = Some(Data::TextData("[]".to_owned()))), "data", "object"),
        (of_type("x", "order.placed"), "data/order_id", "missing"),
    ] {
        let door = door().await;
        let verdicts = door.publish(vec![encoded(&event("before")), bad, encoded(&event("after"))]).await;
        assert_eq!((verdicts[0].as_str(), verdicts[2].as_str()), ("accepted 1", "accepted 2"), "{field}: {rule}");
        assert!(verdicts[1].starts_with(&format!("rejected {field}")), "{verdicts:?} should name {field}");
        assert!(verdicts[1].contains(rule), "{verdicts:?} should say {rule}");
    }
}

#[tokio::test]
async fn a_retry_is_a_duplicate_and_another_body_is_quarantined() {
    let door = door().await;
    let other = changed("a", |event| event.data = Some(Data::TextData(r#"{"room": 4}"#.to_owned())));
    let batch = vec![encoded(&event("a")), encoded(&event("b")), encoded(&event("a")), other];
    let verdicts = door.publish(batch.clone()).await;
    assert_eq!(verdicts[..3], ["accepted 1", "accepted 2", "duplicate 1"]);
    assert!(verdicts[3].starts_with("quarantined 3 id another body"), "{}", verdicts[3]);
    assert!(verdicts[3].contains("at position 1"), "{}", verdicts[3]);
    let again = door.publish(batch).await;
    assert_eq!(again[..3], ["duplicate 1", "duplicate 2", "duplicate 1"]);
    assert_eq!(again[3], verdicts[3], "a conflict stays where it is");
}

#[tokio::test]
async fn a_retry_without_a_time_counts_once_whatever_was_stamped() {
    let door = door().await;
    let timeless = changed("a", |event| drop(event.attributes.remove("time")));
    assert_eq!(door.publish(vec![timeless.clone()]).await, ["accepted 1"]);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(door.publish(vec![timeless]).await, ["duplicate 1"]);
}

#[tokio::test]
async fn an_empty_request_is_answered_with_no_verdicts() {
    assert!(door().await.publish(vec![]).await.is_empty());
}

#[tokio::test]
async fn too_many_events_are_refused_with_the_count_the_limit_and_the_way() {
    let door = door().await;
    let status = refusal(&door, request(vec![encoded(&event("a")); 100_000])).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    for part in ["events", "100000", "1000", "PublishStream"] {
        assert!(status.message().contains(part), "{status}");
    }
    let full: Vec<Bytes> = (0..MAX_EVENTS).map(|id| encoded(&event(&id.to_string()))).collect();
    assert_eq!(door.publish(full).await.last().unwrap(), "accepted 1000");
}

#[tokio::test]
async fn a_tenant_that_is_not_served_is_not_found() {
    let door = door().await;
    for name in ["globex", "No Tenant", "../default"] {
        let status = refusal(&door, PublishRequest { tenant: name.to_owned(), events: vec![] }).await;
        assert_eq!(status.code(), Code::NotFound, "{status}");
        assert!(status.message().contains(name), "{status}");
    }
}

#[tokio::test]
async fn a_log_that_is_away_fails_the_call() {
    let door = door().await;
    door.tenants.close().await;
    let status = refusal(&door, request(vec![encoded(&event("a"))])).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("same ids"), "{status}");
    let only_bad = door.publish(vec![of_type("b", "Bad")]).await;
    assert!(only_bad[0].starts_with("rejected type"), "what needs no log is answered without it: {only_bad:?}");
}

#[tokio::test]
async fn a_call_hears_within_its_deadline_that_the_log_does_not_answer() {
    let door = door().await;
    let full = vec![Bytes::from(vec![0; MAX_EVENT_BYTES]); 256];
    let _all_of_the_room = door.gateway.room.ask_for(&full).await.unwrap();
    let mut call = Request::new(request(vec![encoded(&event("a"))]));
    call.set_timeout(Duration::from_millis(50));
    let status = door.gateway.publish(call).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("45ms"), "{status}");
}

#[tokio::test]
async fn new_types_beyond_the_cap_are_refused_and_known_ones_go_on() {
    let door = door_with(|config| config.limits = Limits { event_types: 2, ..Limits::default() }).await;
    let verdicts =
        door.publish(vec![of_type("1", "a.a"), of_type("2", "b.b"), of_type("3", "c.c"), of_type("4", "a.a")]).await;
    assert_eq!((verdicts[0].as_str(), verdicts[1].as_str()), ("accepted 1", "accepted 2"));
    assert!(verdicts[2].starts_with("rejected type is c.c") && verdicts[2].contains("at most 2"), "{}", verdicts[2]);
    assert_eq!(verdicts[3], "accepted 3");
    let with_schema = changed("5", |event| {
        event.r#type = "page.viewed".to_owned();
        event.data = Some(Data::TextData(r#"{"url": "https://shop.example/"}"#.to_owned()));
    });
    assert_eq!(door.publish(vec![with_schema]).await, ["accepted 4"], "a type with a schema always has a place");
}

#[tokio::test]
async fn new_channels_beyond_the_cap_are_refused() {
    let door = door_with(|config| config.limits = Limits { channels: 1, ..Limits::default() }).await;
    let verdicts = door.publish(vec![in_channel("1", "web"), in_channel("2", "app"), in_channel("3", "web")]).await;
    assert!(verdicts[1].starts_with("rejected channel is app") && verdicts[1].contains("at most 1"), "{verdicts:?}");
    assert_eq!(verdicts[2], "accepted 2");
}

#[tokio::test]
async fn the_cap_counts_what_is_on_the_log_at_start_and_nothing_that_never_came_there() {
    let folder = tempfile::tempdir().unwrap();
    let to_folder = |config: &mut Config| {
        config.log = LogConfig::Embedded { folder: folder.path().to_owned() };
        config.limits = Limits { event_types: 1, ..Limits::default() };
    };
    let closed = door_with(to_folder).await;
    closed.tenants.close().await;
    refusal(&closed, request(vec![of_type("1", "a.a")])).await;
    let status = refusal(&closed, request(vec![of_type("2", "b.b")])).await;
    assert_eq!(status.code(), Code::Unavailable, "the first one's place was given back: {status}");

    let first = door_with(to_folder).await;
    assert_eq!(first.publish(vec![of_type("3", "c.c")]).await, ["accepted 1"]);
    first.tenants.close().await;
    let second = door_with(to_folder).await;
    assert!(second.publish(vec![of_type("4", "d.d")]).await[0].starts_with("rejected type is d.d"));
    assert_eq!(second.publish(vec![of_type("5", "c.c")]).await, ["accepted 2"]);
}

#[tokio::test]
async fn a_tenant_may_refuse_types_without_a_schema() {
    let door = door_with(|config| {
        config.tenants.values_mut().for_each(|tenant| tenant.custom_types = CustomTypes::Refuse);
    })
    .await;
    let verdicts = door.publish(vec![encoded(&event("a"))]).await;
    assert!(verdicts[0].starts_with("rejected type is fitting.booked"), "{verdicts:?}");
}

#[tokio::test]
async fn tenants_share_nothing() {
    let door = door_with(|config| {
        let default = config.tenants.values().next().unwrap().clone();
        config.tenants =
            BTreeMap::from(["acme", "default"].map(|name| (Tenant::parse(name).unwrap(), default.clone())));
    })
    .await;
    for tenant in ["acme", "default", ""] {
        let events = vec![encoded(&event("a"))];
        let response = door.gateway.publish_one(PublishRequest { tenant: tenant.to_owned(), events }).await.unwrap();
        let expected = if tenant.is_empty() { "duplicate 1" } else { "accepted 1" };
        assert_eq!(shown(&response), [expected], "{tenant:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_answered_and_kept_in_its_order() {
    let door = door().await;
    // Every other batch takes the longer way over other threads.
    let sizes: Vec<usize> = (0..40).map(|batch| if batch % 2 == 0 { 200 } else { 1 }).collect();
    let batches: Vec<PublishRequest> = sizes
        .iter()
        .enumerate()
        .map(|(batch, size)| request((0..*size).map(|i| encoded(&event(&format!("{batch}/{i}")))).collect()))
        .collect();
    let answers: Vec<_> =
        responses(door.gateway.clone(), futures::stream::iter(batches.into_iter().map(Ok))).collect().await;
    let verdicts: Vec<String> = answers.iter().flat_map(|answer| shown(answer.as_ref().unwrap())).collect();
    let in_order: Vec<String> =
        (1..=sizes.iter().sum()).map(|position: usize| format!("accepted {position}")).collect();
    assert_eq!(verdicts, in_order);
}

#[tokio::test]
async fn a_stream_ends_with_the_request_that_is_refused_as_a_whole() {
    let door = door().await;
    let requests = [request(vec![encoded(&event("a"))]), request(vec![Bytes::new(); MAX_EVENTS + 1]), request(vec![])];
    let answers: Vec<_> = responses(door.gateway.clone(), futures::stream::iter(requests.map(Ok))).collect().await;
    assert_eq!(answers.len(), 2);
    assert_eq!(shown(answers[0].as_ref().unwrap()), ["accepted 1"]);
    assert_eq!(answers[1].as_ref().unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_stream_that_is_not_read_takes_no_room_from_others() {
    let door = door_with(|config| config.limits.in_flight_bytes = 16 * 1024).await;
    let endless =
        futures::stream::iter((0..).map(|batch| Ok(request(vec![encoded(&event(&format!("s/{batch}"))); 16]))));
    let _not_read = responses(door.gateway.clone(), endless);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let verdicts = door.publish(vec![encoded(&event("other"))]).await;
    assert!(verdicts[0].starts_with("accepted"), "{verdicts:?}");
}

#[tokio::test]
async fn an_open_stream_ends_when_the_service_stops() {
    let door = door().await;
    let mut answers = responses(door.gateway.clone(), futures::stream::pending());
    door.gateway.stopping.cancel();
    assert_eq!(answers.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(answers.next().await.is_none());
}

async fn refusal(door: &Door, request: PublishRequest) -> Status {
    door.gateway.publish_one(request).await.unwrap_err().into()
}
