//! Refolding: a customer whose events are not those before plus later ones is folded anew, from the newest snapshot before
//! the first event that is new, gone or elsewhere.

use rapport_touchpoint::OrderKey;

use crate::customers::Customer;
use crate::error::Result;
use crate::fold::{Folding, NewEvents};
use crate::identifiers::IdentifierKey;
use crate::shown::Shown;
use crate::snapshots::Snapshots;
use crate::timeline::{self, Direction, Merge};

impl Folding<'_, '_> {
    /// `from` is the first event at which the timeline differs from what is folded; `new` are events of it that are at hand.
    pub(crate) fn refold(
        &mut self,
        key: IdentifierKey,
        before: Option<&Customer>,
        from: &OrderKey,
        new: NewEvents<'_>,
    ) -> Result<Option<Customer>> {
        let mut snapshots = Snapshots::of(self.tx, key, self.spacing);
        let is_customer = timeline::is_customer(self.tx, key)?;
        let mut folded = match before {
            Some(before) if is_customer => self.resume(key, before, from, &mut snapshots)?,
            Some(before) => self.resume(key, before, &OrderKey::MIN, &mut snapshots)?,
            None => None,
        };
        if !is_customer {
            return Ok(None);
        }
        let after = folded.as_ref().map_or(OrderKey::MIN, |customer| timeline::just_after(&customer.last));
        let sources = timeline::sources_of(self.tx, key, &after, self.definitions.rules.visit)?;
        let mut timeline = Merge::new(self.tx, sources, Direction::OldestFirst)?;
        let mut new = new.into_iter().peekable();
        let mut facts = Vec::new();
        while let Some(row) = timeline.next()? {
            let event_key = row.event.clone();
            let reread;
            let event = match new.next_if(|placed| placed.ready.key == event_key) {
                Some(placed) => &placed.ready.event,
                None => {
                    self.reread += 1;
                    reread = row.into_event(self.definitions)?;
                    &reread
                }
            };
            let customer = folded.get_or_insert_with(|| Customer::without_events(event_key.clone(), self.definitions));
            self.take_in(key, customer, &event_key, event, &mut facts, &mut snapshots)?;
        }
        let Some(mut customer) = folded else { return Ok(None) };
        snapshots.write()?;
        self.facts(key).write(&mut facts, &customer.first, self.difference)?;
        customer.states.identity = self.regroup(key, true)?;
        Ok(Some(customer))
    }

    /// The customer as it was at the newest snapshot before an event, with the facts that it had then; `None` if there is no
    /// snapshot, and then no fact is left either.
    fn resume(
        &mut self,
        key: IdentifierKey,
        before: &Customer,
        event: &OrderKey,
        snapshots: &mut Snapshots<'_, '_>,
    ) -> Result<Option<Customer>> {
        let Some(snapshot) = snapshots.back_to(event)? else {
            self.facts(key).take_back(&OrderKey::MIN, &before.first, self.difference)?;
            return Ok(None);
        };
        let facts = self.facts(key);
        facts.take_back(&snapshot.event, &before.first, self.difference)?;
        facts.open_again(&snapshot.event, &before.first, self.difference)?;
        // The first event is at or before any snapshot, so it still is the first.
        Ok(Some(Customer {
            first: before.first.clone(),
            last: snapshot.event,
            events: snapshot.events,
            states: snapshot.states,
            shown: Shown::default(),
        }))
    }
}
