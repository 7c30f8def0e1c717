//! Whose the visit is at whose end somebody signs in, on a device that others use too.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_customer::identity::{Rules, Visit};
use rapport_touchpoint::Timestamp;
use serde_json::Value;
use support::decided::{merged, split, undone};
use support::given::{given, given_under};
use support::{Record, World, at, everything, minute_of, named};

/// Ann signs in on the tablet at the beginning.
fn ann_in() -> Value {
    at(0, "ann-in", "anonymous_id:tablet user_id:ann")
}

#[test]
fn a_visit_is_theirs_who_sign_in_at_its_end() {
    given(
        &[
            ann_in(),
            at(60, "looks", "anonymous_id:tablet"),
            at(70, "reads", "anonymous_id:tablet"),
            at(80, "bo-in", "anonymous_id:tablet user_id:bo"),
        ],
        &[("user_id:ann", "ann-in"), ("user_id:bo", "looks reads bo-in"), ("anonymous_id:tablet", "looks reads bo-in")],
    );
}

#[test]
fn a_visits_length_before_somebody_signs_in_was_another_visit() {
    given(
        &[
            ann_in(),
            at(60, "longer", "anonymous_id:tablet"),
            at(61, "visit", "anonymous_id:tablet"),
            at(90, "bo-in", "anonymous_id:tablet user_id:bo"),
        ],
        &[("user_id:ann", "ann-in longer"), ("user_id:bo", "visit bo-in")],
    );
}

#[test]
fn what_is_not_nearer_to_the_next_claim_is_theirs_who_made_the_last() {
    given(
        &[
            ann_in(),
            at(6, "halfway", "anonymous_id:tablet"),
            at(7, "nearer", "anonymous_id:tablet"),
            at(12, "bo-in", "anonymous_id:tablet user_id:bo"),
        ],
        &[("user_id:ann", "ann-in halfway"), ("user_id:bo", "nearer bo-in")],
    );
}

#[test]
fn what_happened_in_the_moment_of_a_claim_is_the_claimants() {
    given(
        &[
            at(0, "a-ann-in", "anonymous_id:tablet user_id:ann"),
            at(0, "b", "anonymous_id:tablet"),
            at(9, "c", "anonymous_id:tablet"),
            at(9, "d-bo-in", "anonymous_id:tablet user_id:bo"),
        ],
        &[("user_id:ann", "a-ann-in b"), ("user_id:bo", "c d-bo-in")],
    );
}

#[test]
fn a_claim_in_between_takes_what_is_nearer_to_it_on_either_side() {
    given(
        &[
            ann_in(),
            at(62, "to-cy", "anonymous_id:tablet"),
            at(66, "cy-in", "anonymous_id:tablet user_id:cy"),
            at(70, "cy", "anonymous_id:tablet"),
            at(72, "bo", "anonymous_id:tablet"),
            at(75, "bo-in", "anonymous_id:tablet user_id:bo"),
        ],
        &[("user_id:ann", "ann-in"), ("user_id:cy", "to-cy cy-in cy"), ("user_id:bo", "bo bo-in")],
    );
}

#[test]
fn a_claim_in_between_by_either_neighbour_moves_the_visit() {
    let events = |between| {
        [
            ann_in(),
            at(62, "a", "anonymous_id:tablet"),
            at(66, "in", &format!("anonymous_id:tablet user_id:{between}")),
            at(70, "b", "anonymous_id:tablet"),
            at(75, "bo-in", "anonymous_id:tablet user_id:bo"),
        ]
    };
    given(&events("ann"), &[("user_id:ann", "ann-in a in b"), ("user_id:bo", "bo-in")]);
    given(&events("bo"), &[("user_id:ann", "ann-in"), ("user_id:bo", "a in b bo-in")]);
}

#[test]
fn before_the_first_claim_everything_is_the_first_claimants() {
    given(
        &[
            at(0, "long-ago", "anonymous_id:tablet"),
            at(500, "ann-in", "anonymous_id:tablet user_id:ann"),
            at(520, "visit", "anonymous_id:tablet"),
            at(530, "bo-in", "anonymous_id:tablet user_id:bo"),
        ],
        &[("user_id:ann", "long-ago ann-in"), ("user_id:bo", "visit bo-in")],
    );
}

#[test]
fn claims_by_several_names_of_one_customer_change_nothing() {
    given(
        &[
            at(0, "link", "email:ann@x.org user_id:ann"),
            at(1, "in", "anonymous_id:tablet user_id:ann"),
            at(20, "looks", "anonymous_id:tablet"),
            at(30, "mail", "anonymous_id:tablet email:ann@x.org"),
        ],
        &[("user_id:ann", "link in looks mail")],
    );
}

