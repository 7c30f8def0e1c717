//! Reading: from any position, through filters, caught up and then live.

use rapport_log::{Filter, Position, Read, ReadError, TypeFilter};
use rapport_touchpoint::{Channel, Timestamp, Touchpoint};

use super::backend::{Backend, accepted, assert_each_once, ids, next, read_all, take, until_caught_up};
use crate::support::events::{event, event_of, events};

fn filter(types: &[&str], channels: &[&str]) -> Filter {
    Filter {
        types: types.iter().map(|text| TypeFilter::parse(text).unwrap()).collect(),
        channels: channels.iter().map(|text| Channel::parse(text).unwrap()).collect(),
        ..Filter::default()
    }
}

/// Each id says its channel and type.
fn assorted() -> Vec<Touchpoint> {
    let kinds = [
        ("web", "visit.started"),
        ("web", "visit.ended"),
        ("app", "visit.started"),
        ("store", "visit.area.entered"),
        ("web", "visits.counted"),
        ("app", "visit"),
        ("store", "receipt.printed"),
    ];
    kinds.iter().map(|(channel, kind)| event_of(channel, kind, &format!("{channel} {kind}"))).collect()
}

pub async fn an_empty_log_is_caught_up_at_once(backend: Backend) {
    let log = backend.open().await;
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    assert_eq!(next(&mut reader).await, Read::CaughtUp(Position::START));
    let position = accepted(&log, vec![event("first")]).await[0];
    assert_eq!(take(&mut reader, 1).await[0].position, position);
}

pub async fn reads_what_was_appended(backend: Backend) {
    let log = backend.open().await;
    let batch = events("a", 3);
    let positions = accepted(&log, batch.clone()).await;
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    let (records, caught_up) = until_caught_up(&mut reader).await;
    assert_eq!(caught_up, positions[2]);
    for ((record, event), position) in records.iter().zip(&batch).zip(positions) {
        assert_eq!(&record.json[..], event.json());
        assert_eq!(record.position, position);
    }
    assert_eq!(records.len(), 3);
}

pub async fn reads_from_any_position(backend: Backend) {
    let log = backend.open().await;
    let positions = accepted(&log, events("a", 10)).await;
    for (index, position) in positions.iter().enumerate() {
        let mut reader = log.read(*position, Filter::all()).await.unwrap();
        let (records, caught_up) = until_caught_up(&mut reader).await;
        let expected: Vec<String> = (index + 1..10).map(|n| format!("a-{n}")).collect();
        assert_eq!(ids(&records), expected);
        assert_eq!(caught_up, positions[9]);
    }
}

pub async fn records_carry_when_they_were_recorded(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, events("a", 2)).await;
    accepted(&log, events("b", 2)).await;
    let records = read_all(&log, Filter::all()).await;
    assert!(records[0].recorded_at > Timestamp::parse("2020-01-01T00:00:00Z").unwrap());
    assert!(records.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
}

pub async fn filters_by_type(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, assorted()).await;
    let found = read_all(&log, filter(&["visit.started", "receipt.printed"], &[])).await;
    assert_eq!(ids(&found), ["web visit.started", "app visit.started", "store receipt.printed"]);
}

pub async fn filters_by_type_prefix(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, assorted()).await;
    let found = read_all(&log, filter(&["visit.>", "visit.ended"], &[])).await;
    assert_eq!(ids(&found), ["web visit.started", "web visit.ended", "app visit.started", "store visit.area.entered"]);
}

pub async fn filters_by_channel(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, assorted()).await;
    let found = read_all(&log, filter(&[], &["app", "store"])).await;
    assert_eq!(ids(&found), ["app visit.started", "store visit.area.entered", "app visit", "store receipt.printed"]);
}

pub async fn filters_by_both(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, assorted()).await;
    let found = read_all(&log, filter(&["visit.>"], &["app", "store"])).await;
    assert_eq!(ids(&found), ["app visit.started", "store visit.area.entered"]);
}

pub async fn a_filter_that_lets_nothing_through_catches_up(backend: Backend) {
    let log = backend.open().await;
    let positions = accepted(&log, assorted()).await;
    let mut reader = log.read(Position::START, filter(&["never.seen"], &[])).await.unwrap();
    let (records, caught_up) = until_caught_up(&mut reader).await;
    assert_eq!((records.len(), Some(&caught_up)), (0, positions.last()));
}

/// Also for a type that the log has never seen when reading begins.
pub async fn filters_live(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, events("before", 5)).await;
    let mut reader = log.read(Position::START, filter(&["visit.>"], &["web"])).await.unwrap();
    until_caught_up(&mut reader).await;
    accepted(&log, assorted()).await;
    assert_eq!(ids(&take(&mut reader, 2).await), ["web visit.started", "web visit.ended"]);
}

pub async fn catches_up_and_goes_on_live_beside_a_writer(backend: Backend) {
    const BEFORE: usize = 3000;
    const BATCHES: usize = 40;
    let log = backend.open().await;
    let mut expected: Vec<String> = (0..BEFORE).map(|n| format!("before-{n}")).collect();
    accepted(&log, events("before", BEFORE)).await;
    let writer = {
        let log = log.clone();
        tokio::spawn(async move {
            for batch in 0..BATCHES {
                accepted(&log, events(&format!("live-{batch}"), 1 + batch)).await;
            }
        })
    };
    let live = (0..BATCHES).flat_map(|batch| (0..=batch).map(move |n| format!("live-{batch}-{n}")));
    expected.extend(live);
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    let (mut records, caught_up) = until_caught_up(&mut reader).await;
    assert_eq!(records.last().map(|record| record.position), Some(caught_up));
    records.extend(take(&mut reader, expected.len() - records.len()).await);
    writer.await.unwrap();
    assert_eq!(ids(&records), expected);
    assert_each_once(&records, &expected);
}

pub async fn readers_do_not_disturb_each_other(backend: Backend) {
    let log = backend.open().await;
    let positions = accepted(&log, events("a", 2000)).await;
    let mut slow = log.read(Position::START, Filter::all()).await.unwrap();
    take(&mut slow, 1).await;
    let mut behind = log.read(positions[999], Filter::all()).await.unwrap();
    let mut dropped = log.read(Position::START, Filter::all()).await.unwrap();
    take(&mut dropped, 10).await;
    drop(dropped);
    accepted(&log, events("b", 10)).await;
    assert_eq!(take(&mut behind, 1010).await.len(), 1010);
    let rest = take(&mut slow, 2009).await;
    assert_eq!(ids(&rest).last().map(String::as_str), Some("b-9"));
}

/// A checkpoint of another log, or of one that lost its tail, must not wait in silence.
pub async fn a_position_beyond_the_head_is_refused(backend: Backend) {
    let log = backend.open().await;
    let head = accepted(&log, events("a", 2)).await[1];
    let after = Position(head.0 + 1);
    let refused = log.read(after, Filter::all()).await.err();
    assert!(
        matches!(refused, Some(ReadError::BeyondHead { after: found, head: end }) if found == after && end == head),
        "{refused:?}"
    );
}
