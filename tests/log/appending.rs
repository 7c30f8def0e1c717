//! Verdicts: one per event, in order; what is new, what is a duplicate, what is a conflict.

use futures::future::join_all;
use rapport_log::{Appended, Filter, Position};

use super::backend::{Backend, accepted, append, append_one, assert_rising, ids, read_all, soon};
use crate::support::events::{event, event_of, events, other_body};

pub async fn positions_rise_in_the_order_of_appends(backend: Backend) {
    let log = backend.open().await;
    let mut positions = accepted(&log, events("first", 3)).await;
    positions.extend(accepted(&log, vec![event("one")]).await);
    positions.extend(accepted(&log, events("last", 3)).await);
    assert!(positions[0] > Position::START);
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
}

pub async fn an_empty_append_gets_no_verdicts(backend: Backend) {
    let log = backend.open().await;
    assert!(soon(log.append(vec![])).await.is_empty());
}

pub async fn a_batch_gets_a_verdict_per_event_in_its_order(backend: Backend) {
    let log = backend.open().await;
    let known = accepted(&log, events("known", 2)).await;
    let batch = vec![event("new-0"), event("known-1"), other_body("known-0", "other"), event("new-1")];
    let verdicts = append(&log, batch).await;
    let Appended::Accepted(first_new) = verdicts[0] else { panic!("{verdicts:?}") };
    let Appended::Conflict { position: conflict, first } = verdicts[2] else { panic!("{verdicts:?}") };
    let Appended::Accepted(second_new) = verdicts[3] else { panic!("{verdicts:?}") };
    assert_eq!(verdicts[1], Appended::Duplicate(known[1]));
    assert_eq!(first, known[0]);
    assert!(known[1] < first_new && first_new < conflict && conflict < second_new, "{verdicts:?}");
}

pub async fn an_event_twice_in_a_batch_is_a_duplicate(backend: Backend) {
    let log = backend.open().await;
    let verdicts = append(&log, vec![event("a"), event("b"), event("a")]).await;
    let Appended::Accepted(first) = verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!(verdicts[2], Appended::Duplicate(first));
    assert_eq!(ids(&read_all(&log, Filter::all()).await), ["a", "b"]);
}

pub async fn an_event_in_two_batches_is_a_duplicate(backend: Backend) {
    let log = backend.open().await;
    let first = accepted(&log, events("a", 3)).await;
    let again = append(&log, events("a", 4)).await;
    for (verdict, position) in again.iter().zip(first) {
        assert_eq!(*verdict, Appended::Duplicate(position));
    }
    assert!(matches!(again[3], Appended::Accepted(_)));
    assert_eq!(read_all(&log, Filter::all()).await.len(), 4);
}

pub async fn another_body_is_a_conflict_and_both_are_kept(backend: Backend) {
    let log = backend.open().await;
    let first = accepted(&log, vec![event("a")]).await[0];
    let Appended::Conflict { position, first: stands } = append_one(&log, other_body("a", "other")).await else {
        panic!("no conflict")
    };
    assert_eq!(stands, first);
    let records = read_all(&log, Filter::all()).await;
    assert_eq!(ids(&records), ["a", "a"]);
    assert_eq!((records[0].position, records[1].position), (first, position));
    assert_ne!(records[0].json, records[1].json);
}

pub async fn another_body_in_one_batch_is_a_conflict(backend: Backend) {
    let log = backend.open().await;
    let verdicts = append(&log, vec![event("a"), other_body("a", "other"), event("a")]).await;
    let Appended::Accepted(first) = verdicts[0] else { panic!("{verdicts:?}") };
    assert!(matches!(verdicts[1], Appended::Conflict { first: stands, .. } if stands == first), "{verdicts:?}");
    assert_eq!(verdicts[2], Appended::Duplicate(first));
}

