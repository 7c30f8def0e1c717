//! A log's life: its head, its epoch, its kinds, and what survives when it is closed and opened again.

use rapport_log::{AppendError, Appended, Away, Filter, OpenError, Position, Read};

use super::backend::{Backend, accepted, append, append_one, ids, read_all, soon, until_caught_up};
use crate::support::events::{event, event_of, events, other_body};

pub async fn the_head_of_an_empty_log_is_the_start(backend: Backend) {
    let log = backend.open().await;
    assert_eq!(log.head().await.unwrap(), Position::START);
}

pub async fn the_head_is_the_last_record(backend: Backend) {
    let log = backend.open().await;
    for batch in 0..3 {
        let positions = accepted(&log, events(&format!("a-{batch}"), 5)).await;
        assert_eq!(Some(&log.head().await.unwrap()), positions.last());
    }
}

pub async fn the_epoch_is_stable(mut backend: Backend) {
    let log = backend.open().await;
    let epoch = log.epoch().clone();
    let log = backend.reopen(log).await;
    assert_eq!(log.epoch(), &epoch);
}

pub async fn each_tenant_has_an_epoch_and_a_log_of_its_own(backend: Backend) {
    let (acme, other) = (backend.open_for("acme").await, backend.open_for("acme_2").await);
    assert_ne!(acme.epoch().id, other.epoch().id);
    assert_ne!(acme.epoch().key, other.epoch().key);
    accepted(&acme, vec![event("a")]).await;
    assert!(read_all(&other, Filter::all()).await.is_empty());
    assert!(other.kinds().await.unwrap().is_empty());
}

pub async fn kinds_are_the_distinct_pairs(mut backend: Backend) {
    let log = backend.open().await;
    assert!(log.kinds().await.unwrap().is_empty());
    let batch = [("web", "visit.started", "1"), ("web", "visit.started", "2"), ("app", "visit.started", "3")];
    accepted(&log, batch.map(|(channel, kind, id)| event_of(channel, kind, id)).into()).await;
    accepted(&log, vec![event("4")]).await;
    let expected = ["app visit.started", "web page.viewed", "web visit.started"];
    let shown = |kinds: std::collections::BTreeSet<_>| -> Vec<String> {
        kinds.into_iter().map(|(channel, kind)| format!("{channel} {kind}")).collect()
    };
    assert_eq!(shown(log.kinds().await.unwrap()), expected);
    let log = backend.reopen(log).await;
    assert_eq!(shown(log.kinds().await.unwrap()), expected);
}

pub async fn everything_survives_a_restart(mut backend: Backend) {
    let log = backend.open().await;
    accepted(&log, events("a", 1500)).await;
    let before = read_all(&log, Filter::all()).await;
    let log = backend.reopen(log).await;
    assert_eq!(read_all(&log, Filter::all()).await, before);
    let next = accepted(&log, vec![event("next")]).await[0];
    assert!(before.iter().all(|record| record.position < next));
    assert_eq!(log.head().await.unwrap(), next);
}

pub async fn duplicates_are_told_after_a_restart(mut backend: Backend) {
    let log = backend.open().await;
    let first = accepted(&log, events("a", 3)).await;
    let Appended::Conflict { position: conflict, .. } = append_one(&log, other_body("a-0", "other")).await else {
        panic!("no conflict")
    };
    let log = backend.reopen(log).await;
    let again = append(&log, vec![event("a-0"), event("new"), event("a-2"), other_body("a-0", "other")]).await;
    assert_eq!(again[0], Appended::Duplicate(first[0]));
    assert!(matches!(again[1], Appended::Accepted(_)));
    assert_eq!(again[2], Appended::Duplicate(first[2]));
    assert_eq!(again[3], Appended::Conflict { position: conflict, first: first[0] });
    assert_eq!(ids(&read_all(&log, Filter::all()).await), ["a-0", "a-1", "a-2", "a-0", "new"]);
}

/// On a server both may write it; a file has one writer.
pub async fn two_who_open_a_new_log_agree_or_one_is_refused(backend: Backend) {
    let (one, other) = tokio::join!(backend.try_open("acme"), backend.try_open("acme"));
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.epoch(), other.epoch());
            accepted(&one, vec![event("a")]).await;
            assert_eq!(ids(&read_all(&other, Filter::all()).await), ["a"]);
        }
        (Ok(_), Err(OpenError::Locked { .. })) | (Err(OpenError::Locked { .. }), Ok(_)) => {}
        (one, other) => panic!("{:?} {:?}", one.err(), other.err()),
    }
}

pub async fn a_closed_log_takes_nothing_and_ends_its_readers(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, vec![event("a")]).await;
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    until_caught_up(&mut reader).await;
    log.clone().close().await;
    let refused = log.append(vec![event("b")]).await;
    assert!(matches!(refused[..], [Err(AppendError::Unavailable(Away::Closed))]), "{refused:?}");
    let end: Option<Result<Read, _>> = soon(reader.next()).await;
    assert!(end.is_none());
}
