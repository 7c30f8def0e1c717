//! Long timelines: given many touchpoints of one customer, when something changes near the end, then only that is read again.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_customer::identity::Rules;
use rapport_readmodel::Spacing;
use serde_json::{Value, json};
use support::{World, at, definitions, event};

/// Snapshots every four events, and from the fourth on.
const DENSE: Spacing = Spacing { from: 4, every: 4 };
/// As if there were none.
const NONE: Spacing = Spacing { from: u64::MAX, every: 1 };

fn world(spacing: Spacing) -> World {
    World::spaced(definitions(Rules::default()), spacing)
}

/// One event of `ids` in each of these minutes.
fn in_minutes(minutes: impl IntoIterator<Item = u32>, ids: &str) -> Vec<Value> {
    minutes.into_iter().map(|minute| at(minute, &format!("{ids} {minute}"), ids)).collect()
}

/// Folds the first list at once and then each of the others as a batch; gives what the last one had to read again.
#[track_caller]
fn reread(past: &[Value], then: &[&[Value]]) -> u64 {
    let (mut dense, mut plain) = (world(DENSE), world(NONE));
    for batch in [past].iter().chain(then) {
        dense.fold(batch);
        plain.fold(batch);
        assert_eq!(dense.digests(), plain.digests(), "snapshots left a trace");
        assert_eq!(dense.sums(), plain.sums(), "snapshots left a trace");
        assert_eq!(dense.stray_snapshots(), 0);
    }
    dense.let_pass(5_000);
    plain.let_pass(5_000);
    assert_eq!((dense.digests(), dense.sums()), (plain.digests(), plain.sums()), "snapshots left a trace");
    assert!(dense.applied.reread <= plain.applied.reread, "snapshots made it worse");
    dense.applied.reread
}