#[test]
fn a_visit_has_the_tenants_length_and_none_hands_over_at_the_claim() {
    let of_minutes = |minutes: i64| {
        let mut rules = Rules::default();
        rules.visit = Visit { nanos: minutes * 60 * 1_000_000_000 };
        rules
    };
    let events = [
        ann_in(),
        at(60, "a", "anonymous_id:tablet"),
        at(70, "b", "anonymous_id:tablet"),
        at(79, "bo-in", "anonymous_id:tablet user_id:bo"),
    ];
    given_under(of_minutes(10), &events, &[("user_id:ann", "ann-in a"), ("user_id:bo", "b bo-in")]);
    given_under(of_minutes(0), &events, &[("user_id:ann", "ann-in a b"), ("user_id:bo", "bo-in")]);
}

#[test]
fn a_claimant_who_becomes_void_gives_the_visit_back() {
    let mut events = vec![
        ann_in(),
        at(60, "looks", "anonymous_id:tablet"),
        at(65, "called", "anonymous_id:tablet phone:+4930901820"),
    ];
    given(&events, &[("user_id:ann", "ann-in"), ("phone:+4930901820", "looks called")]);
    events.extend((0..11).map(|n| at(100 + n, &format!("e{n}"), &format!("user_id:u{n} phone:+4930901820"))));
    given(&events, &[("user_id:ann", "ann-in looks called"), ("phone:+4930901820", "-")]);
}

/// Ann, then a visit of Bo's who signs in at its end.
fn bo_after_ann() -> Vec<Record> {
    World::new().records(&[
        ann_in(),
        at(60, "looks", "anonymous_id:tablet"),
        at(65, "bo-in", "anonymous_id:tablet user_id:bo"),
        at(70, "stays", "anonymous_id:tablet"),
    ])
}

fn timelines(records: &[Record], batch: usize) -> (World, String, String) {
    let mut world = World::new();
    for records in records.chunks(batch) {
        world.fold_records(records.to_vec());
    }
    let (ann, bo) = (world.timeline("user_id:ann"), world.timeline("user_id:bo"));
    (world, ann, bo)
}

#[test]
fn a_split_that_keeps_the_device_from_its_next_claimant_gives_the_visit_back_until_it_is_undone() {
    let records = bo_after_ann();
    for batch in [1, 2, 6] {
        let (plain, ann, bo) = timelines(&records, batch);
        assert_eq!((&*ann, &*bo), ("ann-in", "looks bo-in stays"));
        let mut more = [records.clone(), vec![split(80, "s", "user_id:bo", "anonymous_id:tablet")]].concat();
        let (_, ann, bo) = timelines(&more, batch);
        assert_eq!((&*ann, &*bo), ("ann-in looks stays", "bo-in"));
        more.push(undone(90, "u", &["s"]));
        let (undone, ..) = timelines(&more, batch);
        assert_eq!(everything(&undone), everything(&plain));
    }
}

#[test]
fn a_device_given_by_hand_passes_on_with_the_visit_of_its_first_claimant() {
    let records = bo_after_ann()[1..].to_vec();
    for batch in [1, 2, 6] {
        let more = [
            World::new().records(&[at(0, "ann", "user_id:ann"), at(1, "early", "anonymous_id:tablet")]),
            records.clone(),
        ]
        .concat();
        let (plain, _, bo) = timelines(&more, batch);
        assert_eq!(bo, "early looks bo-in stays");
        let mut more = [more, vec![merged(80, "m", "user_id:ann", "anonymous_id:tablet")]].concat();
        let (_, ann, bo) = timelines(&more, batch);
        assert_eq!((&*ann, &*bo), ("ann early", "looks bo-in stays"));
        more.push(undone(90, "u", &["m"]));
        assert_eq!(everything(&timelines(&more, batch).0), everything(&plain));
    }
}

#[test]
fn an_explanation_says_since_when_a_device_was_whose() {
    let (world, ..) = timelines(&bo_after_ann(), 4);
    let explained = world.reader().explain(&named("anonymous_id:tablet"), None).unwrap().content.unwrap();
    let hands: Vec<_> = explained
        .hands
        .iter()
        .map(|hand| {
            let claim = hand.claim.as_ref().and_then(|claim| claim.source_and_id()).unwrap_or_default().1;
            (hand.since.as_ref().map(|since| since.time()), claim, hand.of.to_string())
        })
        .collect();
    let visit = Timestamp::from_nanos(minute_of(35).nanos() + 1).unwrap();
    assert_eq!(
        hands,
        [
            (None, "ann-in".to_owned(), "user_id:ann".to_owned()),
            (Some(visit), "bo-in".to_owned(), "user_id:bo".to_owned()),
        ]
    );
}
