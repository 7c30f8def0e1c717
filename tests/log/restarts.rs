//! A server that is killed and restarted under readers and writers: what was accepted is read exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use rapport_log::{Appended, Filter, Log, Position, Read, ReadError};
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::backend::{Backend, accepted, assert_each_once, next, read_all, soon, take};
use crate::support::events::events;

const WRITERS: usize = 3;
const RESTARTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_event_is_read_exactly_once() {
    let mut backend = Backend::jetstream();
    let log = backend.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(log.clone(), writer, stop.clone()))).collect();
    let reading = tokio::spawn(async move {
        let mut records = Vec::new();
        loop {
            match next(&mut reader).await {
                Read::Record(record) if super::backend::id(&record) == "end-0" => return records,
                Read::Record(record) => records.push(record),
                Read::CaughtUp(_) => {}
            }
        }
    });
    let Backend::JetStream(server) = &mut backend else { panic!() };
    for _ in 0..RESTARTS {
        sleep(Duration::from_millis(400)).await;
        block_in_place(|| server.restart());
    }
    sleep(Duration::from_millis(400)).await;
    stop.store(true, Ordering::Relaxed);
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    append_until_accepted(&log, "end", 1).await;
    assert_each_once(&soon(reading).await.unwrap(), &written);
}

/// One full batch is on its way when the server stands still, the next is sent ahead, and the others wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_ahead_to_a_server_that_dies_counts_once_and_in_its_order() {
    let mut backend = Backend::jetstream();
    let log = backend.open().await;
    let Backend::JetStream(server) = &mut backend else { panic!() };
    server.freeze();
    let mut appending = join_all((0..4).map(|n| log.append(events(&n.to_string(), 1_000))));
    assert!(futures::poll!(&mut appending).is_pending());
    sleep(Duration::from_millis(500)).await;
    block_in_place(|| server.restart());
    let told = soon(appending).await;
    for n in 0..4 {
        append_until_accepted(&log, &n.to_string(), 1_000).await;
    }
    let records = read_all(&log, Filter::all()).await;
    let expected: Vec<String> = (0..4).flat_map(|n| (0..1_000).map(move |index| format!("{n}-{index}"))).collect();
    assert_each_once(&records, &expected);
    let accepted = told.iter().flatten().flatten().map(|appended| match appended {
        Appended::Accepted(position) => *position,
        other => panic!("{other:?}"),
    });
    assert!(accepted.is_sorted(), "those that did get their word stand in their order");
}

async fn write(log: Log, writer: usize, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut written = Vec::new();
    for batch in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let count = 1 + batch % 40;
        let prefix = format!("writer-{writer}-{batch}");
        append_until_accepted(&log, &prefix, count).await;
        written.extend((0..count).map(|n| format!("{prefix}-{n}")));
    }
    written
}

/// As a good adapter does: under the same ids until there is a verdict.
async fn append_until_accepted(log: &Log, prefix: &str, count: usize) {
    let mut missing = events(prefix, count);
    while !missing.is_empty() {
        let verdicts = soon(log.append(missing.clone())).await;
        let mut verdicts = verdicts.into_iter();
        missing.retain(|_| verdicts.next().is_some_and(|verdict| verdict.is_err()));
        if !missing.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_whose_consumer_is_deleted_goes_on() {
    let backend = Backend::jetstream();
    let log = backend.open().await;
    accepted(&log, events("a", 10)).await;
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    take(&mut reader, 10).await;
    let stream = stream(&backend).await;
    let mut names = stream.consumer_names();
    while let Some(name) = names.try_next().await.unwrap() {
        stream.delete_consumer(&name).await.unwrap();
    }
    accepted(&log, events("b", 10)).await;
    let ids = super::backend::ids(&take(&mut reader, 10).await);
    assert_eq!((ids[0].as_str(), ids[9].as_str()), ("b-0", "b-9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_a_log_that_was_made_anew_stops() {
    let mut backend = Backend::jetstream();
    let log = backend.open().await;
    accepted(&log, events("a", 10)).await;
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    take(&mut reader, 10).await;
    let client = async_nats::connect(url(&backend)).await.unwrap();
    async_nats::jetstream::new(client).delete_stream("touchpoints_acme").await.unwrap();
    // The server removes the old stream's files a moment after it says so, and refuses the name until then.
    let other = soon(async {
        loop {
            match backend.try_open("acme").await {
                Ok(log) => return log,
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    assert_ne!(other.epoch(), log.epoch());
    let Backend::JetStream(server) = &mut backend else { panic!() };
    block_in_place(|| server.restart());
    let end = loop {
        match soon(reader.next()).await.unwrap() {
            Ok(Read::CaughtUp(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Err(ReadError::Replaced { .. })), "{end:?}");
    assert!(soon(reader.next()).await.is_none());
}

/// It had read further than the log goes, and must not take what comes later for what comes next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_a_log_that_lost_its_tail_and_grew_another_stops() {
    let mut backend = Backend::jetstream();
    let log = backend.open().await;
    let Backend::JetStream(server) = &mut backend else { panic!() };
    let empty = block_in_place(|| server.back_up());
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    append_until_accepted(&log, "a", 10).await;
    take(&mut reader, 10).await;
    block_in_place(|| server.restore(empty.path()));
    append_until_accepted(&log, "b", 20).await;
    let end = loop {
        match soon(reader.next()).await.unwrap() {
            Ok(Read::CaughtUp(_)) => {}
            end => break end,
        }
    };
    // On a slow machine it finds the log too short for long enough.
    assert!(matches!(end, Err(ReadError::Changed { .. } | ReadError::BeyondHead { .. })), "{end:?}");
}

fn url(backend: &Backend) -> String {
    match backend {
        Backend::JetStream(server) => server.url(),
        Backend::Embedded(_) => panic!("not a server"),
    }
}

async fn stream(backend: &Backend) -> async_nats::jetstream::stream::Stream {
    let client = async_nats::connect(url(backend)).await.unwrap();
    async_nats::jetstream::new(client).get_stream("touchpoints_acme").await.unwrap()
}
