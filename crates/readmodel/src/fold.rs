//! Folding: each touched customer once per batch, by appending where that is the same as folding anew.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::FactChange;
use rapport_customer::identity::Identity;
use rapport_touchpoint::{Event, Identifier, OrderKey, Timestamp};
use rusqlite::Transaction;

use crate::Definitions;
use crate::advance::{Advanced, Next, Now, Stands, Touched, begin};
use crate::customers::{Customer, Customers, Held};
use crate::decisions;
use crate::error::Result;
use crate::facts::Facts;
use crate::identifiers::{self, IdentifierKey};
use crate::identity::{Changes, Placed, customer_of};
use crate::incoming::Ready;
use crate::known::Known;
use crate::labels::Labels;
use crate::snapshots::{Snapshots, Spacing};
use crate::timeline::{self, Stored};
use crate::totals::Difference;

/// Changes of facts that a fold gathers before they are written.
const MOST_GATHERED: usize = 1_000;

/// Customers that are brought up to date together; each is bounded in memory, and so are they.
const AT_A_TIME: usize = 512;

/// New events of one customer, in the order of events.
pub(crate) type NewEvents<'p> = Vec<&'p Placed>;

/// Under which a transaction folds.
pub(crate) struct Terms<'a> {
    pub definitions: &'a Definitions,
    pub spacing: Spacing,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
    /// Where the read model stands afterwards.
    pub position: u64,
}

/// One batch on its way through the folds.
pub(crate) struct Folding<'a, 'tx> {
    pub tx: &'a Transaction<'tx>,
    pub definitions: &'a Definitions,
    pub spacing: Spacing,
    pub known: &'a mut Known,
    pub customers: &'a mut Customers,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
    /// Where the read model stands after the batch.
    pub position: u64,
    pub difference: &'a mut Difference,
    pub labels: Labels,
    /// Customers folded anew.
    refolds: u64,
    /// Stored events that had to be read again.
    pub reread: u64,
}

/// What folding came to.
#[derive(Default)]
pub(crate) struct Folded {
    /// Customers folded anew from their timelines.
    pub refolds: u64,
    /// Stored events that were read again for it.
    pub reread: u64,
    /// Everyone who changed.
    pub changed: Vec<IdentifierKey>,
}

impl<'a, 'tx> Folding<'a, 'tx> {
    /// What it adds to sums and digests goes to `difference`.
    pub fn new(
        tx: &'a Transaction<'tx>,
        terms: Terms<'a>,
        (known, customers): (&'a mut Known, &'a mut Customers),
        difference: &'a mut Difference,
    ) -> Self {
        let Terms { definitions, spacing, clock, position } = terms;
        let labels = Labels::default();
        Self { tx, definitions, spacing, known, customers, clock, position, difference, labels, refolds: 0, reread: 0 }
    }

    /// Stores the placed events and brings every touched customer up to date.
    pub fn fold(&mut self, placed: Vec<Placed>, changes: &Changes) -> Result<Folded> {
        let mut by_customer = self.store(&placed)?;
        let touched: BTreeSet<IdentifierKey> = by_customer.keys().copied().chain(changes.customers()).collect();
        let changed = Vec::from_iter(touched);
        for keys in changed.chunks(AT_A_TIME) {
            let read = |key: &IdentifierKey| self.read(*key, by_customer.remove(key).unwrap_or_default(), changes);
            let touched = keys.iter().map(read).collect::<Result<Vec<_>>>()?;
            for advanced in self.now().advance_all(touched, self.difference)? {
                self.write(advanced)?;
            }
        }
        std::mem::take(&mut self.labels).write(self.tx)?;
        Ok(Folded { refolds: self.refolds, reread: self.reread, changed })
    }