fn snapshots(world: &World) -> u64 {
    let file = rusqlite::Connection::open(world.model.path()).unwrap();
    file.query_row("SELECT count(*) FROM snapshots", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_late_event_near_the_end_reads_what_follows_it() {
    let past = in_minutes((0..400).map(|n| n * 2), "user_id:1");
    let late = |minute| reread(&past, &[&[at(minute, "late", "user_id:1")]]);
    // After the last snapshot, which is the one at the last event.
    assert_eq!(late(799), 0);
    // Two events follow; the snapshot before has four.
    assert_eq!(late(795), 4);
    assert!(late(601) <= 200 + 4, "{}", late(601));
    // Before the first one that is left.
    assert_eq!(late(1), 400);
}

#[test]
fn new_events_are_not_read_again_with_the_late_one() {
    let past = in_minutes(0..100, "user_id:1");
    let mut batch = in_minutes(100..150, "user_id:1");
    batch.push(at(98, "late", "user_id:1"));
    assert!(reread(&past, &[&batch]) <= 4);
}

#[test]
fn late_events_again_and_again_find_snapshots_again_and_again() {
    let past = in_minutes((0..200).map(|n| n * 2), "user_id:1");
    let late: Vec<Vec<Value>> = (0..20).map(|n| vec![at(381 + n % 7, &format!("late {n}"), "user_id:1")]).collect();
    let batches: Vec<&[Value]> = late.iter().map(Vec::as_slice).collect();
    assert!(reread(&past, &batches) <= 24 + 20);
}

#[test]
fn ordinary_customers_keep_no_snapshot_and_long_ones_few() {
    let mut ordinary = world(Spacing::default());
    ordinary.fold(&in_minutes(0..500, "user_id:1"));
    assert_eq!(snapshots(&ordinary), 0);
    let mut long = world(DENSE);
    for batch in in_minutes(0..1_000, "user_id:1").chunks(77) {
        long.fold(batch);
    }
    assert!((10..24).contains(&snapshots(&long)), "{}", snapshots(&long));
}

#[test]
fn a_customer_who_is_gone_keeps_no_snapshot() {
    let mut world = world(DENSE);
    world.fold(&in_minutes(0..100, "anonymous_id:a"));
    assert!(snapshots(&world) > 0);
    world.fold(&[at(0, "login", "anonymous_id:a user_id:1")]);
    assert_eq!(world.customer("user_id:1").unwrap().events, 101);
    assert_eq!(world.stray_snapshots(), 0);
}

#[test]
fn a_join_starts_before_the_first_event_that_it_brings() {
    let mut past = in_minutes(0..200, "user_id:1");
    past.extend(in_minutes(196..210, "email:ann@x.org"));
    let join = [at(300, "both", "user_id:1 email:ann@x.org")];
    // Four of the one and all fourteen of the other, and up to three before them.
    let read = reread(&past, &[&join]);
    assert!((18..=21).contains(&read), "{read}");
}

#[test]
fn a_join_starts_before_it_whichever_was_known_first() {
    let mut past = in_minutes(196..210, "email:ann@x.org");
    past.extend(in_minutes(0..200, "user_id:1"));
    let read = reread(&past, &[&[at(300, "both", "user_id:1 email:ann@x.org")]]);
    assert!((18..=21).contains(&read), "{read}");
}

#[test]
fn a_login_brings_the_devices_past_along_and_reads_no_more_than_that() {
    let mut past = in_minutes(0..200, "user_id:1");
    past.extend(in_minutes(202..210, "anonymous_id:a"));
    assert_eq!(reread(&past, &[&[at(211, "login", "anonymous_id:a user_id:1")]]), 8);
}

#[test]
fn a_hand_over_changes_both_from_the_first_event_that_moves() {
    let mut past = in_minutes(0..200, "user_id:1 anonymous_id:t");
    past.extend(in_minutes(0..200, "user_id:2"));
    past.extend(in_minutes(210..220, "anonymous_id:t"));
    // A login that comes late: ten events go from one to the other.
    let read = reread(&past, &[&[at(205, "login", "anonymous_id:t user_id:2")]]);
    assert!((10..=14).contains(&read), "{read}");
}

#[test]
fn a_device_in_every_event_changes_nothing_of_that() {
    let mut world = world(DENSE);
    for batch in in_minutes(0..2_000, "user_id:1 anonymous_id:t").chunks(500) {
        world.fold(batch);
    }
    world.fold(&[at(1_990, "late", "user_id:1 anonymous_id:t")]);
    assert!(world.applied.reread <= 20, "{}", world.applied.reread);
}

#[test]
fn an_identifier_that_becomes_void_leaves_nothing_of_its_snapshots() {
    let past = in_minutes(0..60, "phone:+4930901820 anonymous_id:d");
    let calls: Vec<Value> =
        (0..11).map(|n| at(100 + n, &format!("call {n}"), &format!("email:{n}@x.org phone:+4930901820"))).collect();
    reread(&past, &[&calls[..6], &calls[6..], &[at(50, "late", "anonymous_id:d")]]);
}

fn survey_of(ids: &str, minute: u32, id: &str, what: &str, score: Option<u8>) -> Value {
    let mut data = json!({"survey": "s", "instance": "1", "metric": "nps"});
    if let Some(score) = score {
        data["score"] = json!(score);
    }
    event(minute, id, what, ids, data)
}

#[test]
fn an_answer_that_goes_to_somebody_else_replaces_nothing_here() {
    let mut past = in_minutes(0..30, "user_id:1 anonymous_id:t");
    past.push(survey_of("user_id:1", 9, "asked", "survey.sent", None));
    past.push(survey_of("user_id:1", 20, "first", "survey.answered", Some(3)));
    past.push(survey_of("user_id:1", 21, "asked again", "survey.sent", None));
    past.push(survey_of("anonymous_id:t", 39, "second", "survey.answered", Some(9)));
    let read = reread(&past, &[&[at(35, "login", "anonymous_id:t user_id:2")]]);
    assert!((1..=6).contains(&read), "{read}");
}

#[test]
fn an_answer_that_is_replaced_across_a_snapshot_is_replaced_again() {
    let survey = |minute, id, what, score| survey_of("user_id:1", minute, id, what, score);
    let mut past = in_minutes(0..40, "user_id:1");
    past.push(survey(10, "asked", "survey.sent", None));
    past.push(survey(20, "first", "survey.answered", Some(3)));
    past.push(survey(39, "second", "survey.answered", Some(9)));
    // The second answer closed the first one after the snapshot that this starts from.
    assert!(reread(&past, &[&[at(36, "late", "user_id:1")]]) <= 10);
    // An answer between takes the place of the first, and the second that of it.
    assert!(reread(&past, &[&[survey(37, "between", "survey.answered", Some(6))]]) <= 10);
    // The asking is answered before the answer that was its first.
    reread(&past, &[&[survey(15, "earlier", "survey.answered", Some(1))]]);
}

#[test]
fn silence_between_falls_where_it_fell() {
    let order = |minute: u32| {
        let data = json!({"order_id": minute.to_string(), "amount": "1.50", "currency": "EUR"});
        event(minute, &format!("order {minute}"), "order.placed", "user_id:1", data)
    };
    // Each is followed by a silence that leads to another stage.
    let past: Vec<Value> = (0..60).map(|n| order(n * 20)).collect();
    assert!(reread(&past, &[&[order(1_145)]]) <= 8);
    let mut world = world(DENSE);
    world.fold(&past).let_pass(1_500).fold(&[order(1_143)]).let_pass(1_600);
    let mut at_once = self::world(NONE);
    at_once.fold(&past).fold(&[order(1_143)]).let_pass(1_600);
    assert_eq!((world.digests(), world.sums()), (at_once.digests(), at_once.sums()));
}
