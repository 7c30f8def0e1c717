//! All the rules of the fold, in the plainest words: no index, no batch, no cache.

pub mod identity;

use std::collections::BTreeMap;

use rapport_customer::identity::Usable;
use rapport_customer::{Digest, Fact, FactChange, FactKey, FactKind, Model, States, Totals};
use rapport_readmodel::Definitions;
use rapport_touchpoint::{Event, OrderKey, Timestamp, read};

use identity::{Seen, Who, named};

/// What a read model of these records must say, as [`World::digests`](crate::support::World::digests) and the sums do.
pub fn oracle(log: &[Vec<u8>], definitions: &Definitions, clock: Timestamp) -> Vec<String> {
    let events = distinct(log, definitions);
    let who = Who::of(&events, &definitions.rules);
    let mut timelines: BTreeMap<Usable, Vec<&Event>> = BTreeMap::new();
    for (at, seen) in events.iter().enumerate() {
        if let Some(customer) = who.customer_of(at) {
            timelines.entry(customer).or_default().push(&seen.event);
        }
    }
    let mut digests = BTreeMap::from(Model::ALL.map(|model| (model, Digest::default())));
    let mut totals = Totals::default();
    for (customer, timeline) in timelines {
        let (states, facts) = folded(&timeline, definitions, clock);
        let states = States { identity: who.identity_of(&customer), ..states };
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

/// The first on the log of each source and id, in the order of events.
pub fn distinct(log: &[Vec<u8>], definitions: &Definitions) -> Vec<Seen> {
    let mut events: Vec<Seen> = Vec::new();
    for json in log {
        let event = read(json.clone(), Timestamp::MAX, &definitions.catalogue).unwrap();
        let name = |event: &Event| (event.touchpoint.order.source.clone(), event.touchpoint.order.id.clone());
        if events.iter().all(|known| name(&known.event) != name(&event)) {
            let named = named(&event.touchpoint, &definitions.rules);
            events.push(Seen { event, named });
        }
    }
    events.sort_by_key(|seen| {
        let order = &seen.event.touchpoint.order;
        (order.time, order.sequence.clone(), order.source.clone(), order.id.clone())
    });
    events
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
