//! What is on the log and does not count: listed, discarded for ever, or let in by better code and definitions.

use std::sync::Arc;

use async_nats::jetstream;
use rapport::config::Config;
use rapport::wire::v1::ListParkedRequest;
use rapport::wire::v1::get_parked_response::Record;
use rapport_touchpoint::{Catalogue, Choice, Decision, Discarded, Order, RecordHash, SchemaFile, Timestamp};
use serde_json::{Value, json};
use tonic::Code;

use crate::support::client::position;
use crate::support::happened::{Happened, happened, ordered, viewed};
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

/// Another body under the id of an order; where it stands.
async fn given_a_conflict(server: &Server, id: &str) -> u64 {
    server.accepted([ordered(id, "1.00 EUR").by("user_id:42")]).await;
    position(&server.publish([ordered(id, "9.99 EUR").by("user_id:42")]).await[0]).unwrap()
}

/// A page of so many, from a token on; of those that wait or that are discarded.
fn page(discarded: bool, page_size: u32, token: &str) -> ListParkedRequest {
    ListParkedRequest { discarded, page_size, page_token: token.to_owned(), ..ListParkedRequest::default() }
}

async fn positions(server: &Server, discarded: bool) -> Vec<u64> {
    let listed = server.parked(page(discarded, 500, "")).await.unwrap();
    listed.events.iter().map(|event| event.position).collect()
}

pub async fn what_is_parked_is_listed_with_its_record_and_stops_nobody(server: Server) {
    let parked = given_a_conflict(&server, "o-1").await;
    server.accepted([ordered("o-2", "1.00 EUR").by("user_id:42")]).await;
    assert_eq!(
        server.customer("user_id:42").await.unwrap().touchpoints,
        2,
        "both that are good, around the parked one"
    );

    let listed = server.parked(page(false, 0, "")).await.unwrap();
    let [event] = &listed.events[..] else { panic!("{listed:?}") };
    assert_eq!((event.position, event.source.as_str(), event.id.as_str()), (parked, "shop", "o-1"));
    assert!(event.reason.starts_with("id: another body stands") && event.discarded.is_none(), "{event:?}");
    assert_eq!(listed.next_page_token, "");

    let shown = server.parked_at(parked).await.unwrap();
    let Some(Record::Text(text)) = shown.record else { panic!("{shown:?}") };
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["data"]["amount"], "9.99");
    assert_eq!(shown.event.unwrap().record, RecordHash::of(text.as_bytes()).to_string());
}

pub async fn what_is_parked_comes_in_pages_the_newest_first(server: Server) {
    let mut parked = Vec::new();
    for n in 0..7 {
        parked.push(given_a_conflict(&server, &format!("o-{n}")).await);
    }
    parked.reverse();
    let (mut found, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let listed = server.parked(page(false, 3, &token)).await.unwrap();
        sizes.push(listed.events.len());
        found.extend(listed.events.iter().map(|event| event.position));
        if listed.next_page_token.is_empty() {
            break;
        }
        token = listed.next_page_token;
    }
    assert_eq!((found, sizes), (parked, vec![3, 3, 1]));

    for (wrong, field) in [
        (page(true, 3, &token), "page_token: "),
        (page(false, 3, "zz"), "page_token: "),
        (page(false, 501, ""), "page_size: "),
    ] {
        let status = server.parked(wrong).await.unwrap_err();
        assert!(status.code() == Code::InvalidArgument && status.message().starts_with(field), "{status}");
    }
}

pub async fn a_discarded_event_stays_out_through_restarts_and_rebuilds(server: Server) {
    let discarded = given_a_conflict(&server, "o-1").await;
    let waiting = given_a_conflict(&server, "o-2").await;
    let before = server.settled().await;
    assert_eq!((before.parked, before.discarded), (2, 0));

    let event = server.discard(discarded, "a test till").await.unwrap().event.unwrap();
    let discard = event.discarded.unwrap();
    assert_eq!((event.position, discard.by.as_str(), discard.reason.as_str()), (discarded, "ops", "a test till"));
    assert!(discard.position > waiting && discard.time.is_some(), "{discard:?}");
    assert_discarded(&server, discarded, waiting, &before.digest).await;

    let server = server.stop().await.serve().await;
    assert_discarded(&server, discarded, waiting, &before.digest).await;
    assert_eq!(server.rebuild().await.last().unwrap().digest, before.digest);
    assert_discarded(&server, discarded, waiting, &before.digest).await;
    assert!(server.verify().await.unwrap().equal);
}

