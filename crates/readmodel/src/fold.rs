//! Folding: each touched customer once per batch, by appending where that is the same as folding anew.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::Identity;
use rapport_customer::{Digest, Model, State};
use rapport_touchpoint::{Event, Identifier, OrderKey};
use rusqlite::Transaction;

use crate::Definitions;
use crate::customers::{Customer, Customers};
use crate::error::Result;
use crate::identifiers::{self, IdentifierKey, Identifiers};
use crate::identity::{Changes, Placed, customer_of};
use crate::timeline::{self, Direction, Merge};
use crate::totals::Difference;

/// New events of one customer, in the order of events.
type NewEvents = Vec<(OrderKey, Event)>;

/// Stores the placed events and brings every touched customer up to date. Returns how many were folded anew.
pub(crate) fn fold(
    tx: &Transaction<'_>,
    definitions: &Definitions,
    ids: &mut Identifiers,
    customers: &mut Customers,
    (placed, changes): (Vec<Placed>, Changes),
    difference: &mut Difference,
) -> Result<u64> {
    let mut by_customer = store(tx, ids, placed)?;
    let touched: BTreeSet<IdentifierKey> =
        by_customer.keys().chain(&changes.refold).chain(&changes.regrouped).copied().collect();
    let mut refolds = 0;
    for key in touched {
        let new = by_customer.remove(&key).unwrap_or_default();
        let before = customers.take(tx, key, &definitions.models)?;
        if let Some(before) = &before {
            for (state, digest) in &before.states {
                difference.totals.subtract_all(&state.contributes());
                difference.digest_loses(state.model(), *digest);
            }
        }
        let appends = !changes.refold.contains(&key) && continues(before.as_ref(), &new);
        let after = if appends {
            let grew = changes.regrouped.contains(&key);
            let is_new = before.is_none();
            let mut after = append(before, new, &definitions.models);
            if grew || is_new {
                regroup(tx, key, definitions, ids, after.as_mut(), grew)?;
            }
            after
        } else {
            refolds += 1;
            refold(tx, key, definitions, ids)?
        };
        let Some(mut after) = after else {
            customers.delete(tx, key)?;
            continue;
        };
        let mut encoded = Vec::with_capacity(after.states.len());
        for (state, digest) in &mut after.states {
            let bytes = state.encode();
            *digest = Digest::of(&after.first, state, &bytes);
            difference.totals.add_all(&state.contributes());
            difference.digest_gains(state.model(), *digest);
            encoded.push(bytes);
        }
        customers.put(tx, key, after, &encoded)?;
    }
    Ok(refolds)
}

/// Writes the new timeline rows in key order, and gathers the events by customer.
fn store(
    tx: &Transaction<'_>,
    ids: &mut Identifiers,
    placed: Vec<Placed>,
) -> Result<BTreeMap<IdentifierKey, NewEvents>> {
    let mut anchored = Vec::with_capacity(placed.len());
    for Placed { position, ready, anchor } in placed {
        let Some(anchor) = anchor else { continue };
        anchored.push((anchor, ready.key, position, ready.event));
    }
    anchored.sort_unstable_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
    let mut by_customer: BTreeMap<IdentifierKey, NewEvents> = BTreeMap::new();
    for (anchor, key, position, event) in anchored {
        timeline::insert(tx, anchor, &key, position, event.touchpoint.json())?;
        let customer = customer_of(tx, ids, anchor, &key)?;
        by_customer.entry(customer).or_default().push((key, event));
    }
    for events in by_customer.values_mut() {
        events.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    }
    Ok(by_customer)
}

/// Do the new events follow everything that is folded?
fn continues(before: Option<&Customer>, new: &NewEvents) -> bool {
    match (before, new.first()) {
        (Some(before), Some((first, _))) => before.last < *first,
        (_, None) | (None, _) => true,
    }
}

fn append(before: Option<Customer>, new: NewEvents, models: &[Model]) -> Option<Customer> {
    let mut customer = match (before, new.first()) {
        (Some(before), _) => before,
        (None, Some((first, _))) => empty(first.clone(), models),
        (None, None) => return None,
    };
    for (key, event) in new {
        take_in(&mut customer, key, &event);
    }
    Some(customer)
}

fn refold(
    tx: &Transaction<'_>,
    key: IdentifierKey,
    definitions: &Definitions,
    ids: &mut Identifiers,
) -> Result<Option<Customer>> {
    let mut timeline = Merge::new(tx, timeline::sources_of(tx, key)?, Direction::OldestFirst)?;
    let mut customer: Option<Customer> = None;
    while let Some(row) = timeline.next()? {
        let event = row.read(definitions)?;
        let customer = customer.get_or_insert_with(|| empty(row.event.clone(), &definitions.models));
        take_in(customer, row.event, &event);
    }
    regroup(tx, key, definitions, ids, customer.as_mut(), true)?;
    Ok(customer)
}

fn empty(first: OrderKey, models: &[Model]) -> Customer {
    let states = models.iter().map(|model| (model.empty(), Digest::default())).collect();
    Customer { last: first.clone(), first, events: 0, states }
}

fn take_in(customer: &mut Customer, key: OrderKey, event: &Event) {
    for (state, _) in &mut customer.states {
        state.fold(event);
    }
    customer.events += 1;
    customer.last = key;
}

/// Says anew what the customer is made of.
fn regroup(
    tx: &Transaction<'_>,
    key: IdentifierKey,
    definitions: &Definitions,
    ids: &mut Identifiers,
    customer: Option<&mut Customer>,
    grew: bool,
) -> Result<()> {
    let Some(customer) = customer else { return Ok(()) };
    let members = identifiers::members(tx, key)?;
    let devices = match (&members[..], grew) {
        ([], _) => vec![key],
        // Whoever claims a device for the first time has grown by it.
        ([_], false) => Vec::new(),
        _ => timeline::devices_of(tx, &members)?,
    };
    let mut named = |keys: Vec<IdentifierKey>| -> Result<Vec<Identifier>> {
        keys.into_iter().map(|key| Ok(ids.get(tx, key)?.usable.to_identifier(&definitions.rules))).collect()
    };
    let identity = Identity::new(named(members)?, named(devices)?);
    let state = customer.states.iter_mut().find(|(state, _)| state.model() == Model::Identity);
    if let Some((state, _)) = state {
        *state = State::Identity(identity);
    }
    Ok(())
}
