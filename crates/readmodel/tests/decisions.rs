//! Decisions by hand: given these touchpoints and merges and splits, then these customers; and undone, as if never decided.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use serde_json::{Value, json};
use support::decided::{forced, merged, split, undone};
use support::{Record, World, at, event, everything};

/// In one batch, in one batch for each record, and in the reverse order of arrival.
#[track_caller]
fn in_any_arrival(records: &[Record], check: impl Fn(&World)) {
    let reversed: Vec<Record> = records.iter().rev().cloned().collect();
    for (arrival, records) in [("together", records), ("reversed", &reversed)] {
        for batch in [1, 2, records.len()] {
            let mut world = World::new();
            for records in records.chunks(batch) {
                world.fold_records(records.to_vec());
            }
            println!("{arrival}, by {batch}");
            check(&world);
        }
    }
}

/// Whatever their order of arrival, these records mean what those mean.
#[track_caller]
fn assert_same(records: &[Record], as_these: &[Record]) {
    let mut plain = World::new();
    plain.fold_records(as_these.to_vec());
    in_any_arrival(records, |world| {
        assert_eq!(everything(world), everything(&plain));
    });
}

fn touchpoints(events: &[Value]) -> Vec<Record> {
    World::new().records(events)
}

fn order(minute: u32, id: &str, ids: &str) -> Value {
    event(minute, id, "order.placed", ids, json!({"order_id": id, "amount": "1.50", "currency": "EUR"}))
}

/// Ann by her account and her e-mail, Bo by his account.
fn ann_and_bo() -> Vec<Record> {
    touchpoints(&[
        order(1, "a1", "user_id:ann email:ann@x.org"),
        at(2, "b1", "email:bo@x.org"),
        order(3, "a2", "email:ann@x.org"),
        at(4, "b2", "email:bo@x.org loyalty_card:7"),
    ])
}

fn with(records: &[Record], more: Vec<Record>) -> Vec<Record> {
    records.iter().cloned().chain(more).collect()
}

#[test]
fn a_merge_makes_one_customer_of_two() {
    let records = with(&ann_and_bo(), vec![merged(10, "m", "user_id:ann", "email:bo@x.org")]);
    in_any_arrival(&records, |world| {
        assert_eq!(world.timeline("email:bo@x.org"), "a1 b1 a2 b2");
        assert_eq!(world.timeline("loyalty_card:7"), "a1 b1 a2 b2");
        assert_eq!(world.total("customers"), 1);
    });
}

#[test]
fn an_undone_merge_was_never_made() {
    let more = vec![merged(10, "m", "user_id:ann", "email:bo@x.org"), undone(20, "u", &["m"])];
    assert_same(&with(&ann_and_bo(), more), &ann_and_bo());
}

#[test]
fn traffic_between_a_merge_and_its_undoing_falls_to_each_side() {
    let traffic = touchpoints(&[
        order(12, "b3", "email:bo@x.org anonymous_id:tablet"),
        at(13, "t", "anonymous_id:tablet"),
        order(14, "a3", "user_id:ann anonymous_id:tablet"),
        at(15, "t2", "anonymous_id:tablet"),
    ]);
    let plain = with(&ann_and_bo(), traffic);
    let more = vec![merged(10, "m", "user_id:ann", "email:bo@x.org"), undone(20, "u", &["m"])];
    assert_same(&with(&plain, more), &plain);
}

#[test]
fn a_merge_of_merges_is_undone_in_either_order() {
    let three = with(&ann_and_bo(), touchpoints(&[order(5, "c1", "phone:+4915112345678")]));
    let first = merged(10, "first", "user_id:ann", "email:bo@x.org");
    let second = merged(11, "second", "email:ann@x.org", "phone:+4915112345678");
    let both = with(&three, vec![first.clone(), second.clone()]);
    in_any_arrival(&both, |world| assert_eq!(world.timeline("loyalty_card:7"), "a1 b1 a2 b2 c1"));
    assert_same(&with(&both, vec![undone(20, "u", &["first"])]), &with(&three, vec![second.clone()]));
    assert_same(&with(&both, vec![undone(20, "u", &["second"])]), &with(&three, vec![first]));
    let either = vec![undone(20, "u", &["first"]), undone(21, "v", &["second"])];
    assert_same(&with(&both, either), &three);
    assert_same(&with(&both, vec![undone(20, "u", &["first", "second"])]), &three);
}

#[test]
fn an_undoing_can_be_undone() {
    let merge = merged(10, "m", "user_id:ann", "email:bo@x.org");
    let more = vec![merge.clone(), undone(20, "u", &["m"]), undone(30, "v", &["u"])];
    assert_same(&with(&ann_and_bo(), more), &with(&ann_and_bo(), vec![merge]));
}

