//! Whose each identifier is, and the keys under which the file knows them: those of one customer are neighbours, so that what
//! is written customer by customer is written in the order of the tables.

use std::collections::{BTreeSet, HashMap};

use rapport_customer::identity::{Identity, Limit, Role, Rules, Span};

use super::clusters::{Clusters, Root};
use super::error::{BulkError, Result};
use super::evidence::Sights;
use super::interned::{Interned, Number};
use crate::identifiers::IdentifierKey;

/// Hand-overs of devices that are kept in memory.
const MOST_SPANS: usize = 400_000;

/// Whose a device is.
const NOBODYS: Root = Root::MAX;
/// At different times of different customers.
const SHARED: Root = Root::MAX - 1;

/// The customers in the making.
pub(super) struct Owners {
    pub interned: Interned,
    is_person: Vec<bool>,
    void: Vec<bool>,
    met: Vec<bool>,
    /// By number: a person's customer; the one customer that claimed a device, [`SHARED`] or [`NOBODYS`].
    root: Vec<Root>,
    pub refused: HashMap<(Number, Number), Limit>,
}

impl Owners {
    pub fn new(interned: Interned, sights: &mut Sights, clusters: Clusters, rules: &Rules) -> Self {
        let is_person: Vec<bool> = rules.kinds().map(|(_, kind)| kind.role == Role::Person).collect();
        let Clusters { mut root, refused } = clusters;
        for number in interned.numbers() {
            if !is_person[usize::from(interned.kind(number).0)] {
                root[number as usize] = NOBODYS;
            }
        }
        let (void, met) = (std::mem::take(&mut sights.void), std::mem::take(&mut sights.met));
        Self { interned, is_person, void, met, root, refused }
    }

    fn is_person(&self, number: Number) -> bool {
        self.is_person[usize::from(self.interned.kind(number).0)]
    }

    pub fn is_void(&self, number: Number) -> bool {
        self.void[number as usize]
    }

    /// An event's strongest identifier that is not void.
    pub fn anchor(&self, mut named: impl Iterator<Item = Number>) -> Option<Number> {
        named.find(|number| !self.is_void(*number))
    }

    /// The devices that the anchor of an event claims in it, if it is a person.
    pub fn claimed(&self, anchor: Number, named: impl Iterator<Item = Number>) -> impl Iterator<Item = Number> {
        let named = self.is_person(anchor).then_some(named).into_iter().flatten();
        named.filter(|number| !self.is_person(*number) && !self.is_void(*number))
    }

    /// Notes who claims which devices in an event.
    pub fn claim(&mut self, named: impl Iterator<Item = Number> + Clone) {
        let Some(anchor) = self.anchor(named.clone()) else { return };
        if !self.is_person(anchor) {
            return;
        }
        let by = self.root[anchor as usize];
        for number in named {
            if self.is_person(number) || self.is_void(number) {
                continue;
            }
            let root = &mut self.root[number as usize];
            *root = match *root {
                NOBODYS => by,
                known if known == by => by,
                _ => SHARED,
            };
        }
    }
}

/// Everybody in their places.
pub(super) struct Placed {
    pub owners: Owners,
    /// By number.
    keys: Vec<u32>,
    /// The number of the identifier with the key 1, and so on.
    by_key: Vec<Number>,
}

impl Placed {
    /// What belongs to nobody alone comes first.
    pub fn new(owners: Owners) -> Self {
        let mut by_key: Vec<Number> = owners.interned.numbers().filter(|number| owners.met[*number as usize]).collect();
        by_key.sort_unstable_by_key(|number| {
            let root = owners.root[*number as usize];
            let is_alone = !owners.is_void(*number) && root != SHARED;
            (is_alone, if root == NOBODYS { *number } else { root }, !owners.is_person(*number), *number)
        });
        let mut keys = vec![0; owners.interned.len()];
        for (key, number) in (1..).zip(&by_key) {
            keys[*number as usize] = key;
        }
        Self { owners, keys, by_key }
    }

    /// Of an identifier that some event names which counts.
    pub fn key(&self, number: Number) -> u32 {
        self.keys[number as usize]
    }

    pub fn number(&self, key: u32) -> Number {
        self.by_key[key as usize - 1]
    }

    /// The key of the customer that a person is; `None` for devices and for what is void.
    pub fn customer_of_person(&self, number: Number) -> Option<u32> {
        let is_one = self.owners.is_person(number) && !self.owners.is_void(number);
        is_one.then(|| self.key(self.owners.root[number as usize]))
    }

    pub fn is_person(&self, number: Number) -> bool {
        self.owners.is_person(number)
    }

    pub fn is_shared(&self, number: Number) -> bool {
        self.owners.root[number as usize] == SHARED
    }

    pub fn root(&self, person: Number) -> Root {
        self.owners.root[person as usize]
    }

    /// The key of the customer that an anchor's event belongs to.
    pub fn customer_at(&self, anchor: Number, event: &[u8], shared: &Shared) -> u32 {
        match self.owners.root[anchor as usize] {
            NOBODYS => self.key(anchor),
            SHARED => shared.owner_at(anchor, event).map_or_else(|| self.key(anchor), |root| self.key(root)),
            root => self.key(root),
        }
    }

    /// What the customer with this key is made of.
    pub fn identity(&self, customer: u32, shared: &Shared, rules: &Rules) -> Identity {
        let first = self.number(customer);
        let owners = &self.owners;
        let named = |number: Number| owners.interned.usable(number).to_identifier(rules);
        if !owners.is_person(first) {
            return Identity::new(Vec::new(), vec![named(first)]);
        }
        let root = owners.root[first as usize];
        let all = self.by_key[customer as usize - 1..].iter().copied();
        let all = all.take_while(|number| owners.root[*number as usize] == root);
        let (persons, mut devices): (Vec<Number>, Vec<Number>) = all.partition(|number| owners.is_person(*number));
        devices.extend(shared.of_customer.get(&root).into_iter().flatten());
        Identity::new(persons.into_iter().map(named).collect(), devices.into_iter().map(named).collect())
    }
}

/// Devices that are several customers' at different times.
#[derive(Default)]
pub(super) struct Shared {
    spans: HashMap<Number, Vec<Span<Root>>>,
    in_all: usize,
    /// Those that each customer claimed at some time.
    of_customer: HashMap<Root, BTreeSet<Number>>,
}

impl Shared {
    /// Whose a device was, at all times.
    pub fn add(&mut self, device: Number, spans: Vec<Span<Root>>) -> Result<()> {
        self.in_all += spans.len();
        if self.in_all > MOST_SPANS {
            return Err(BulkError::TooMany { what: "hand-overs of devices", most: MOST_SPANS });
        }
        for span in &spans {
            self.of_customer.entry(span.of).or_default().insert(device);
        }
        self.spans.insert(device, spans);
        Ok(())
    }

    fn owner_at(&self, device: Number, event: &[u8]) -> Option<Root> {
        let spans = self.spans.get(&device)?;
        // The first one that ends behind the event.
        let at = spans.partition_point(|span| span.until.as_ref().is_some_and(|until| until.as_bytes() <= event));
        spans.get(at).map(|span| span.of)
    }
}

pub(super) fn as_key(key: u32) -> IdentifierKey {
    IdentifierKey(i64::from(key))
}