async fn assert_discarded(server: &Server, discarded: u64, waiting: u64, digest: &str) {
    let status = server.settled().await;
    assert_eq!((status.parked, status.discarded, status.digest.as_str()), (1, 1, digest));
    assert_eq!(status.newest_parked.iter().map(|event| event.position).collect::<Vec<_>>(), [waiting]);
    assert_eq!((positions(server, false).await, positions(server, true).await), (vec![waiting], vec![discarded]));
}

pub async fn what_cannot_be_discarded_is_told_why(server: Server) {
    let parked = given_a_conflict(&server, "o-1").await;
    let refused = async |position: u64, reason: &str| {
        let status = server.discard(position, reason).await.unwrap_err();
        (status.code(), status.message().to_owned())
    };
    let (code, told) = refused(parked - 1, "it counts").await;
    assert!(
        code == Code::NotFound && told.starts_with(&format!("position: nothing is parked at {}", parked - 1)),
        "{told}"
    );
    assert_eq!(refused(u64::MAX, "nowhere").await.0, Code::NotFound);
    let (code, told) = refused(parked, "").await;
    assert!(code == Code::InvalidArgument && told.starts_with("reason: is \"\"; must be 1 to 1024 bytes"), "{told}");
    let (code, told) = refused(parked, &"x".repeat(1025)).await;
    assert!(code == Code::InvalidArgument && told.starts_with("reason: "), "{told}");
    assert_eq!(server.status().await.discarded, 0, "nothing of this came to the log");

    server.discard(parked, "a test till").await.unwrap();
    let (code, told) = refused(parked, "again").await;
    assert!(code == Code::FailedPrecondition && told.contains("discarded already, by ops: a test till"), "{told}");
    assert_eq!(server.retry(parked).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(server.retry(parked - 1).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(server.parked_at(parked - 1).await.unwrap_err().code(), Code::NotFound);
}

/// The tenant's own type `fitting.booked`, whose slot is one of these.
fn fittings(slots: Value) -> impl FnOnce(&mut Config) {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": { "slot": { "enum": slots } },
        "examples": [{ "slot": "early" }],
    });
    let file = SchemaFile { path: "fitting.booked/1.json".to_owned(), text: schema.to_string() };
    let catalogue = Arc::new(Catalogue::with_custom(&[file]).unwrap());
    move |config| config.tenants.values_mut().for_each(|tenant| tenant.catalogue = catalogue.clone())
}

fn booked(id: &str, slot: &str) -> Happened {
    happened("fitting.booked", id).with(json!({ "slot": slot })).by("user_id:42")
}

/// Booked while anything went, then served under a schema that knows early slots only; where the late one stands.
async fn given_a_late_booking(server: Server) -> (Server, u64) {
    server.accepted([viewed("v-1").by("user_id:42")]).await;
    let late = server.accepted([booked("late", "late")]).await[0];
    server.accepted([booked("early", "early")]).await;
    let server = server.stop().await.serve_with(fittings(json!(["early"]))).await;
    let status = server.settled().await;
    assert_eq!((status.touchpoints, status.parked), (2, 1));
    (server, late)
}

/// What is known where these events, and no others, were good from the start.
async fn known_of(events: impl IntoIterator<Item = Happened>) -> String {
    let server = Kept::embedded().serve_with(fittings(json!(["early", "late"]))).await;
    server.accepted(events).await;
    server.digest().await
}

pub async fn better_definitions_let_in_what_was_parked(server: Server) {
    let (server, _) = given_a_late_booking(server).await;
    let server = server.stop().await.serve_with(fittings(json!(["early", "late"]))).await;
    let status = server.settled().await;
    assert_eq!((status.touchpoints, status.parked), (3, 0));
    let good = [viewed("v-1").by("user_id:42"), booked("late", "late"), booked("early", "early")];
    assert_eq!(status.digest, known_of(good).await);
}

pub async fn a_discarded_event_stays_out_where_it_could_be_read(server: Server) {
    let (server, late) = given_a_late_booking(server).await;
    server.discard(late, "the salon was closed").await.unwrap();
    let server = server.stop().await.serve_with(fittings(json!(["early", "late"]))).await;
    let status = server.settled().await;
    assert_eq!((status.touchpoints, status.parked, status.discarded), (2, 0, 1));
    let reason = server.parked_at(late).await.unwrap().event.unwrap().reason;
    assert!(reason.contains("stays out although it can be read"), "{reason}");
    let good = [viewed("v-1").by("user_id:42"), booked("early", "early")];
    assert_eq!(status.digest, known_of(good).await);
    assert!(server.verify().await.unwrap().equal);
}