#[test]
fn nothing_cancels_what_is_decided_after_it() {
    let merge = merged(10, "m", "user_id:ann", "email:bo@x.org");
    assert_same(&with(&ann_and_bo(), vec![merge.clone(), undone(9, "u", &["m"])]), &with(&ann_and_bo(), vec![merge]));
}

#[test]
fn a_merge_against_a_limit_is_refused_unless_it_is_forced() {
    let two = touchpoints(&[order(1, "a", "user_id:ann"), order(2, "b", "user_id:bo email:bo@x.org")]);
    assert_same(&with(&two, vec![merged(10, "m", "user_id:ann", "user_id:bo")]), &two);
    let by_force = with(&two, vec![forced(10, "m", "user_id:ann", "user_id:bo")]);
    in_any_arrival(&by_force, |world| {
        assert_eq!(world.timeline("email:bo@x.org"), "a b");
        assert_eq!(world.total("customers"), 1);
    });
    // A third account is refused as before: the excess blocks what makes it worse.
    let third = with(&by_force, touchpoints(&[order(11, "c", "user_id:cy email:bo@x.org")]));
    in_any_arrival(&third, |world| {
        assert_eq!((world.timeline("user_id:cy"), world.timeline("user_id:bo")), ("c".to_owned(), "a b".to_owned()));
    });
    assert_same(&with(&by_force, vec![undone(20, "u", &["m"])]), &two);
}

#[test]
fn a_split_parts_what_evidence_joins_and_goes_on_to() {
    let glued = touchpoints(&[
        order(1, "a", "user_id:ann email:shared@x.org"),
        order(2, "b", "email:shared@x.org loyalty_card:7"),
        at(3, "c", "loyalty_card:7"),
    ]);
    let parted = with(&glued, vec![split(10, "s", "user_id:ann", "email:shared@x.org loyalty_card:7")]);
    in_any_arrival(&parted, |world| {
        assert_eq!((world.timeline("user_id:ann"), world.timeline("loyalty_card:7")), ("a".into(), "b c".into()));
    });
    // The same evidence again, and a chain around it.
    let again = touchpoints(&[
        at(11, "d", "user_id:ann email:shared@x.org"),
        at(12, "e", "user_id:ann phone:+4915112345678"),
        at(13, "f", "phone:+4915112345678 loyalty_card:7"),
    ]);
    in_any_arrival(&with(&parted, again.clone()), |world| {
        assert_eq!(world.timeline("user_id:ann"), "a d e");
        assert_eq!(world.timeline("email:shared@x.org"), "b c f");
    });
    let plain = with(&glued, again);
    assert_same(&with(&plain, vec![parted[3].clone(), undone(20, "u", &["s"])]), &plain);
}

#[test]
fn a_split_is_stronger_than_a_merge_by_force() {
    let more = vec![split(10, "s", "user_id:ann", "email:bo@x.org"), forced(11, "m", "user_id:ann", "email:bo@x.org")];
    assert_same(&with(&ann_and_bo(), more), &ann_and_bo());
}

#[test]
fn a_merge_gives_a_device_until_somebody_claims_it() {
    let events = touchpoints(&[
        at(1, "t1", "anonymous_id:tablet"),
        order(2, "a1", "user_id:ann"),
        at(3, "t2", "anonymous_id:tablet"),
    ]);
    let given = with(&events, vec![merged(10, "m", "user_id:ann", "anonymous_id:tablet")]);
    in_any_arrival(&given, |world| assert_eq!(world.timeline("anonymous_id:tablet"), "t1 a1 t2"));
    let claimed = touchpoints(&[at(40, "b1", "user_id:bo anonymous_id:tablet"), at(41, "t3", "anonymous_id:tablet")]);
    in_any_arrival(&with(&given, claimed.clone()), |world| {
        assert_eq!((world.timeline("user_id:ann"), world.timeline("user_id:bo")), ("t1 a1 t2".into(), "b1 t3".into()));
    });
    let plain = with(&events, claimed);
    let more = vec![merged(10, "m", "user_id:ann", "anonymous_id:tablet"), undone(20, "u", &["m"])];
    assert_same(&with(&plain, more), &plain);
}

#[test]
fn the_last_merge_that_names_a_device_gives_it() {
    let events = touchpoints(&[at(1, "t", "anonymous_id:tablet"), at(2, "a", "user_id:ann"), at(3, "b", "user_id:bo")]);
    let to_ann = merged(10, "ann", "user_id:ann", "anonymous_id:tablet");
    let to_bo = merged(11, "bo", "user_id:bo", "anonymous_id:tablet");
    let both = with(&events, vec![to_ann, to_bo]);
    in_any_arrival(&both, |world| assert_eq!(world.timeline("anonymous_id:tablet"), "t b"));
    in_any_arrival(&with(&both, vec![undone(20, "u", &["bo"])]), |world| {
        assert_eq!(world.timeline("anonymous_id:tablet"), "t a");
    });
}

