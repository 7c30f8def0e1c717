//! The same answers as a naive reading of the rules, whatever the order of arrival, the batches and the restarts.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod naive;
#[path = "../support/mod.rs"]
mod support;

use naive::oracle;
use proptest::prelude::*;
use rapport_customer::identity::Rules;
use rapport_readmodel::Spacing;
use rapport_touchpoint::receive;
use serde_json::{Value, json};
use support::{World, definitions, event, minute_of, now};

/// Small limits, so that few events reach them.
fn rules() -> Rules {
    let mut rules = Rules::default();
    rules.most_partners = 2;
    rules.most_persons = 4;
    rules
}

/// Few people, few devices, few moments: so that they meet.
fn touchpoint() -> impl Strategy<Value = Value> {
    let identifier = prop_oneof![
        3 => (0..3_u8).prop_map(|n| format!("user_id:u{n}")),
        4 => (0..5_u8).prop_map(|n| format!("email:{n}@x.org")),
        2 => (0..4_u8).prop_map(|n| format!("loyalty_card:c{n}")),
        4 => (0..3_u8).prop_map(|n| format!("anonymous_id:a{n}")),
        1 => (0..2_u8).prop_map(|n| format!("device_id:d{n}")),
        1 => Just("email:null".to_owned()),
    ];
    let said = prop_oneof![
        4 => Just(("tour.taken", json!({}))),
        2 => Just(("order.placed", json!({"order_id": "o", "amount": "1.50", "currency": "EUR"}))),
        1 => (0..2_u8).prop_map(|n| ("survey.sent", json!({"survey": "s", "instance": n.to_string(), "metric": "nps"}))),
        1 => Just(("survey.sent", json!({"survey": "s", "metric": "nps"}))),
        2 => (0..2_u8, 0..11_u8).prop_map(|(n, score)| {
            ("survey.answered", json!({"survey": "s", "instance": n.to_string(), "metric": "nps", "score": score}))
        }),
        1 => (0..11_u8)
            .prop_map(|score| ("survey.answered", json!({"survey": "s", "metric": "nps", "score": score}))),
    ];
    (0..30_u32, 0..60_u32, proptest::collection::vec(identifier, 0..4), said)
        .prop_map(|(minute, id, ids, (said, data))| event(minute, &id.to_string(), said, &ids.join(" "), data))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn arrival_batches_silences_and_restarts_leave_no_trace(
        events in proptest::collection::vec(touchpoint(), 1..40),
        cuts in proptest::collection::vec(1..12_usize, 1..8),
        clocks in proptest::collection::vec(0..60_u32, 1..8),
        restart_after in 0..6_usize,
        (from, every) in (1..4_u64, 1..4_u64),
    ) {
        let mut world = World::spaced(definitions(rules()), Spacing { from, every });
        let mut rest = events.as_slice();
        for (batch, (cut, clock)) in cuts.iter().cycle().zip(clocks.iter().cycle()).enumerate() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            world.fold(now);
            world.let_pass(*clock);
            rest = later;
            if batch == restart_after {
                world = world.reopen();
            }
        }
        prop_assert_eq!(world.stray_snapshots(), 0);
        // A clock only goes forward.
        world.let_pass(60);
        let mut said = world.digests();
        said.extend(world.sums().into_iter().filter(|sum| !counted_by_the_log(sum)));
        let definitions = &world.definitions;
        let log: Vec<Vec<u8>> = events
            .iter()
            .map(|event| receive(event.clone(), now(), &definitions.catalogue).unwrap().into_json())
            .collect();
        prop_assert_eq!(said, oracle(&log, definitions, minute_of(60)));
    }
}

/// Counted for all events, those of nobody too.
fn counted_by_the_log(sum: &str) -> bool {
    ["touchpoints ", "type/", "channel/"].iter().any(|counter| sum.starts_with(counter))
}
