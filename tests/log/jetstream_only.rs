//! What only a server can do wrong: limits on the stream, small messages, being away.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType};
use rapport_log::{AppendError, Appended, Filter, OpenError};
use tokio::task::block_in_place;

use super::backend::{Backend, accepted, append_one, assert_each_once, ids, read_all, soon};
use crate::support::events::{event, events, other_body};
use crate::support::nats::NatsServer;

async fn context(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

fn server(backend: &Backend) -> &NatsServer {
    match backend {
        Backend::JetStream(server) => server,
        Backend::Embedded(_) => panic!("not a server"),
    }
}

/// The settings of a stream that Rapport takes.
fn good(tenant: &str) -> Config {
    Config {
        name: format!("touchpoints_{tenant}"),
        subjects: vec![format!("touchpoint.{tenant}.>"), format!("control.{tenant}.>")],
        metadata: HashMap::from([
            ("rapport.epoch".to_owned(), "7b0b5d4e-6a53-4f3e-9d0b-0c5a4f3a8f10".to_owned()),
            ("rapport.key".to_owned(), "5a".repeat(32)),
            ("rapport.tenant".to_owned(), tenant.to_owned()),
        ]),
        ..Config::default()
    }
}

/// A change that makes a stream unfit, and the setting and value that the refusal names. The setting is the tenant, too:
/// a server does not make a stream under a name whose files it is still removing.
type Unfit = (fn(&mut Config), &'static str, &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_could_forget_is_refused_by_the_settings_name() {
    let backend = Backend::jetstream();
    let context = context(server(&backend)).await;
    let unfit: [Unfit; 11] = [
        (|config| config.max_age = Duration::from_secs(3600), "max_age", "3600s"),
        (|config| config.max_bytes = 1 << 20, "max_bytes", "1048576"),
        (|config| config.max_messages = 1000, "max_msgs", "1000"),
        (|config| config.max_messages_per_subject = 1, "max_msgs_per_subject", "1"),
        (|config| config.max_message_size = 65536, "max_msg_size", "65536"),
        (|config| config.retention = RetentionPolicy::WorkQueue, "retention", "WorkQueue"),
        (|config| config.storage = StorageType::Memory, "storage", "Memory"),
        (|config| config.no_ack = true, "no_ack", "true"),
        (|config| config.allow_rollup = true, "allow_rollup_hdrs", "true"),
        (|config| config.allow_message_ttl = true, "allow_msg_ttl", "true"),
        (
            |config| {
                config.subjects.pop();
            },
            "subjects",
            "touchpoint.subjects.>",
        ),
    ];
    for (change, named, value) in unfit {
        let mut config = good(named);
        change(&mut config);
        context.create_stream(config).await.unwrap();
        match backend.try_open(named).await.err() {
            Some(OpenError::Setting { setting, found, .. }) => assert_eq!((setting, found.as_str()), (named, value)),
            other => panic!("{named}: {other:?}"),
        }
    }
    context.create_stream(good("acme")).await.unwrap();
    let log = backend.open().await;
    assert_eq!(log.epoch().key, [0x5a; 32]);
    accepted(&log, events("without-atomic-batches", 10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_rapports_metadata_is_refused() {
    let backend = Backend::jetstream();
    let context = context(server(&backend)).await;
    for (tenant, missing) in [("one", "rapport.epoch"), ("two", "rapport.key"), ("three", "rapport.tenant")] {
        let mut config = good(tenant);
        config.metadata.remove(missing);
        context.create_stream(config).await.unwrap();
        let refused = backend.try_open(tenant).await.err();
        assert!(
            matches!(refused, Some(OpenError::NoMetadata { missing: found, .. }) if found == missing),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_too_large_for_the_server_is_refused_and_the_others_are_taken() {
    let backend = Backend::JetStream(NatsServer::start_with("max_payload: 4096"));
    let log = backend.open().await;
    let large = other_body("large", &"x".repeat(4000));
    let bytes = large.json().len();
    let verdicts = soon(log.append(vec![event("a"), large, event("b")])).await;
    assert!(matches!(verdicts[0], Ok(Appended::Accepted(_))), "{verdicts:?}");
    assert!(
        matches!(verdicts[1], Err(AppendError::TooLarge { bytes: found, limit }) if found == bytes && limit < 4096),
        "{verdicts:?}"
    );
    assert!(matches!(verdicts[2], Ok(Appended::Accepted(_))), "{verdicts:?}");
    assert_eq!(ids(&read_all(&log, Filter::all()).await), ["a", "b"]);
    // The largest that is taken fits with its headers.
    let Err(AppendError::TooLarge { limit, .. }) = verdicts[1] else { panic!() };
    let empty = other_body("c", "").json().len();
    let largest = other_body("c", &"x".repeat(limit - empty));
    assert_eq!(largest.json().len(), limit);
    accepted(&log, vec![largest, event("d")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_said_and_comes_back() {
    let mut backend = Backend::jetstream();
    let log = backend.open().await;
    accepted(&log, events("before", 3)).await;
    let Backend::JetStream(server) = &mut backend else { panic!() };
    block_in_place(|| server.kill());
    for verdict in soon(log.append(events("away", 3))).await {
        assert!(matches!(verdict, Err(AppendError::Unavailable(_))), "{verdict:?}");
    }
    block_in_place(|| server.restart());
    for event in events("away", 3) {
        while soon(log.append(vec![event.clone()])).await[0].is_err() {}
    }
    let expected: Vec<String> =
        ["before", "away"].iter().flat_map(|name| (0..3).map(move |n| format!("{name}-{n}"))).collect();
    assert_each_once(&read_all(&log, Filter::all()).await, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_is_said() {
    let mut backend = Backend::jetstream();
    let Backend::JetStream(server) = &mut backend else { panic!() };
    block_in_place(|| server.kill());
    let refused = soon(backend.try_open("acme")).await.err();
    assert!(matches!(refused, Some(OpenError::Unreachable { .. })), "{refused:?}");
}

/// Another gateway's retry: the first one's memory does not help, the server's does.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_through_another_gateway_is_a_duplicate() {
    let backend = Backend::jetstream();
    let (one, other) = (backend.open().await, backend.open().await);
    let first = accepted(&one, events("a", 3)).await;
    let verdicts = soon(other.append(events("a", 5))).await;
    for (verdict, position) in verdicts.iter().zip(first) {
        assert!(matches!(verdict, Ok(Appended::Duplicate(found)) if *found == position), "{verdicts:?}");
    }
    assert!(verdicts[3..].iter().all(|verdict| matches!(verdict, Ok(Appended::Accepted(_)))), "{verdicts:?}");
    assert_eq!(read_all(&one, Filter::all()).await.len(), 5);
    assert!(matches!(append_one(&one, event("a-4")).await, Appended::Duplicate(_)));
}

/// The server's word on a batch names only its last position.
#[tokio::test(flavor = "multi_thread")]
async fn positions_are_right_when_two_gateways_append_at_once() {
    let backend = Backend::jetstream();
    let (one, other) = (backend.open().await, backend.open().await);
    let appenders = [("one", one.clone()), ("other", other)].map(|(gateway, log)| {
        tokio::spawn(async move {
            let mut told = Vec::new();
            for batch in 0..30 {
                let events = events(&format!("{gateway}-{batch}"), 50);
                let ids: Vec<String> = events.iter().map(|event| event.order.id.clone()).collect();
                told.extend(accepted(&log, events).await.into_iter().zip(ids));
            }
            told
        })
    });
    let mut told = Vec::new();
    for appender in appenders {
        told.extend(appender.await.unwrap());
    }
    told.sort();
    let records = read_all(&one, Filter::all()).await;
    let read: Vec<_> = records.iter().map(|record| record.position).zip(ids(&records)).collect();
    assert_eq!(read, told);
}

/// What makes a synced server fast.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_together_go_as_one_batch() {
    let backend = Backend::jetstream();
    let log = backend.open().await;
    let positions = accepted(&log, events("a", 100)).await;
    let stream = context(server(&backend)).await.get_stream("touchpoints_acme").await.unwrap();
    let mut batches = std::collections::BTreeSet::new();
    for position in positions {
        let message = stream.get_raw_message(position.0).await.unwrap();
        batches.insert(message.headers.get(async_nats::header::NATS_BATCH_ID).map(|id| id.as_str().to_owned()));
    }
    assert_eq!(batches.len(), 1);
    assert!(batches.iter().all(Option::is_some));
}

/// A message that an adapter published without Rapport stands on the log like any other.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_without_a_gateway_is_read_as_it_is() {
    let backend = Backend::jetstream();
    let log = backend.open().await;
    let context = context(server(&backend)).await;
    let sent = context.publish("touchpoint.acme.web.Odd-Type", "no event".into()).await.unwrap();
    let position = sent.await.unwrap().sequence;
    accepted(&log, vec![event("a")]).await;
    let records = read_all(&log, Filter::all()).await;
    assert_eq!((records[0].position.0, &records[0].json[..]), (position, &b"no event"[..]));
    assert_eq!(log.kinds().await.unwrap().len(), 1);
}
