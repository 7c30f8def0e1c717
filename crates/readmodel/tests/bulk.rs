//! A file built in bulk says what one says that was folded record by record, and goes on like it.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::sync::Arc;

use rapport_customer::Model;
use rapport_customer::identity::Rules;
use rapport_readmodel::{Bounds, BulkBuild, BulkError, BulkPhase, Definitions, Explanation, Heard, Spacing};
use rapport_touchpoint::Timestamp;
use serde_json::json;
use support::{Record, World, at, decided, definitions, event, everything, minute_of, named, now, origin};

/// As the gateway writes them to the log.
fn written(events: &[serde_json::Value]) -> Vec<Record> {
    World::new().records(events)
}

fn in_bulk(log: &[Record]) -> World {
    World::in_bulk(log, Bounds::default()).unwrap()
}

/// What both say of these names.
fn told(world: &World, names: &str) -> Vec<(String, Option<Explanation>)> {
    let explain = |name: &str| world.reader().explain(&named(name), None).unwrap().content;
    names.split_whitespace().map(|name| (world.timeline(name), explain(name))).collect()
}

/// The same as record by record, whatever is held in memory.
#[track_caller]
fn assert_same(log: &[Record], names: &str) -> World {
    let mut folded = World::new();
    for record in log {
        folded.fold_records(vec![record.clone()]);
    }
    for (sorted_bytes, customer_bytes) in [(1 << 20, 1 << 20), (1, 1)] {
        let built = World::in_bulk(log, Bounds { sorted_bytes, customer_bytes, ..Bounds::default() }).unwrap();
        assert_eq!(everything(&built), everything(&folded));
        assert_eq!(told(&built, names), told(&folded, names));
        assert_eq!(built.labels(), folded.labels());
        let status = |world: &World| {
            let status = world.reader().status().unwrap().content;
            (status.touchpoints, status.duplicates, status.parked, status.newest_parked, status.due)
        };
        assert_eq!(status(&built), status(&folded));
        // The fence alone depends on the batches.
        let stands = |world: &World| (world.model.checkpoint().position, world.model.checkpoint().clock);
        assert_eq!(stands(&built), stands(&folded));
    }
    in_bulk(log)
}

#[test]
fn an_empty_log_is_an_empty_file() {
    let mut world = assert_same(&[], "user_id:ann");
    world.fold(&[at(1, "1", "user_id:ann")]);
    assert_eq!(world.timeline("user_id:ann"), "1");
}

#[test]
fn retries_count_once_and_second_bodies_are_parked() {
    let first = at(1, "1", "user_id:ann");
    let other = at(2, "1", "user_id:bo");
    let log = written(&[first.clone(), other, first, at(3, "2", "user_id:ann")]);
    let world = assert_same(&log, "user_id:ann user_id:bo");
    assert_eq!(world.timeline("user_id:ann"), "1 2");
    // Who is named by nothing that counts is unknown.
    assert_eq!(told(&world, "user_id:bo"), [("-".to_owned(), None)]);
}

#[test]
fn a_customer_has_all_that_links_join() {
    let log = written(&[
        at(5, "3", "email:ann@x.org anonymous_id:a"),
        at(1, "1", "anonymous_id:a"),
        at(2, "2", "user_id:ann email:ann@x.org"),
        at(9, "4", "anonymous_id:b"),
        at(4, "5", "email:bo@x.org"),
    ]);
    let world = assert_same(&log, "user_id:ann email:ann@x.org anonymous_id:a anonymous_id:b email:bo@x.org");
    assert_eq!(world.timeline("user_id:ann"), "1 2 3");
    assert_eq!(world.timeline("anonymous_id:b"), "4");
}

#[test]
fn a_link_that_would_break_a_limit_is_refused() {
    let log = written(&[
        at(3, "3", "user_id:bo email:x@x.org"),
        at(1, "1", "user_id:ann email:x@x.org"),
        at(2, "2", "user_id:bo"),
        at(4, "4", "email:x@x.org"),
    ]);
    let world = assert_same(&log, "user_id:ann user_id:bo email:x@x.org");
    assert_eq!((world.timeline("user_id:ann"), world.timeline("user_id:bo")), ("1 4".to_owned(), "2 3".to_owned()));
}

#[test]
fn a_shared_device_is_whose_it_was_then() {
    let log = written(&[
        at(1, "1", "anonymous_id:a"),
        at(2, "2", "user_id:ann anonymous_id:a"),
        at(300, "3", "anonymous_id:a"),
        at(600, "4", "user_id:bo anonymous_id:a"),
        at(601, "5", "anonymous_id:a"),
        at(602, "6", "user_id:bo"),
        at(900, "7", "user_id:ann anonymous_id:a"),
    ]);
    let mut world = assert_same(&log, "user_id:ann user_id:bo anonymous_id:a");
    assert_eq!(
        (world.timeline("user_id:ann"), world.timeline("user_id:bo")),
        ("1 2 3 7".to_owned(), "4 5 6".to_owned())
    );
    world.fold(&[at(901, "8", "anonymous_id:a")]);
    assert_eq!(world.timeline("user_id:ann"), "1 2 3 7 8");
}