#[test]
fn a_split_keeps_a_device_from_a_customer_whoever_claims_it() {
    let events = touchpoints(&[
        order(1, "a1", "user_id:ann email:ann@x.org"),
        at(2, "a2", "email:ann@x.org anonymous_id:kiosk"),
        at(3, "k1", "anonymous_id:kiosk"),
        at(4, "b1", "user_id:bo anonymous_id:kiosk"),
        at(5, "k2", "anonymous_id:kiosk"),
        at(6, "a3", "user_id:ann anonymous_id:kiosk"),
        at(7, "k3", "anonymous_id:kiosk"),
    ]);
    let parted = with(&events, vec![split(10, "s", "user_id:ann", "anonymous_id:kiosk")]);
    in_any_arrival(&parted, |world| {
        assert_eq!(world.timeline("user_id:ann"), "a1 a2 a3");
        assert_eq!(world.timeline("user_id:bo"), "k1 b1 k2 k3");
        assert_eq!(world.customer("user_id:ann").unwrap().states.identity.devices, []);
    });
    assert_same(&with(&parted, vec![undone(20, "u", &["s"])]), &events);
    // An e-mail that comes to her later is hers, and claims it as little.
    let later = with(
        &parted,
        touchpoints(&[
            at(11, "n1", "email:new@x.org anonymous_id:kiosk"),
            at(12, "k4", "anonymous_id:kiosk"),
            at(13, "n2", "email:new@x.org user_id:ann"),
        ]),
    );
    in_any_arrival(&later, |world| {
        assert_eq!(world.timeline("user_id:ann"), "a1 a2 a3 n1 n2");
        assert_eq!(world.timeline("anonymous_id:kiosk"), "k1 b1 k2 k3 k4");
    });
}

#[test]
fn a_decision_may_name_what_no_event_has_named() {
    let merge = merged(1, "m", "user_id:ann", "loyalty_card:new anonymous_id:phone");
    let mut world = World::new();
    world.fold_records(vec![merge.clone()]);
    assert_eq!((world.customer("user_id:ann"), world.total("customers")), (None, 0));
    let events = touchpoints(&[at(2, "c", "loyalty_card:new"), at(3, "d", "anonymous_id:phone")]);
    in_any_arrival(&with(&events, vec![merge.clone()]), |world| {
        assert_eq!(world.timeline("user_id:ann"), "c d");
        let identity = world.customer("anonymous_id:phone").unwrap().states.identity;
        assert_eq!((identity.persons.len(), identity.devices.len()), (2, 1));
    });
    assert_same(&with(&events, vec![merge, undone(20, "u", &["m"])]), &events);
}

#[test]
fn what_is_void_is_nobodys_by_hand_either() {
    let crowd = (0..11).map(|n| at(n, &format!("e{n}"), &format!("user_id:u{n} phone:+4915112345678")));
    let crowd = touchpoints(&crowd.chain([at(20, "z", "user_id:z")]).collect::<Vec<_>>());
    assert_same(&with(&crowd, vec![merged(30, "m", "user_id:z", "phone:+4915112345678")]), &crowd);
}

#[test]
fn a_decision_is_kept_and_is_no_touchpoint() {
    let mut world = World::new();
    world.fold(&[at(1, "a", "user_id:1")]).fold_records(vec![merged(3, "late", "user_id:8", "user_id:9")]);
    assert_eq!((world.applied.fresh, world.applied.decisions, world.applied.parked), (0, 1, 0));
    world.fold_records(vec![merged(2, "early", "user_id:7", "user_id:9")]);
    assert_eq!(kept(&world), ["early", "late"]);
    assert_eq!(world.total("touchpoints"), 1);
    assert!(world.sums().iter().all(|sum| !sum.contains("merged")), "{:?}", world.sums());
    assert_eq!(world.timeline("user_id:9"), "-");
    assert_eq!(world.model.checkpoint().position, 3);
}

#[test]
fn a_decision_counts_once_and_its_first_body_stands() {
    let mut world = World::new();
    let decision = merged(1, "d", "user_id:1", "email:1@x.org");
    world.fold_records(vec![decision.clone()]).fold_records(vec![decision]);
    assert_eq!((world.applied.decisions, world.applied.duplicates), (0, 1));
    world.fold_records(vec![merged(1, "d", "user_id:1", "email:2@x.org")]);
    assert_eq!((world.applied.decisions, world.applied.parked, world.applied.conflicts.len()), (0, 1, 1));
    assert_eq!(kept(&world).len(), 1);
}

/// Ids of the decisions that are kept, in the order of events.
fn kept(world: &World) -> Vec<String> {
    let file = rusqlite::Connection::open(world.model.path()).unwrap();
    let mut find = file.prepare("SELECT decision ->> '$.id' FROM decisions ORDER BY event").unwrap();
    find.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}
