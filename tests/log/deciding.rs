//! Decisions: appended by the admin services, in a place of their own.

use rapport_log::{Appended, Filter, Log, TypeFilter};
use rapport_touchpoint::{Choice, Decision, Discarded, Order, Place, RecordHash, Timestamp};

use super::backend::{Backend, accepted, ids, read_all, soon};
use crate::support::events::event;

fn decision(id: &str) -> Decision {
    let time = Timestamp::parse("2026-11-21T10:00:00Z").unwrap();
    let order = Order { time, sequence: None, source: "rapport/admin".to_owned(), id: id.to_owned() };
    let (source, reason, by) = (Some("shop".to_owned()), "a broken till".to_owned(), "ops".to_owned());
    let record = RecordHash::of(b"no JSON");
    let discarded = Discarded { record, source, id: None, reason, by };
    Decision::new(order, Choice::Discarded(discarded)).unwrap()
}

async fn decide(log: &Log, id: &str) -> Appended {
    soon(log.append(decision(id))).await.pop().unwrap().unwrap()
}

pub async fn a_decision_stands_in_its_own_place_among_the_touchpoints(mut backend: Backend) {
    let log = backend.open().await;
    accepted(&log, vec![event("before")]).await;
    decide(&log, "decided").await;
    accepted(&log, vec![event("after")]).await;
    assert_decided(&log).await;
    assert_decided(&backend.reopen(log).await).await;
}

async fn assert_decided(log: &Log) {
    let records = read_all(log, Filter::all()).await;
    assert_eq!(ids(&records), ["before", "decided", "after"]);
    let places: Vec<Place> = records.iter().map(|record| record.place).collect();
    assert_eq!(places, [Place::Touchpoints, Place::Decisions, Place::Touchpoints]);
    assert_eq!(&records[1].json[..], decision("decided").json());
}

pub async fn a_decision_passes_the_empty_filter_and_its_own(backend: Backend) {
    let log = backend.open().await;
    accepted(&log, vec![event("before")]).await;
    assert!(read_all(&log, Filter::decisions()).await.is_empty(), "there is none yet");
    decide(&log, "decided").await;
    accepted(&log, vec![event("after")]).await;
    assert_eq!(ids(&read_all(&log, Filter::decisions()).await), ["decided"]);
    for types in ["parked.discarded", "parked.>"] {
        let filter = Filter { types: vec![TypeFilter::parse(types).unwrap()], ..Filter::all() };
        assert!(read_all(&log, filter).await.is_empty(), "{types}");
    }
}

pub async fn a_decision_is_no_kind_of_touchpoint(mut backend: Backend) {
    let log = backend.open().await;
    decide(&log, "decided").await;
    assert!(log.kinds().await.unwrap().is_empty());
    let log = backend.reopen(log).await;
    assert!(log.kinds().await.unwrap().is_empty());
}

pub async fn a_decision_told_again_is_a_duplicate(backend: Backend) {
    let log = backend.open().await;
    let Appended::Accepted(position) = decide(&log, "decided").await else { panic!("it is new") };
    assert_eq!(decide(&log, "decided").await, Appended::Duplicate(position));
}