    fn now(&self) -> Now<'a> {
        Now { definitions: self.definitions, clock: self.clock }
    }

    /// Writes the new timeline rows in key order, and gathers the events by customer.
    fn store<'p>(&mut self, placed: &'p [Placed]) -> Result<BTreeMap<IdentifierKey, NewEvents<'p>>> {
        let anchored = placed.iter().filter_map(|placed| Some((placed.anchor?, placed)));
        let mut anchored: Vec<_> = anchored.collect();
        anchored.sort_unstable_by(|left, right| (left.0, &left.1.ready.key).cmp(&(right.0, &right.1.ready.key)));
        let stored = |(anchor, placed): &(IdentifierKey, &'p Placed)| {
            let Placed { position, ready: Ready { key, event, .. }, .. } = placed;
            Stored { anchor: *anchor, event: key.as_bytes(), position: *position, json: event.touchpoint.json() }
        };
        timeline::insert_all(self.tx, &anchored.iter().map(stored).collect::<Vec<_>>())?;
        let mut by_customer: BTreeMap<IdentifierKey, NewEvents<'p>> = BTreeMap::new();
        for (anchor, placed) in anchored {
            let customer = customer_of(
                self.tx,
                &mut self.known.ids,
                &mut self.known.claims,
                self.definitions.rules.visit,
                anchor,
                &placed.ready.key,
            )?;
            by_customer.entry(customer).or_default().push(placed);
        }
        for events in by_customer.values_mut() {
            events.sort_unstable_by(|left, right| left.ready.key.cmp(&right.ready.key));
        }
        Ok(by_customer)
    }

    /// Reads what a customer is brought up to date from. One that needs more than its row is folded on the way.
    fn read<'p>(&mut self, key: IdentifierKey, new: NewEvents<'p>, changes: &Changes) -> Result<Touched<'p>> {
        let held = self.customers.take(self.tx, key)?;
        let from = differs_from(held.as_ref(), &new, changes.refolded_from(key));
        let events = held.as_ref().map_or(0, Held::events) + new.len() as u64;
        if from.is_none() && events < self.spacing.from {
            let grew = changes.regrouped.contains(&key);
            let is_somebody = held.is_some() || !new.is_empty();
            let identity = (is_somebody && (grew || held.is_none())).then(|| self.regroup(key, grew)).transpose()?;
            return Ok(Touched { key, next: Next::Append { before: held, new, identity } });
        }
        let mut before = held.map(|held| held.into_customer(key, self.definitions, self.clock)).transpose()?;
        let shown = before.as_mut().map(|before| std::mem::take(&mut before.shown));
        let after = match from {
            None => self.append(key, before, new, changes.regrouped.contains(&key))?,
            Some(from) => {
                self.refolds += 1;
                self.refold(key, before.as_ref(), &from, new)?
            }
        };
        Ok(Touched { key, next: Next::Folded { before: shown, after } })
    }

    /// Takes later events into a long timeline, which leaves snapshots on the way.
    fn append(
        &mut self,
        key: IdentifierKey,
        before: Option<Customer>,
        new: NewEvents<'_>,
        grew: bool,
    ) -> Result<Option<Customer>> {
        let is_new = before.is_none();
        let Some(mut customer) = begin(before, &new, self.definitions) else { return Ok(None) };
        if customer.states.due(&self.definitions.journeys).is_some_and(|due| due <= self.clock) {
            // What silence made since the last event may be wrong with the new ones.
            self.facts(key).take_back(&customer.last, &customer.first, self.difference)?;
        }
        let mut facts = Vec::new();
        let mut snapshots = Snapshots::of(self.tx, key, self.spacing);
        for Placed { ready, .. } in new {
            self.take_in(key, &mut customer, &ready.key, &ready.event, &mut facts, &mut snapshots)?;
        }
        snapshots.write()?;
        self.facts(key).write(&mut facts, &customer.first, self.difference)?;
        if grew || is_new {
            customer.states.identity = self.regroup(key, grew)?;
        }
        Ok(Some(customer))
    }

    pub(crate) fn take_in(
        &mut self,
        key: IdentifierKey,
        customer: &mut Customer,
        event_key: &OrderKey,
        event: &Event,
        facts: &mut Vec<FactChange>,
        snapshots: &mut Snapshots<'_, '_>,
    ) -> Result<()> {
        customer.take_in(event, event_key, &self.definitions.journeys, facts);
        snapshots.pass(event_key, customer.events, &customer.states)?;
        if facts.len() >= MOST_GATHERED {
            self.facts(key).write(facts, &customer.first, self.difference)?;
        }
        Ok(())
    }

    pub(crate) fn facts(&self, customer: IdentifierKey) -> Facts<'a, 'tx> {
        Facts { tx: self.tx, customer, zone: &self.definitions.zone }
    }

    /// Writes the customer, and the facts of its fold and of the silence since the last event.
    fn write(&mut self, advanced: Advanced) -> Result<()> {
        let Advanced { key, silent_since, mut facts, labels, due_before, after } = advanced;
        self.labels.change(key, labels);
        let Some(Stands { customer, stored }) = after else { return self.customers.delete(self.tx, key) };
        if let Some(last) = silent_since {
            self.facts(key).take_back(&last, &customer.first, self.difference)?;
        }
        self.facts(key).write(&mut facts, &customer.first, self.difference)?;
        self.customers.put(self.tx, key, customer, stored, due_before, self.position)
    }

    /// What the customer is made of.
    pub(crate) fn regroup(&mut self, key: IdentifierKey, grew: bool) -> Result<Identity> {
        let members = identifiers::members(self.tx, key)?;
        let devices = match (&members[..], grew) {
            ([], _) => vec![key],
            // Whoever claims a device for the first time has grown by it.
            ([member], false) => decisions::given_to(self.tx, *member)?,
            _ => timeline::devices_of(self.tx, &members)?,
        };
        let mut named = |keys: Vec<IdentifierKey>| -> Result<Vec<Identifier>> {
            keys.into_iter()
                .map(|key| Ok(self.known.ids.get(self.tx, key)?.usable.to_identifier(&self.definitions.rules)))
                .collect()
        };
        Ok(Identity::new(named(members)?, named(devices)?))
    }

    /// Lets silence fall on a customer, up to the clock, which was `since`.
    pub fn fall_silent(&mut self, key: IdentifierKey, since: Timestamp) -> Result<bool> {
        let Some(held) = self.customers.take(self.tx, key)? else { return Ok(false) };
        let mut customer = held.into_customer(key, self.definitions, since)?;
        let before = Some(std::mem::take(&mut customer.shown));
        let mut facts = Vec::new();
        let then = customer.states.at(since, &self.definitions.journeys, &mut facts).into_owned();
        facts.clear();
        let changes = then.due(&self.definitions.journeys).is_some_and(|due| due <= self.clock);
        then.at(self.clock, &self.definitions.journeys, &mut facts);
        let advanced = self.now().come_to(key, before, customer, Vec::new(), self.difference);
        // Those of the silence before are written already.
        self.write(Advanced { facts, ..advanced })?;
        Ok(changes)
    }
}

/// The first event at which the timeline is not what is folded and then the new events; `None` if it is just that.
fn differs_from(before: Option<&Held>, new: &NewEvents<'_>, changed: Option<&OrderKey>) -> Option<OrderKey> {
    let first = new.first().map(|first| &first.ready.key);
    let is_late = before.zip(first).is_some_and(|(before, first)| first <= before.last());
    match (changed, first) {
        (Some(changed), Some(first)) => Some(changed.min(first).clone()),
        (Some(changed), None) => Some(changed.clone()),
        (None, Some(first)) if is_late => Some(first.clone()),
        (None, _) => None,
    }
}
