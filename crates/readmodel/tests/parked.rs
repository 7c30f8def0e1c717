//! What is parked waits, what is discarded stays out; batches and rebuilds make no difference.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_readmodel::{Bounds, Incoming, ParkedState};
use rapport_touchpoint::{Choice, Decision, Discarded, Order, Place, RecordHash, receive};
use serde_json::Value;
use support::{Record, World, at, definitions, minute_of, now};

type Written = (Place, Vec<u8>);

/// As it stands on the log.
fn touchpoint(event: Value) -> Written {
    (Place::Touchpoints, receive(event, now(), &definitions(Default::default()).catalogue).unwrap().into_json())
}

fn unreadable() -> Written {
    (Place::Touchpoints, b"no JSON".to_vec())
}

fn discard(id: &str, of: &Written) -> Written {
    let (reason, by) = ("a test".to_owned(), "ops".to_owned());
    let discarded = Discarded { record: RecordHash::of(&of.1), source: None, id: None, reason, by };
    let order = Order { time: minute_of(9), sequence: None, source: "rapport/admin".to_owned(), id: id.to_owned() };
    (Place::Decisions, Decision::new(order, Choice::Discarded(discarded)).unwrap().into_json())
}

/// At positions 1, 2, 3, …
fn decoded(records: &[Written]) -> Vec<Incoming> {
    let definitions = definitions(Default::default());
    let decode =
        |(at, (place, json)): (usize, &Written)| Incoming::decode(at as u64 + 1, now(), *place, json, &definitions);
    records.iter().enumerate().map(decode).collect()
}

/// Folded in batches of this size.
fn folded(records: &[Written], size: usize) -> World {
    let mut world = World::new();
    fold(&mut world, records, size);
    world
}

fn fold(world: &mut World, records: &[Written], size: usize) {
    let mut records = decoded(records).into_iter().peekable();
    while records.peek().is_some() {
        world.model.apply(records.by_ref().take(size).collect()).unwrap();
    }
}

/// Told of the discards beforehand, as when the log is folded anew.
fn folded_anew(records: &[Written]) -> World {
    let mut world = World::new();
    let discards: Vec<Incoming> = decoded(records).into_iter().filter(Incoming::is_discard).collect();
    world.model.foresee(&discards, records.len() as u64).unwrap();
    fold(&mut world, records, records.len());
    world
}

fn in_bulk(records: &[Written]) -> World {
    let record = |(place, json): &Written| Record { place: *place, json: json.clone() };
    let log: Vec<Record> = records.iter().map(record).collect();
    World::in_bulk(&log, Bounds::default()).unwrap()
}

/// Positions that wait, and that are discarded; the newest first.
fn parked(world: &World) -> [Vec<u64>; 2] {
    [ParkedState::Waiting, ParkedState::Discarded].map(|state| {
        let page = world.reader().parked(state, None, 100).unwrap().content;
        page.events.iter().map(|event| event.position).collect()
    })
}

/// The same, however it is folded.
#[track_caller]
fn assert_always(records: &[Written], expected: [&[u64]; 2], touchpoints: i128) {
    let anew = folded_anew(records);
    let worlds = [
        (&anew, "anew"),
        (&in_bulk(records), "in bulk"),
        (&folded(records, 1), "one by one"),
        (&folded(records, 100), "at once"),
    ];
    for (world, told) in worlds {
        assert!(!world.model.is_outdated().unwrap(), "{told}");
        assert_eq!((parked(world), world.total("touchpoints")), (expected.map(<[u64]>::to_vec), touchpoints), "{told}");
        assert_eq!(world.digests(), anew.digests(), "{told}");
    }
}

#[test]
fn what_is_discarded_leaves_the_list_and_nothing_else_changes() {
    let good = touchpoint(at(1, "good", "user_id:1"));
    let conflict = touchpoint(at(1, "good", "user_id:2"));
    let records = [good, unreadable(), conflict.clone(), discard("d-1", &unreadable()), discard("d-2", &conflict)];
    assert_always(&records[..3], [&[3, 2], &[]], 1);
    assert_always(&records[..4], [&[3], &[2]], 1);
    assert_always(&records, [&[], &[3, 2]], 1);
}

