//! All the rules of the fold, in the plainest words: no index, no batch, no cache.

pub mod decisions;
pub mod identity;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rapport_customer::identity::Usable;
use rapport_customer::{Digest, Fact, FactChange, FactKey, FactKind, Model, States, Totals};
use rapport_readmodel::Definitions;
use rapport_touchpoint::{BodyHash, Decision, Event, Order, OrderKey, Recorded, Timestamp, read_record};

use identity::{Seen, Who, named};

use crate::support::Record;

/// Each record of a log as it reads under some definitions; nothing, if it cannot be read.
pub type Log = Vec<Option<Read>>;

#[derive(Clone)]
pub enum Read {
    Touchpoint(Rc<Event>),
    Decision(Rc<Decision>),
}

pub fn read_all(log: &[Record], definitions: &Definitions) -> Log {
    let read = |record: &Record| match read_record(&record.json, Timestamp::MAX, record.place, &definitions.catalogue) {
        Ok(Recorded::Touchpoint(event)) => Some(Read::Touchpoint(Rc::new(event))),
        Ok(Recorded::Decision(decision)) => Some(Read::Decision(Rc::new(*decision))),
        Err(_) => None,
    };
    log.iter().map(read).collect()
}

impl Read {
    fn order(&self) -> &Order {
        match self {
            Self::Touchpoint(event) => &event.touchpoint.order,
            Self::Decision(decision) => &decision.order,
        }
    }

    fn body_hash(&self) -> BodyHash {
        match self {
            Self::Touchpoint(event) => event.touchpoint.body_hash,
            Self::Decision(decision) => decision.body_hash,
        }
    }
}

/// What a read model must say.
pub struct Naive {
    pub definitions: Arc<Definitions>,
    pub who: Who,
    /// By the first identifier.
    pub customers: BTreeMap<Usable, Customer>,
    pub duplicates: u64,
    /// Those of them that were given another time than the first.
    pub restamped: u64,
    /// Second bodies.
    pub conflicts: u64,
    pub unreadable: u64,
}

pub struct Customer {
    /// Places among all events.
    pub timeline: Vec<usize>,
    pub states: States,
    pub facts: Facts,
}

pub type Facts = BTreeMap<(FactKind, FactKey), (Fact, Option<OrderKey>)>;

impl Naive {
    pub fn of(log: &[Option<Read>], definitions: &Arc<Definitions>, clock: Timestamp) -> Self {
        let mut naive = Self {
            definitions: definitions.clone(),
            who: Who::default(),
            customers: BTreeMap::new(),
            duplicates: 0,
            restamped: 0,
            conflicts: 0,
            unreadable: 0,
        };
        let (events, decisions) = naive.distinct(log);
        naive.who = Who::of(events, decisions, definitions.rules.clone());
        let mut timelines: BTreeMap<Usable, Vec<usize>> = BTreeMap::new();
        for at in 0..naive.who.events.len() {
            if let Some(customer) = naive.who.customer_of(at) {
                timelines.entry(customer).or_default().push(at);
            }
        }
        for (customer, timeline) in timelines {
            let (states, facts) = naive.folded(&timeline, clock);
            let states = States { identity: naive.who.identity_of(&customer), ..states };
            naive.customers.insert(customer, Customer { timeline, states, facts });
        }
        naive
    }

    /// The first on the log of each source and id, in the order of events.
    fn distinct(&mut self, log: &[Option<Read>]) -> (Vec<Seen>, Vec<Rc<Decision>>) {
        let mut distinct: Vec<(u64, &Read)> = Vec::new();
        for (place, read) in log.iter().enumerate() {
            let Some(read) = read else {
                self.unreadable += 1;
                continue;
            };
            let name = |read: &Read| (read.order().source.clone(), read.order().id.clone());
            match distinct.iter().find(|(_, known)| name(known) == name(read)) {
                None => distinct.push((place as u64 + 1, read)),
                Some((_, known)) if known.body_hash() == read.body_hash() => {
                    self.duplicates += 1;
                    self.restamped += u64::from(known.order().time != read.order().time);
                }
                Some(_) => self.conflicts += 1,
            }
        }
        distinct.sort_by(|(_, left), (_, right)| {
            let (left, right) = (left.order(), right.order());
            let by_time = left.time.cmp(&right.time).then(left.sequence.cmp(&right.sequence));
            by_time.then(left.source.cmp(&right.source)).then(left.id.cmp(&right.id))
        });
        let (mut events, mut decisions) = (Vec::new(), Vec::new());
        for (position, read) in distinct {
            match read {
                Read::Decision(decision) => decisions.push(decision.clone()),
                Read::Touchpoint(event) => {
                    let named = named(&event.touchpoint.identifiers, &self.definitions.rules);
                    events.push(Seen { event: event.clone(), position, named });
                }
            }
        }
        (events, decisions)
    }

    /// One customer, from nothing.
    fn folded(&self, timeline: &[usize], clock: Timestamp) -> (States, Facts) {
        let maps = &self.definitions.journeys;
        let mut states = States::new(&Model::ALL, maps);
        let mut changes = Vec::new();
        for at in timeline {
            states.fold(&self.who.events[*at].event, &self.key(*at), maps, &mut changes);
        }
        states.let_pass(clock, maps, &mut changes);
        let mut facts = Facts::new();
        for change in changes {
            match change {
                FactChange::Put(key, fact) => assert_eq!(facts.insert((fact.kind(), key), (fact, None)), None),
                FactChange::Close { kind, key, by } => facts.get_mut(&(kind, key)).unwrap().1 = Some(by),
            }
        }
        (states, facts)
    }

    /// The next moment at which silence changes somebody.
    pub fn next_silence(&self) -> Option<Timestamp> {
        self.customers.values().filter_map(|customer| customer.states.due(&self.definitions.journeys)).min()
    }

    pub fn key(&self, at: usize) -> OrderKey {
        self.who.events[at].event.touchpoint.order.key()
    }

    /// Digests, and sums that are not zero.
    pub fn sums(&self) -> Vec<String> {
        let Definitions { journeys, zone, .. } = &*self.definitions;
        let mut digests = BTreeMap::from(Model::ALL.map(|model| (model, Digest::default())));
        let mut totals = Totals::default();
        for seen in &self.who.events {
            let touchpoint = &seen.event.touchpoint;
            totals.add("touchpoints", 1);
            totals.add(format!("type/{}", touchpoint.event_type), 1);
            totals.add(format!("channel/{}", touchpoint.channel), 1);
        }
        for Customer { timeline, states, facts } in self.customers.values() {
            let first = self.key(timeline[0]);
            for model in Model::ALL {
                let digest = digests.get_mut(&model).unwrap();
                *digest = digest.plus(Digest::of(&first, model, &states.encode(model).unwrap()));
            }
            totals.add_all(&states.contributes(journeys, zone));
            for ((kind, key), (fact, closed_by)) in facts {
                let digest = digests.get_mut(&kind.model()).unwrap();
                *digest = digest.plus(Digest::of_fact(&first, *kind, key, &fact.encode(), closed_by.as_ref()));
                totals.add_all(&fact.contributes(key, closed_by.is_some(), zone));
            }
        }
        let digests = digests.iter().map(|(model, digest)| format!("{} {digest}", model.name()));
        let totals = totals.iter().filter(|(_, sum)| *sum != 0).map(|(name, sum)| format!("{name} {sum}"));
        digests.chain(totals).collect()
    }

    pub fn customer(&self, called: &Usable) -> Option<(&Usable, &Customer)> {
        self.customers.get_key_value(&self.who.called(called)?)
    }
}
