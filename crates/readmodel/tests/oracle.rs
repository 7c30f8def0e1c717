//! The same answers as a naive reading of the rules, whatever the order of arrival, the batches and the restarts.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_customer::identity::{Identity, Role, Rules, Usable, evidence};
use rapport_customer::{Digest, Fact, FactChange, FactKey, FactKind, Model, States, Totals};
use rapport_readmodel::{Definitions, Spacing};
use rapport_touchpoint::{Event, OrderKey, Timestamp, read, receive};
use serde_json::{Value, json};
use support::{World, definitions, event, minute_of, now};

/// Small limits, so that few events reach them.
fn rules() -> Rules {
    let mut rules = Rules::default();
    rules.most_partners = 2;
    rules.most_persons = 4;
    rules
}

/// All the rules of identity, in the plainest words: no index, no batch, no cache.
fn oracle(arrived: &[Value], rules: &Rules, clock: Timestamp) -> Vec<String> {
    let catalogue = rapport_touchpoint::Catalogue::built_in();
    let mut events: Vec<(Event, Vec<Usable>)> = Vec::new();
    for value in arrived {
        let json = receive(value.clone(), now(), &catalogue).unwrap().into_json();
        let event = read(json, Timestamp::MAX, &catalogue).unwrap();
        let name = |event: &Event| (event.touchpoint.order.source.clone(), event.touchpoint.order.id.clone());
        if events.iter().all(|(known, _)| name(known) != name(&event)) {
            let evidence = evidence(&event.touchpoint, rules);
            events.push((event, evidence));
        }
    }
    events.sort_by(|left, right| left.0.touchpoint.order.cmp(&right.0.touchpoint.order));

    let is_person = |usable: &Usable| usable.role(rules) == Role::Person;
    let mut partners: BTreeMap<(&Usable, u8), BTreeSet<&Usable>> = BTreeMap::new();
    for (_, named) in &events {
        for one in named {
            for other in named.iter().filter(|other| is_person(other) && *other != one) {
                partners.entry((one, other.kind.0)).or_default().insert(other);
            }
        }
    }
    let void: BTreeSet<&Usable> = partners
        .iter()
        .filter(|((usable, _), met)| rules.kind(usable.kind).is_plural() && met.len() > rules.most_partners as usize)
        .map(|((usable, _), _)| *usable)
        .collect();

    let mut groups: Vec<BTreeSet<&Usable>> = Vec::new();
    for (_, named) in &events {
        for usable in named.iter().filter(|usable| is_person(usable) && !void.contains(usable)) {
            if groups.iter().all(|group| !group.contains(usable)) {
                groups.push(BTreeSet::from([usable]));
            }
        }
    }
    let mut taken: BTreeSet<(&Usable, &Usable)> = BTreeSet::new();
    for (_, named) in &events {
        let persons: Vec<_> = named.iter().filter(|usable| is_person(usable) && !void.contains(usable)).collect();
        for (at, stronger) in persons.iter().enumerate() {
            for weaker in &persons[at + 1..] {
                if !taken.insert((stronger, weaker)) {
                    continue;
                }
                let left = groups.iter().position(|group| group.contains(*stronger)).unwrap();
                let right = groups.iter().position(|group| group.contains(*weaker)).unwrap();
                if left == right {
                    continue;
                }
                let both: BTreeSet<&Usable> = groups[left].union(&groups[right]).copied().collect();
                let of_kind = |group: &BTreeSet<&Usable>, kind| group.iter().filter(|u| u.kind == kind).count();
                let too_many = rules.kinds().any(|(kind, rule)| {
                    of_kind(&both, kind) > rule.most as usize
                        && of_kind(&groups[left], kind) > 0
                        && of_kind(&groups[right], kind) > 0
                });
                if !too_many && both.len() <= rules.most_persons as usize {
                    groups[left] = both;
                    groups.remove(right);
                }
            }
        }
    }

    let anchor = |named: &Vec<Usable>| named.iter().find(|usable| !void.contains(usable)).cloned();
    let owner = |device: &Usable, at: usize| {
        let claims = |here: &(Event, Vec<Usable>)| {
            let by = anchor(&here.1).filter(is_person)?;
            here.1.contains(device).then_some(by)
        };
        let before = events[..=at].iter().rev().find_map(claims);
        before.or_else(|| events[at..].iter().find_map(claims))
    };
    let group_of =
        |person: &Usable| groups.iter().find(|group| group.contains(person)).unwrap().first().copied().cloned();
    let mut customers: BTreeMap<Usable, Vec<&Event>> = BTreeMap::new();
    for (at, (event, named)) in events.iter().enumerate() {
        let Some(anchor) = anchor(named) else { continue };
        let customer = if is_person(&anchor) {
            group_of(&anchor).unwrap()
        } else {
            owner(&anchor, at).map_or(anchor, |person| group_of(&person).unwrap())
        };
        customers.entry(customer).or_default().push(event);
    }

    let definitions = definitions(rules.clone());
    let mut digests = BTreeMap::from(Model::ALL.map(|model| (model, Digest::default())));
    let mut totals = Totals::default();
    for (customer, timeline) in customers {
        let identity = if is_person(&customer) {
            let group = groups.iter().find(|group| group.contains(&customer)).unwrap();
            let devices: BTreeSet<&Usable> = events
                .iter()
                .filter(|(_, named)| anchor(named).is_some_and(|anchor| group.contains(&anchor)))
                .flat_map(|(_, named)| named)
                .filter(|usable| !is_person(usable) && !void.contains(usable))
                .collect();
            let named = |usable: &&Usable| usable.to_identifier(rules);
            Identity::new(group.iter().map(named).collect(), devices.iter().map(named).collect())
        } else {
            Identity::new(Vec::new(), vec![customer.to_identifier(rules)])
        };
        let (states, facts) = folded(&timeline, &definitions, clock);
        let states = States { identity, ..states };
        let first = timeline[0].touchpoint.order.key();
        for model in Model::ALL {
            let digest = digests.get_mut(&model).unwrap();
            *digest = digest.plus(Digest::of(&first, model, &states.encode(model).unwrap()));
        }
        totals.add_all(&states.contributes(&definitions.journeys, &definitions.zone));
        for ((kind, key), (fact, closed_by)) in facts {
            let digest = digests.get_mut(&kind.model()).unwrap();
            *digest = digest.plus(Digest::of_fact(&first, kind, &key, &fact.encode(), closed_by.as_ref()));
            totals.add_all(&fact.contributes(&key, closed_by.is_some(), &definitions.zone));
        }
    }
    let digests = digests.iter().map(|(model, digest)| format!("{} {digest}", model.name()));
    let totals = totals.iter().filter(|(_, sum)| *sum != 0).map(|(name, sum)| format!("{name} {sum}"));
    digests.chain(totals).collect()
}

type Facts = BTreeMap<(FactKind, FactKey), (Fact, Option<OrderKey>)>;

/// One customer, from nothing.
fn folded(timeline: &[&Event], definitions: &Definitions, clock: Timestamp) -> (States, Facts) {
    let mut states = States::new(&Model::ALL, &definitions.journeys);
    let mut changes = Vec::new();
    for event in timeline {
        states.fold(event, &event.touchpoint.order.key(), &definitions.journeys, &mut changes);
    }
    states.let_pass(clock, &definitions.journeys, &mut changes);
    let mut facts = Facts::new();
    for change in changes {
        match change {
            FactChange::Put(key, fact) => assert_eq!(facts.insert((fact.kind(), key), (fact, None)), None),
            FactChange::Close { kind, key, by } => facts.get_mut(&(kind, key)).unwrap().1 = Some(by),
        }
    }
    (states, facts)
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
        prop_assert_eq!(said, oracle(&events, &rules(), minute_of(60)));
    }
}

/// Counted for all events, those of nobody too.
fn counted_by_the_log(sum: &str) -> bool {
    ["touchpoints ", "type/", "channel/"].iter().any(|counter| sum.starts_with(counter))
}