#[test]
fn a_discard_holds_for_the_same_bytes_wherever_they_stand() {
    let records = [unreadable(), discard("d-1", &unreadable()), unreadable(), unreadable()];
    assert_always(&records, [&[], &[4, 3, 1]], 0);
}

#[test]
fn the_first_discard_says_why_and_a_second_changes_nothing() {
    let records = [unreadable(), discard("d-1", &unreadable()), discard("d-2", &unreadable())];
    assert_always(&records, [&[], &[1]], 0);
    for world in [folded(&records, 1), folded_anew(&records)] {
        let event = world.reader().parked_at(1).unwrap().content.unwrap();
        assert_eq!(event.discarded.unwrap().position, 2);
    }
}

#[test]
fn a_good_record_that_was_discarded_before_it_came_is_kept_out_in_every_batch() {
    let (late, good) = (touchpoint(at(1, "late", "user_id:1")), touchpoint(at(2, "good", "user_id:1")));
    let records = [unreadable(), discard("d-1", &unreadable()), discard("d-2", &late), late, good];
    for world in [folded(&records, 1), folded(&records, 100), folded_anew(&records)] {
        assert_eq!((parked(&world), world.total("touchpoints")), ([vec![], vec![4, 1]], 1));
        assert_eq!(world.timeline("user_id:1"), "good");
    }
}

#[test]
fn a_discard_of_what_counts_outdates_the_file_and_a_fold_anew_keeps_it_out() {
    let (first, second) = (touchpoint(at(1, "first", "user_id:1")), touchpoint(at(2, "second", "user_id:1")));
    let records = [first.clone(), second, discard("d-1", &first)];
    for size in [1, 100] {
        let world = folded(&records, size);
        assert!(world.model.is_outdated().unwrap());
        assert_eq!(world.timeline("user_id:1"), "first second", "until it is folded anew");
    }
    let anew = folded_anew(&records);
    assert!(!anew.model.is_outdated().unwrap());
    assert_eq!((parked(&anew), anew.timeline("user_id:1").as_str()), ([vec![], vec![1]], "second"));
}

#[test]
fn another_body_counts_where_the_first_was_discarded() {
    let (first, other) = (touchpoint(at(1, "same", "user_id:1")), touchpoint(at(1, "same", "user_id:2")));
    let anew = folded_anew(&[first.clone(), other, discard("d-1", &first)]);
    assert_eq!((anew.timeline("user_id:1").as_str(), anew.timeline("user_id:2").as_str()), ("-", "same"));
}

#[test]
fn a_decision_is_undone_by_name_and_never_discarded() {
    let taken = discard("d-1", &unreadable());
    let records = [unreadable(), taken.clone(), discard("d-2", &taken)];
    assert_eq!(parked(&folded_anew(&records)), [vec![], vec![1]], "the first discard holds");
}

#[test]
fn what_would_be_parked_again_is_told_with_todays_reason() {
    let good = touchpoint(at(1, "good", "user_id:1"));
    let (conflict, new) = (touchpoint(at(1, "good", "user_id:2")), touchpoint(at(2, "new", "user_id:1")));
    let discarded = touchpoint(at(3, "out", "user_id:1"));
    let world = folded_anew(&[good.clone(), discard("d-1", &discarded)]);
    let told = world.reader().kept_out(&decoded(&[good, conflict, new, discarded, unreadable()])).unwrap().content;
    let starts = [None, Some("id: another body"), None, Some("event: was discarded"), Some("event: is not JSON")];
    for (told, starts) in told.iter().zip(starts) {
        assert_eq!(told.is_some(), starts.is_some(), "{told:?}");
        assert!(told.as_deref().unwrap_or_default().starts_with(starts.unwrap_or_default()), "{told:?}");
    }
}