pub async fn what_nothing_can_let_in_stays_parked_after_a_retry(server: Server) {
    let parked = given_a_conflict(&server, "o-1").await;
    given_a_conflict(&server, "o-2").await;
    for (position, checked) in [(0, 2), (parked, 1)] {
        let retried = server.retry(position).await.unwrap();
        assert_eq!((retried.checked, retried.let_in, retried.parked.len()), (checked, 0, checked as usize));
        assert!(retried.rebuild.is_none() && retried.parked[0].reason.starts_with("id: another body"), "{retried:?}");
    }
    assert_eq!(server.status().await.generation, 1, "nothing was folded anew");
}

/// As after an update: the file says parked, and the program reads the record well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_lets_in_what_an_older_version_could_not_read() {
    let server = Server::embedded().await;
    server.accepted([viewed("v-1").by("user_id:42")]).await;
    // So that the fence stands on the records before and after, and not on the one that is changed.
    server.settled().await;
    let second = given_a_conflict(&server, "o-1").await;
    server.accepted([viewed("v-2").by("user_id:42")]).await;
    server.settled().await;
    let kept = server.stop().await;
    let better = ordered("o-2", "5.00 EUR").by("user_id:42").into_json().to_string();
    let log = rusqlite::Connection::open(kept.tenant().join("log.db")).unwrap();
    log.execute("UPDATE records SET json = ?1 WHERE position = ?2", (better.as_bytes(), second)).unwrap();
    let model = rusqlite::Connection::open(kept.tenant().join("readmodel/000001.db")).unwrap();
    model.execute("UPDATE parked SET record = ?1", [RecordHash::of(better.as_bytes()).0]).unwrap();
    drop((log, model));

    let server = kept.serve().await;
    assert_eq!((server.status().await.parked, server.totals().await.orders), (1, 1));
    let retried = server.retry(0).await.unwrap();
    assert_eq!((retried.checked, retried.let_in), (1, 1));
    let rebuilt = retried.rebuild.unwrap();
    assert!(rebuilt.done && rebuilt.generation == 2, "{rebuilt:?}");
    let status = server.settled().await;
    assert_eq!((status.parked, status.touchpoints, &status.digest), (0, 4, &rebuilt.digest));
    assert_eq!(server.totals().await.orders, 2);
    assert!(server.verify().await.unwrap().equal);
}

/// Whoever parked it had other definitions: here it counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discard_of_what_counts_here_folds_the_read_model_anew() {
    let server = Server::jetstream().await;
    server.accepted([viewed("v-1").by("user_id:42"), viewed("v-2").by("user_id:42")]).await;
    let stream = jetstream::new(async_nats::connect(server.nats().url()).await.unwrap());
    let log = stream.get_stream("touchpoints_default").await.unwrap();
    let record = RecordHash::of(&log.get_raw_message(2).await.unwrap().payload);
    let (reason, by) = ("a test".to_owned(), "ops".to_owned());
    let discarded = Discarded { record, source: None, id: None, reason, by };
    let time = Timestamp::parse("2024-03-02T00:00:00Z").unwrap();
    let order = Order { time, sequence: None, source: "elsewhere".to_owned(), id: "d-1".to_owned() };
    let decision = Decision::new(order, Choice::Discarded(discarded)).unwrap().into_json();
    stream.publish("control.default.parked.discarded", decision.into()).await.unwrap().await.unwrap();

    let status = soon(async {
        loop {
            let status = server.settled().await;
            if status.generation == 2 {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!((status.touchpoints, status.parked, status.discarded), (1, 0, 1));
    assert_eq!(status.digest, known_of([viewed("v-1").by("user_id:42")]).await);
    assert!(server.verify().await.unwrap().equal);
    server.accepted([viewed("v-3").by("user_id:42")]).await;
    assert_eq!(server.settled().await.generation, 2, "it was foreseen this time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discard_reaches_every_service() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    gateway.accepted([ordered("o-1", "1.00 EUR").by("user_id:42")]).await;
    let parked = position(&gateway.publish([ordered("o-1", "9.99 EUR").by("user_id:42")]).await[0]).unwrap();
    let profile = kept.part("projector", Some("profile")).await;
    let journey = kept.part("projector", Some("journey")).await;
    let discard = profile.discard(parked, "a test till").await.unwrap().event.unwrap().discarded.unwrap();
    for part in [&profile, &journey] {
        let status = part.status_at(discard.position).await;
        assert_eq!((status.touchpoints, status.parked, status.discarded), (1, 0, 1));
        let listed = part.parked(page(true, 0, "")).await.unwrap();
        assert_eq!(listed.events[0].discarded.as_ref(), Some(&discard));
        assert!(part.verify().await.unwrap().equal);
    }
}
