//! A past moment of a log: the answers of a read model that was told of the events of the moment and of no others.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use rapport_customer::identity::{CustomerId, Usable};
use rapport_readmodel::{
    Answer, Bounds, CustomerName, Definitions, Entangled, FactsPage, Incoming, KnownAt, Listed, Moment, Reader,
    TransitionsQuestion,
};
use rapport_touchpoint::{Place, Timestamp};

use crate::cases::{self, Case, definitions_of};
use crate::naive::{Naive, read_all};
use crate::support::property::hold;
use crate::support::{Record, World, everything, minute_of, now, origin};

/// A log, and which part of it is meant.
struct Past {
    log: Vec<Record>,
    definitions: Arc<Definitions>,
    naive: Naive,
    moment: Moment,
    last: usize,
}

fn moment() -> impl Strategy<Value = (Option<u32>, Option<Index>, u32)> {
    (proptest::option::weighted(0.7, 0..32_u32), proptest::option::weighted(0.6, any::<Index>()), 0..40_u32)
        .prop_filter("a moment", |(as_of, known_at, _)| as_of.is_some() || known_at.is_some())
}

impl Past {
    fn of(case: &Case, (minute, known_at, recorded): (Option<u32>, Option<Index>, u32)) -> Self {
        let (log, definitions) = (case.log(), definitions_of(case.under));
        let naive = Naive::of(&read_all(&log, &definitions), &definitions, Timestamp::EPOCH);
        let last = known_at.map_or(log.len(), |known_at| known_at.index(log.len() + 1));
        let known = known_at.map(|_| KnownAt { position: last as u64, recorded_at: minute_of(recorded) });
        let moment = Moment::new(minute.map(minute_of), known).unwrap();
        Self { log, definitions, naive, moment, last }
    }

    fn decode(&self, position: u64) -> Incoming {
        let Record { place, json } = &self.log[position as usize - 1];
        Incoming::decode(position, now(), *place, json, &self.definitions)
    }

    /// A read model that is told of the events and decisions of the moment, and of nothing else.
    fn fed(&self, case: &Case) -> World {
        let mut world = World::spaced(self.definitions.clone(), case.spacing);
        let as_of = self.moment.as_of().unwrap_or(Timestamp::MAX);
        let counted = self.naive.who.events.iter();
        let counted = counted.filter(|seen| seen.event.touchpoint.order.time <= as_of).map(|seen| seen.position);
        let decided = (1..).zip(&self.log).filter(|(_, record)| record.place == Place::Decisions);
        let told: BTreeSet<u64> = counted.chain(decided.map(|(position, _)| position)).collect();
        let told = told.into_iter().filter(|position| *position <= self.last as u64);
        let told: Vec<Incoming> = told.map(|position| self.decode(position)).collect();
        world.model.apply(told).unwrap();
        while world.model.let_pass(self.moment.clock()).unwrap().is_some() {}
        world
    }

    /// Everybody whom the log names, by both names.
    fn names(&self) -> Vec<CustomerName> {
        let named: BTreeSet<&Usable> = self.naive.who.events.iter().flat_map(|seen| &seen.named).collect();
        let both = |usable: &&Usable| {
            let identifier = usable.to_identifier(&self.definitions.rules);
            let id = CustomerId::of(&identifier, &origin().key);
            [CustomerName::Identifier(identifier), CustomerName::Id(id)]
        };
        named.iter().flat_map(both).collect()
    }
}

/// All that is told of one customer.
fn told_of(reader: &Reader, name: &CustomerName) -> impl PartialEq + std::fmt::Debug + use<> {
    let customer = reader.customer(name).unwrap().content;
    let customer = customer.map(|customer| (customer.id, customer.events, customer.states));
    let history = reader.history(name, None, usize::MAX).unwrap().content;
    let history =
        history.map(|entries| entries.into_iter().map(|entry| (entry.position, entry.key)).collect::<Vec<_>>());
    let listed = Listed { customer: Some(name.clone()), ..Listed::default() };
    let question = TransitionsQuestion { listed, ..TransitionsQuestion::default() };
    let Answer { content: changes, .. } = reader.transitions(&question, None, 1_000).unwrap();
    let city = reader.trait_history(name, "city", 100).unwrap().content;
    (customer, history, changes.map(|FactsPage { entries, .. }| entries), city)
}

#[test]
fn one_customers_past_is_that_of_who_was_told_of_no_more() {
    let (asked, entangled) = (Cell::new(0), Cell::new(0));
    hold(80, &(cases::case(), moment()), |(case, moment)| {
        let past = Past::of(&case, moment);
        let mut world = World::spaced(past.definitions.clone(), case.spacing);
        for records in past.log.chunks(case.rest) {
            world.fold_records(records.to_vec());
        }
        world.let_pass(60);
        let fed = past.fed(&case);
        for name in past.names() {
            asked.set(asked.get() + 1);
            match world.reader().past_of(&name, &past.moment).unwrap().content {
                Ok(then) => prop_assert_eq!(told_of(&then, &name), told_of(&fed.reader(), &name), "{:?}", name),
                Err(Entangled::Void(_)) => entangled.set(entangled.get() + 1),
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            }
        }
        Ok(())
    });
    println!("{} of {} pasts took everybody", entangled.get(), asked.get());
    assert!(entangled.get() * 2 < asked.get(), "{} of {} pasts took everybody", entangled.get(), asked.get());
}

#[test]
fn everybodys_past_is_that_of_who_was_told_of_no_more() {
    hold(80, &(cases::case(), moment()), |(case, moment)| {
        let past = Past::of(&case, moment);
        let fed = everything(&past.fed(&case));
        let (log, as_of, clock) = (&past.log[..past.last], past.moment.as_of(), past.moment.clock());
        let definitions = past.definitions.clone();
        let (built, _) =
            World::built_as_of(definitions.clone(), case.spacing, log, (as_of, clock), Bounds::default()).unwrap();
        prop_assert_eq!(&everything(&built), &fed);
        let mut folded = World::spaced(definitions, case.spacing);
        folded.model = folded.model.only_as_of(as_of);
        for records in log.chunks(case.rest) {
            folded.fold_records(records.to_vec());
        }
        while folded.model.let_pass(clock).unwrap().is_some() {}
        prop_assert_eq!(&everything(&folded), &fed);
        Ok(())
    });
}
