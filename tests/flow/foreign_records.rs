//! Given records that came to the log without a gateway: those that are no good are parked with the reason, and what comes
//! after them counts.

use async_nats::jetstream;
use rapport::wire::v1::{ReplayRequest, StatusResponse};
use serde_json::{Value, json};

use crate::support::client::ids;
use crate::support::happened::{Happened, happened, ordered, viewed};
use crate::support::server::{Kept, Server};

/// What a stranger writes, and the reason why it is parked.
fn foreign() -> Vec<(Vec<u8>, &'static str)> {
    let json = |event: Happened| event.into_json().to_string().into_bytes();
    vec![
        (b"this is no JSON".to_vec(), "event: is not JSON in UTF-8"),
        (b"{\"id\": \"\xff\"}".to_vec(), "event: is not JSON in UTF-8"),
        (Vec::new(), "event: is not JSON in UTF-8"),
        (b"[1, 2]".to_vec(), "event: must be a JSON object"),
        (json(ordered("bad-schema", "12,50 EUR")), "data/amount: "),
        (json(happened("customer.merged", "merge")), "type: is customer.merged, a decision"),
        (
            json(viewed("late").but("time", json!("9999-01-01T00:00:00Z"))),
            "time: is \"9999-01-01T00:00:00Z\", which lies outside",
        ),
        (json(viewed("unnamed").but("source", Value::Null)), "source: is missing"),
    ]
}

/// All of them are listed, the newest first, and nothing else.
#[track_caller]
fn assert_parked(status: &StatusResponse) {
    let reasons: Vec<&str> = foreign().into_iter().rev().map(|(_, reason)| reason).collect();
    assert_eq!(status.parked, reasons.len() as u64);
    assert_eq!(status.newest_parked.len(), reasons.len());
    for (parked, reason) in status.newest_parked.iter().zip(&reasons) {
        assert!(parked.reason.starts_with(reason), "{parked:?} and not {reason}");
    }
    let named = status.newest_parked.iter().find(|parked| parked.id == "bad-schema").unwrap();
    assert_eq!((named.source.as_str(), named.r#type.as_str()), ("shop", "order.placed"));
    assert_eq!((status.fault.as_str(), status.lag), ("", 0));
}

/// The good ones on either side count, and a rebuild comes to the same answer.
async fn assert_goes_on(server: &Server) {
    server.accepted([ordered("after", "1.00 EUR").by("user_id:42")]).await;
    assert_parked(&server.status().await);
    assert_eq!(server.customer("user_id:42").await.unwrap().touchpoints, 3);
    let digest = server.digest().await;
    assert_eq!(server.rebuild().await.last().unwrap().digest, digest);
    assert_parked(&server.status().await);
    let replayed = server.replay(ReplayRequest { from: Some(prost_types::Timestamp::default()), ..Default::default() });
    let good = ["before", "bad-schema", "merge", "unnamed", "stranger's", "after"];
    assert_eq!(ids(&replayed.await.unwrap()), good, "a replay gives every event that says when it happened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_straight_to_the_stream() {
    let server = Server::jetstream().await;
    server.accepted([ordered("before", "1.00 EUR").by("user_id:42")]).await;
    let stream = jetstream::new(async_nats::connect(server.nats().url()).await.unwrap());
    let publish = async |payload: Vec<u8>| {
        stream.publish("touchpoint.default.web.page.viewed", payload.into()).await.unwrap().await.unwrap();
    };
    for (payload, _) in foreign() {
        publish(payload).await;
    }
    // One that is good needs no gateway: it was only never checked.
    publish(viewed("stranger's").by("user_id:42").into_json().to_string().into_bytes()).await;
    assert_goes_on(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn written_into_the_file_while_the_server_was_down() {
    let server = Server::embedded().await;
    server.accepted([ordered("before", "1.00 EUR").by("user_id:42")]).await;
    let kept = server.stop().await;
    for (json, _) in foreign() {
        insert(&kept, &json);
    }
    insert(&kept, viewed("stranger's").by("user_id:42").into_json().to_string().as_bytes());
    assert_goes_on(&kept.serve().await).await;
}

/// Behind the last record, recorded at the same time and of the same kind.
fn insert(kept: &Kept, json: &[u8]) {
    let file = rusqlite::Connection::open(kept.tenant().join("log.db")).unwrap();
    let copied = file.execute(
        "INSERT INTO records (position, recorded_at, kind, json)
         SELECT position + 1, recorded_at, kind, ?1 FROM records ORDER BY position DESC LIMIT 1",
        [json],
    );
    assert_eq!(copied.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_subject_of_decisions_only_good_decisions_are_taken() {
    let server = Server::jetstream().await;
    let stream = jetstream::new(async_nats::connect(server.nats().url()).await.unwrap());
    let publish = async |event: Happened| {
        let payload = event.into_json().to_string();
        stream.publish("control.default.customer.merged", payload.into()).await.unwrap().await.unwrap();
    };
    let sides = |decision: Happened| {
        let data = json!({"left": ["user_id:1"], "right": ["user_id:2"], "reason": "she said so", "by": "ops"});
        decision.but("data", data)
    };
    publish(sides(happened("customer.merged", "good"))).await;
    publish(happened("customer.merged", "one-sided")).await;
    publish(sides(happened("customer.erased", "erased"))).await;
    publish(viewed("lost").by("user_id:42")).await;
    server.accepted([viewed("after").by("user_id:42")]).await;
    let status = server.status().await;
    assert_eq!((status.parked, status.touchpoints, status.lag), (3, 1, 0));
    let parked: Vec<(&str, &str)> =
        status.newest_parked.iter().map(|parked| (parked.id.as_str(), parked.reason.as_str())).collect();
    let expected = [
        ("lost", "type: is page.viewed, which is no decision"),
        ("erased", "type: is customer.erased, a decision that this version does not support"),
        ("one-sided", "data: missing field `left`"),
    ];
    for ((id, reason), (expected_id, expected)) in parked.into_iter().zip(expected) {
        assert!(id == expected_id && reason.starts_with(expected), "{id}: {reason}");
    }
}