#[test]
fn what_too_many_share_is_nobodys() {
    let mut events = vec![at(0, "0", "phone:+13035550190 anonymous_id:a")];
    for user in 0..11 {
        let ids = format!("user_id:u{user} phone:+13035550190 anonymous_id:shop");
        events.push(at(user + 1, &format!("u{user}"), &ids));
    }
    events.push(at(20, "last", "anonymous_id:shop"));
    let world = in_bulk(&written(&events));
    let mut folded = World::new();
    folded.fold(&events);
    assert_eq!(everything(&world), everything(&folded));
    let names = "phone:+13035550190 anonymous_id:shop anonymous_id:a user_id:u3";
    assert_eq!(told(&world, names), told(&folded, names));
    assert_eq!(world.timeline("anonymous_id:shop"), "-");
    assert_eq!(world.timeline("anonymous_id:a"), "0");
}

#[test]
fn decisions_hold_for_all_times() {
    let mut log = written(&[
        at(1, "1", "user_id:ann anonymous_id:a"),
        at(2, "2", "email:ann@x.org"),
        at(3, "3", "user_id:bo email:bo@x.org anonymous_id:a"),
        at(4, "4", "anonymous_id:b"),
    ]);
    log.insert(1, decided::merged(5, "m", "user_id:ann", "email:ann@x.org anonymous_id:b"));
    log.push(decided::split(6, "s", "user_id:bo", "email:bo@x.org anonymous_id:a"));
    log.push(decided::merged(7, "n", "user_id:bo", "loyalty_card:unseen"));
    log.push(decided::undone(8, "u", &["n"]));
    let names =
        "user_id:ann user_id:bo email:ann@x.org email:bo@x.org anonymous_id:a anonymous_id:b loyalty_card:unseen";
    let world = assert_same(&log, names);
    assert_eq!(world.timeline("user_id:ann"), "1 2 4");
}

#[test]
fn silence_falls_at_once() {
    let order = json!({"order_id": "o", "amount": "1.50", "currency": "EUR"});
    let events = [event(1, "1", "order.placed", "user_id:ann", order), at(3, "2", "user_id:bo")];
    let log = written(&events);
    let definitions = definitions(Rules::default());
    let (mut built, _) = World::built(definitions, Spacing::default(), &log, minute_of(9), Bounds::default()).unwrap();
    let mut folded = World::new();
    folded.fold(&events).let_pass(9);
    assert_eq!(everything(&built), everything(&folded));
    assert_eq!(built.model.checkpoint(), folded.model.checkpoint());
    let late = at(5, "3", "user_id:ann");
    built.fold(std::slice::from_ref(&late)).let_pass(12);
    folded.fold(&[late]).let_pass(12);
    assert_eq!(everything(&built), everything(&folded));
}

#[test]
fn identity_alone_is_built_as_well() {
    let rules = Rules::default();
    let identity = Arc::new(Definitions { models: vec![Model::Identity], ..(*definitions(rules)).clone() });
    let events = [at(1, "1", "user_id:ann anonymous_id:a"), at(2, "2", "anonymous_id:a"), at(3, "3", "email:b@x.org")];
    let log = written(&events);
    let mut folded = World::under(identity.clone());
    folded.fold(&events);
    let (built, _) = World::built(identity, Spacing::default(), &log, Timestamp::EPOCH, Bounds::default()).unwrap();
    assert_eq!(everything(&built), everything(&folded));
    assert_eq!(built.timeline("user_id:ann"), "1 2");
}

#[test]
fn more_identifiers_than_fit_into_memory_are_an_error_that_says_so() {
    let log = written(&[at(1, "1", "user_id:ann"), at(2, "2", "user_id:bo"), at(3, "3", "user_id:cy")]);
    let bounds = Bounds { identifiers: 2, ..Bounds::default() };
    assert!(matches!(World::in_bulk(&log, bounds), Err(BulkError::TooMany { what: "identifiers", most: 2 })));
    let bounds = Bounds { identifier_bytes: 6, ..Bounds::default() };
    assert!(matches!(World::in_bulk(&log, bounds), Err(BulkError::TooMany { most: 6, .. })));
}

/// A build of a few touchpoints that was begun in this folder.
fn begun(folder: &std::path::Path) -> BulkBuild {
    let definitions = definitions(Rules::default());
    let log = written(&[at(1, "1", "user_id:ann"), at(2, "2", "user_id:bo")]);
    let file = folder.join("model.db");
    let mut build = BulkBuild::begin(&file, origin(), definitions.clone(), &folder.join("bulk")).unwrap();
    let hear = |(Record { place, json }, position)| Heard::decode(position, now(), place, json, &definitions);
    build.take(log.into_iter().zip(1..).map(hear).collect()).unwrap();
    build
}

#[test]
fn a_build_that_is_given_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    drop(begun(folder.path()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    for given_up_in in [BulkPhase::Settling, BulkPhase::Arranging, BulkPhase::Folding] {
        let ended = begun(folder.path()).finish(Timestamp::EPOCH, &mut |progress| progress.phase != given_up_in);
        assert!(matches!(ended, Err(BulkError::GivenUp)), "{ended:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_disk_without_room_is_told_with_what_is_needed_and_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let error = begun(folder.path()).check_room(1 << 60).unwrap_err();
    assert!(matches!(error, BulkError::NoRoom { .. }), "{error}");
    let needed = format!("takes about {} MiB", (3_u64 << 60) >> 20);
    assert!(error.to_string().contains(&needed) && error.to_string().contains("there are"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_a_crash_left_behind_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("bulk");
    std::fs::create_dir(&scratch).unwrap();
    std::fs::write(scratch.join("building.db"), "of a build that was killed").unwrap();
    begun(folder.path()).finish(Timestamp::EPOCH, &mut |_| true).unwrap();
    assert!(!scratch.exists() && folder.path().join("model.db").exists());
}
