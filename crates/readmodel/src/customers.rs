//! Customers and what the models know of them: rows, read through a bounded cache and written once per batch.

use std::collections::{BTreeSet, HashMap};

use rapport_customer::{Digest, Model, States, Totals};
use rapport_touchpoint::{OrderKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::Definitions;
use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;

/// Customers kept in memory; beyond this many the cache starts anew. A customer is a few kilobytes at most.
const MOST_CACHED: usize = 8_000;

/// One customer with its folded states.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Earliest and latest event.
    pub first: OrderKey,
    pub last: OrderKey,
    pub events: u64,
    /// After the latest event.
    pub states: States,
    pub shown: Shown,
}

/// What stands of a customer outside its own rows, at the clock of the read model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub totals: Totals,
    pub labels: BTreeSet<String>,
    pub digests: Vec<(Model, Digest)>,
    /// At or before the next silence.
    pub due: Option<Timestamp>,
}

/// The states of each model that is folded, as bytes.
pub(crate) type Encoded = Vec<(Model, Vec<u8>)>;

pub(crate) fn encode(states: &States, models: &[Model]) -> Encoded {
    models.iter().filter_map(|model| Some((*model, states.encode(*model)?))).collect()
}

impl Shown {
    /// Of states at the clock, which are also given as bytes.
    pub fn of(states: &States, encoded: &Encoded, earliest: &OrderKey, definitions: &Definitions) -> Self {
        let Definitions { journeys, zone, .. } = definitions;
        let digest = |(model, bytes): &(Model, Vec<u8>)| (*model, Digest::of(earliest, *model, bytes));
        Self {
            totals: states.contributes(journeys, zone),
            labels: states.labels(journeys),
            digests: encoded.iter().map(digest).collect(),
            due: states.due(journeys),
        }
    }
}

#[derive(Default)]
pub(crate) struct Customers {
    cache: HashMap<IdentifierKey, Customer>,
}

impl Customers {
    /// Between batches: keeps memory bounded.
    pub fn trim(&mut self) {
        if self.cache.len() > MOST_CACHED {
            self.clear();
        }
    }

    /// After a failed batch: nothing that was not committed may be remembered.
    pub fn clear(&mut self) {
        self.cache.clear();
    }

    /// Takes the customer out of the cache, or reads it.
    pub fn take(
        &mut self,
        tx: &Transaction<'_>,
        key: IdentifierKey,
        definitions: &Definitions,
        clock: Timestamp,
    ) -> Result<Option<Customer>> {
        match self.cache.remove(&key) {
            Some(customer) => Ok(Some(customer)),
            None => load(tx, key, definitions, clock),
        }
    }

    pub fn put(
        &mut self,
        tx: &Transaction<'_>,
        key: IdentifierKey,
        customer: Customer,
        encoded: &Encoded,
        position: u64,
    ) -> Result<()> {
        // An update touches the indexes of the columns that change, where a replacement would touch them all.
        tx.prepare_cached(
            "INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET
             first = ?2, last = ?3, events = ?4, due = ?5, changed = ?6",
        )?
        .execute(params![
            key,
            customer.first.as_bytes(),
            customer.last.as_bytes(),
            customer.events,
            customer.shown.due.map(Timestamp::nanos),
            position,
        ])?;
        let mut write = tx.prepare_cached("INSERT OR REPLACE INTO states VALUES (?1, ?2, ?3)")?;
        for (model, bytes) in encoded {
            write.execute(params![key, model.number(), bytes])?;
        }
        self.cache.insert(key, customer);
        Ok(())
    }

    pub fn delete(&mut self, tx: &Transaction<'_>, key: IdentifierKey) -> Result<()> {
        tx.prepare_cached("DELETE FROM customers WHERE id = ?1")?.execute([key])?;
        tx.prepare_cached("DELETE FROM states WHERE customer = ?1")?.execute([key])?;
        Ok(())
    }
}

pub(crate) fn exists(connection: &Connection, key: IdentifierKey) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM customers WHERE id = ?1")?.exists([key])?)
}

/// The customer's earliest event; `None` if there is no such customer.
pub(crate) fn first(connection: &Connection, key: IdentifierKey) -> Result<Option<OrderKey>> {
    let mut find = connection.prepare_cached("SELECT first FROM customers WHERE id = ?1")?;
    Ok(find.query_row([key], |row| row.get(0)).optional()?.map(OrderKey::from_bytes))
}

/// The customer's earliest event, and how many there are; `None` if there is no such customer.
pub(crate) fn first_and_events(connection: &Connection, key: IdentifierKey) -> Result<Option<(OrderKey, u64)>> {
    let mut find = connection.prepare_cached("SELECT first, events FROM customers WHERE id = ?1")?;
    Ok(find.query_row([key], |row| Ok((OrderKey::from_bytes(row.get(0)?), row.get(1)?))).optional()?)
}

/// A moment at or before the next silence that changes something.
pub(crate) fn due(connection: &Connection) -> Result<Option<Timestamp>> {
    let mut find = connection.prepare_cached("SELECT min(due) FROM customers WHERE due IS NOT NULL")?;
    let due: Option<i64> = find.query_row([], |row| row.get(0))?;
    Ok(due.and_then(Timestamp::from_nanos))
}

pub(crate) fn load(
    connection: &Connection,
    key: IdentifierKey,
    definitions: &Definitions,
    clock: Timestamp,
) -> Result<Option<Customer>> {
    let mut find = connection.prepare_cached("SELECT first, last, events, due FROM customers WHERE id = ?1")?;
    let row = find.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Option<i64>>(3)?)));
    let Some((first, last, events, due)) = row.optional()? else { return Ok(None) };
    let (first, last) = (OrderKey::from_bytes(first), OrderKey::from_bytes(last));
    let mut states = States::new(&definitions.models, &definitions.journeys);
    let mut read = connection.prepare_cached("SELECT state FROM states WHERE customer = ?1 AND model = ?2")?;
    for model in &definitions.models {
        let bytes: Vec<u8> = read.query_row(params![key, model.number()], |row| row.get(0))?;
        states
            .decode(*model, &bytes)
            .map_err(|error| ReadModelError::corrupt(format!("the {} of customer {}: {error}", model.name(), key.0)))?;
    }
    let now = states.at(clock, &definitions.journeys, &mut Vec::new());
    let shown = Shown::of(&now, &encode(&now, &definitions.models), &first, definitions);
    let shown = Shown { due: due.and_then(Timestamp::from_nanos), ..shown };
    Ok(Some(Customer { first, last, events, states, shown }))
}
