//! Given these touchpoints, in whatever order they arrive, then these timelines.

use rapport_customer::identity::Rules;
use serde_json::Value;

use super::{World, definitions};

/// Every order of arrival, each event in a batch of its own, and all in one batch: the same timelines.
#[track_caller]
pub fn given(events: &[Value], then: &[(&str, &str)]) {
    given_under(Rules::default(), events, then);
}

#[track_caller]
pub fn given_under(rules: Rules, events: &[Value], then: &[(&str, &str)]) {
    let definitions = definitions(rules);
    let mut digests = Vec::new();
    for order in permutations(events.len()) {
        let arrived: Vec<_> = order.iter().map(|at| events[*at].clone()).collect();
        let mut world = World::under(definitions.clone());
        world.fold_each(&arrived);
        check(&world, then, &format!("arriving as {order:?}"));
        digests.push(world.digests());
    }
    let mut world = World::under(definitions.clone());
    world.fold(events);
    check(&world, then, "in one batch");
    digests.push(world.digests());
    digests.dedup();
    assert_eq!(digests.len(), 1, "arrival left a trace");
}

#[track_caller]
fn check(world: &World, then: &[(&str, &str)], how: &str) {
    for (name, timeline) in then {
        assert_eq!(world.timeline(name), *timeline, "timeline of {name}, {how}");
    }
}

/// All orders of a few things; of many, the given one, its reverse and a rotation.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count > 4 {
        let forward: Vec<usize> = (0..count).collect();
        let mut rotated = forward.clone();
        rotated.rotate_left(count / 2);
        return vec![forward.clone(), forward.into_iter().rev().collect(), rotated];
    }
    let mut all = vec![vec![]];
    for next in 0..count {
        all = all
            .into_iter()
            .flat_map(|order| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, next);
                    longer
                })
            })
            .collect();
    }
    all
}
