//! Decisions on the log: kept, counted once, and no touchpoints.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_touchpoint::{Choice, Identifier, Merged};
use support::{World, at};

fn merge(left: &str, right: &str) -> Choice {
    let side = |text: &str| vec![Identifier::parse(text).unwrap()];
    let (reason, by) = ("she said so".to_owned(), "ops".to_owned());
    Choice::Merged(Merged { left: side(left), right: side(right), forced: false, reason, by })
}

/// Ids of the decisions that are kept, in the order of events.
fn kept(world: &World) -> Vec<String> {
    let file = rusqlite::Connection::open(world.model.path()).unwrap();
    let mut find = file.prepare("SELECT decision ->> '$.id' FROM decisions ORDER BY event").unwrap();
    find.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_decision_is_kept_and_is_no_touchpoint() {
    let mut world = World::new();
    world.fold(&[at(1, "a", "user_id:1")]).decide(3, "late", merge("user_id:8", "user_id:9"));
    assert_eq!((world.applied.fresh, world.applied.decisions, world.applied.parked), (0, 1, 0));
    world.decide(2, "early", merge("user_id:7", "user_id:9"));
    assert_eq!(kept(&world), ["early", "late"]);
    assert_eq!(world.total("touchpoints"), 1);
    assert!(world.sums().iter().all(|sum| !sum.contains("merged")), "{:?}", world.sums());
    assert_eq!(world.timeline("user_id:9"), "-");
    assert_eq!(world.model.checkpoint().position, 3);
}

#[test]
fn a_decision_counts_once_and_its_first_body_stands() {
    let mut world = World::new();
    world.decide(1, "d", merge("user_id:1", "user_id:2")).decide(1, "d", merge("user_id:1", "user_id:2"));
    assert_eq!((world.applied.decisions, world.applied.duplicates), (0, 1));
    world.decide(1, "d", merge("user_id:1", "user_id:3"));
    assert_eq!((world.applied.decisions, world.applied.parked, world.applied.conflicts.len()), (0, 1, 1));
    assert_eq!(kept(&world).len(), 1);
}