pub async fn a_conflict_told_again_is_the_same_conflict(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, vec![event("a")]).await;
    let conflict = append_one(&log, other_body("a", "other")).await;
    assert_eq!(append_one(&log, other_body("a", "other")).await, conflict);
    assert_eq!(read_all(&log, Filter::all()).await.len(), 2);
}

/// More than the server takes in one atomic batch, and than one job holds.
pub async fn many_events_in_one_append(backend: Backend) {
    let log = backend.open().await;
    let positions = accepted(&log, events("many", 2500)).await;
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    let records = read_all(&log, Filter::all()).await;
    let expected: Vec<String> = (0..2500).map(|n| format!("many-{n}")).collect();
    assert_eq!(ids(&records), expected);
    let read: Vec<Position> = records.iter().map(|record| record.position).collect();
    assert_eq!(read, positions);
}

/// Each as many as one group takes, so that the next one is sent while the one before is stored. The third repeats an event
/// of the second, and tells another body under the name of another.
pub async fn full_appends_that_wait_together_keep_their_order_and_know_each_other(backend: Backend) {
    let log = backend.open().await;
    let mut third = events("third", 998);
    third.insert(500, event("second-7"));
    third.push(other_body("second-8", "other"));
    let batches = [events("first", 1_000), events("second", 1_000), third, events("fourth", 1_000)];
    let told = soon(join_all(batches.map(|batch| log.append(batch)))).await;
    let [first, second, mut third, fourth]: [Vec<_>; 4] = told
        .into_iter()
        .map(|told| told.into_iter().map(Result::unwrap).collect::<Vec<_>>())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(third.remove(500), Appended::Duplicate(accepted_at(&second[7])));
    let Some(Appended::Conflict { position: conflict, first: stands }) = third.pop() else { panic!("no conflict") };
    assert_eq!(stands, accepted_at(&second[8]));
    let appended: Vec<Position> = [first, second, third].concat().iter().map(accepted_at).collect();
    let appended = [appended, vec![conflict], fourth.iter().map(accepted_at).collect()].concat();
    assert!(appended.windows(2).all(|pair| pair[0] < pair[1]), "{appended:?}");
    let records = read_all(&log, Filter::all()).await;
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), appended);
}

fn accepted_at(appended: &Appended) -> Position {
    match appended {
        Appended::Accepted(position) => *position,
        other => panic!("{other:?}"),
    }
}

pub async fn many_appenders_at_once(backend: Backend) {
    let log = backend.open().await;
    let appenders: Vec<_> = (0..8)
        .map(|appender| {
            let log = log.clone();
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for n in 0..20 {
                    let batch = events(&format!("appender-{appender}-{n}"), 1 + n);
                    positions.push((batch.last().unwrap().order.id.clone(), accepted(&log, batch).await));
                }
                positions
            })
        })
        .collect();
    let mut expected = Vec::new();
    for appender in appenders {
        for (last_id, positions) in appender.await.unwrap() {
            assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
            expected.push((*positions.last().unwrap(), last_id));
        }
    }
    let records = read_all(&log, Filter::all()).await;
    assert_eq!(records.len(), 8 * 210);
    assert_rising(&records);
    for (position, id) in expected {
        let record = records.iter().find(|record| record.position == position).unwrap();
        assert_eq!(super::backend::id(record), id);
    }
}

pub async fn one_event_from_many_appenders_counts_once(backend: Backend) {
    let log = backend.open().await;
    let appenders: Vec<_> = (0..16)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move { append_one(&log, event_of("web", "order.seen", "same")).await })
        })
        .collect();
    let mut verdicts = Vec::new();
    for appender in appenders {
        verdicts.push(appender.await.unwrap());
    }
    let first = verdicts[0].position();
    let new = verdicts.iter().filter(|verdict| **verdict == Appended::Accepted(first)).count();
    let known = verdicts.iter().filter(|verdict| **verdict == Appended::Duplicate(first)).count();
    assert_eq!((new, known), (1, 15), "{verdicts:?}");
    assert_eq!(read_all(&log, Filter::all()).await.len(), 1);
}
