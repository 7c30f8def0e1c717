//! Given a log and two sets of definitions: where customers are, and would be.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_customer::Model;
use rapport_customer::identity::Rules;
use rapport_customer::journey::{Entries, JourneyMaps};
use rapport_readmodel::{Definitions, Flaw, FunnelOf, Moves, Whereabouts};
use serde_json::{Value, json};
use support::{World, definitions, event, journeys, minute_of};

/// Minutes after which it is looked.
const NOW: u32 = 30;

fn with_journeys(maps: JourneyMaps) -> Arc<Definitions> {
    Arc::new(Definitions { journeys: Arc::new(maps), ..(*definitions(Rules::default())).clone() })
}

/// Quiet periods are twice as long.
fn patient() -> JourneyMaps {
    let mut maps = journeys();
    for map in &mut maps.0 {
        for stage in &mut map.stages {
            if let Entries::BySilence(silence) = &mut stage.entries {
                silence.quiet_nanos *= 2;
            }
        }
    }
    maps
}

/// Customers who bought at some minute, and one who never did.
fn happenings() -> Vec<Value> {
    let bought = |minute: u32| {
        let order = json!({"order_id": format!("o{minute}"), "amount": "1", "currency": "EUR", "items": []});
        event(minute, &format!("e{minute}"), "order.placed", &format!("user_id:{minute}"), order)
    };
    let mut events: Vec<Value> = (1..NOW).step_by(3).map(bought).collect();
    events.push(event(2, "look", "test.seen", "user_id:looks", json!({})));
    events
}

fn folded(definitions: Arc<Definitions>) -> World {
    let mut world = World::under(definitions);
    world.fold(&happenings()).let_pass(NOW);
    world
}

fn moves_between(today: &World, then: &World, most: usize) -> Moves {
    let [today, then] = [today, then].map(|world| world.reader().hold(minute_of(NOW)).unwrap());
    Moves::between(&today, &then, most, &mut |_| true).unwrap().unwrap()
}

/// Where everybody is, asked one by one.
fn stage_of(world: &World, name: &str, journey: usize) -> Whereabouts {
    let Some(customer) = world.customer(name) else { return Whereabouts::Nobody };
    let maps = world.definitions.journeys.clone();
    let (map, progress) = customer.states.journey.as_ref().unwrap().by_map(&maps).nth(journey).unwrap();
    progress.place.map_or(Whereabouts::Outside, |place| Whereabouts::Stage(map.stage(place.stage).name.clone()))
}

fn names() -> Vec<String> {
    (1..NOW).step_by(3).map(|n| format!("user_id:{n}")).chain(["user_id:looks".to_owned()]).collect()
}

#[test]
fn moves_are_the_difference_of_two_read_models_folded_apart() {
    let (today, then) = (folded(with_journeys(journeys())), folded(with_journeys(patient())));
    let moves = moves_between(&today, &then, 3);
    assert_eq!(moves.journeys.iter().map(|of| of.journey.as_str()).collect::<Vec<_>>(), ["sales", "research"]);
    let mut changed = 0;
    for (journey, of) in moves.journeys.iter().enumerate() {
        let mut expected: BTreeMap<(Whereabouts, Whereabouts), u64> = BTreeMap::new();
        for name in names() {
            let ends = (stage_of(&today, &name, journey), stage_of(&then, &name, journey));
            changed += u64::from(ends.0 != ends.1);
            *expected.entry(ends).or_default() += 1;
        }
        assert_eq!(of.counts, expected);
    }
    assert!(changed > 3, "the case shows something");
    assert_eq!((moves.changed, moves.examples.len()), (changed, 3));
    let first = &moves.examples[0];
    let name = first.customer.identifiers[0].to_string();
    assert_eq!(first.moves, [("sales".to_owned(), stage_of(&today, &name, 0), stage_of(&then, &name, 0))]);
}

#[test]
fn a_journey_that_only_one_has_begins_for_nobody_in_the_other() {
    let mut maps = journeys();
    maps.0.remove(1);
    maps.0[0].name = "trade".to_owned();
    let (today, then) = (folded(with_journeys(journeys())), folded(with_journeys(maps)));
    let moves = moves_between(&today, &then, 10);
    assert_eq!(moves.journeys.iter().map(|of| of.journey.as_str()).collect::<Vec<_>>(), ["sales", "research", "trade"]);
    assert!(moves.journeys[0].counts.keys().all(|(_, to)| *to == Whereabouts::Outside));
    assert!(moves.journeys[2].counts.keys().all(|(from, _)| *from == Whereabouts::Outside));
}

#[test]
fn funnels_and_scores_are_those_of_either() {
    let world = folded(with_journeys(journeys()));
    let picture = world.reader().hold(minute_of(NOW)).unwrap();
    let FunnelOf { journey, stages, row } = picture.funnels().unwrap().remove(0);
    assert_eq!((journey.as_str(), stages.len(), row.stages.len()), ("sales", 5, 5));
    assert_eq!((row.began, row.stages[0].reached), (11, 11));
    assert!(picture.scores().unwrap().iter().all(|score| score.row.histogram.responses() == 0));
    let only_who = Definitions { models: vec![Model::Identity], ..(*world.definitions).clone() };
    let who = folded(Arc::new(only_who));
    let picture = who.reader().hold(minute_of(NOW)).unwrap();
    assert!(picture.funnels().unwrap().is_empty() && picture.scores().unwrap().is_empty());
    assert!(
        moves_between(&world, &who, 1)
            .journeys
            .iter()
            .all(|of| of.counts.keys().all(|(_, to)| *to == Whereabouts::Outside))
    );
}

#[test]
fn whoever_waits_no_longer_ends_it() {
    let world = folded(with_journeys(journeys()));
    let picture = || world.reader().hold(minute_of(NOW)).unwrap();
    assert_eq!(Moves::between(&picture(), &picture(), 1, &mut |_| false).unwrap(), None);
    assert_eq!(picture().flaws(&mut |_| false).unwrap(), None);
}

fn flaws(change: &str) -> Vec<Flaw> {
    let world = folded(with_journeys(journeys()));
    world.file().execute_batch(change).unwrap();
    world.reader().hold(minute_of(NOW)).unwrap().flaws(&mut |_| true).unwrap().unwrap()
}

#[test]
fn a_read_model_that_is_not_what_it_says_of_itself_has_flaws() {
    assert_eq!(flaws(""), []);
    assert_eq!(
        flaws(
            "UPDATE customers SET profile = (SELECT profile FROM customers WHERE events > 0 ORDER BY id DESC LIMIT 1)"
        ),
        [Flaw::Digest(Model::Profile)]
    );
    assert_eq!(flaws("UPDATE facts SET fact = replace(fact, 'customer', 'advocate')"), [Flaw::Digest(Model::Journey)]);
    assert_eq!(
        flaws("UPDATE totals SET sum = '12' WHERE name = 'customers'"),
        [Flaw::Sum { name: "customers", stored: 12, counted: 11 }]
    );
    let gone = flaws("DELETE FROM customers WHERE id = (SELECT min(id) FROM customers)");
    assert!(gone.iter().any(|flaw| matches!(flaw, Flaw::Strays(_))), "{gone:?}");
    assert!(gone.contains(&Flaw::Sum { name: "customers", stored: 11, counted: 10 }), "{gone:?}");
}
