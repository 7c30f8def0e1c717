//! Customers and what the models know of them: rows, read through a bounded cache and written once per batch.

use std::collections::HashMap;

use rapport_customer::{Digest, Model, State};
use rapport_touchpoint::OrderKey;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;

/// Customers kept in memory; beyond this many the cache starts anew. A state is a few kilobytes at most.
const MOST_CACHED: usize = 8_000;

/// One customer with its folded states.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Earliest and latest event.
    pub first: OrderKey,
    pub last: OrderKey,
    pub events: u64,
    /// One for each model, with what it adds to the model's digest.
    pub states: Vec<(State, Digest)>,
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
    pub fn take(&mut self, tx: &Transaction<'_>, key: IdentifierKey, models: &[Model]) -> Result<Option<Customer>> {
        match self.cache.remove(&key) {
            Some(customer) => Ok(Some(customer)),
            None => load(tx, key, models),
        }
    }

    pub fn put(
        &mut self,
        tx: &Transaction<'_>,
        key: IdentifierKey,
        customer: Customer,
        encoded: &[Vec<u8>],
    ) -> Result<()> {
        tx.prepare_cached("INSERT OR REPLACE INTO customers VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            key,
            customer.first.as_bytes(),
            customer.last.as_bytes(),
            customer.events
        ])?;
        let mut write = tx.prepare_cached("INSERT OR REPLACE INTO states VALUES (?1, ?2, ?3)")?;
        for ((state, _), bytes) in customer.states.iter().zip(encoded) {
            write.execute(params![key, state.model().number(), bytes])?;
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

pub(crate) fn load(connection: &Connection, key: IdentifierKey, models: &[Model]) -> Result<Option<Customer>> {
    let mut find = connection.prepare_cached("SELECT first, last, events FROM customers WHERE id = ?1")?;
    let row = find.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((first, last, events)) = row else { return Ok(None) };
    let (first, last) = (OrderKey::from_bytes(first), OrderKey::from_bytes(last));
    let mut states = Vec::with_capacity(models.len());
    let mut read = connection.prepare_cached("SELECT state FROM states WHERE customer = ?1 AND model = ?2")?;
    for model in models {
        let bytes: Vec<u8> = read.query_row(params![key, model.number()], |row| row.get(0))?;
        let state = model
            .decode(&bytes)
            .map_err(|error| ReadModelError::corrupt(format!("the {} of customer {}: {error}", model.name(), key.0)))?;
        let digest = Digest::of(&first, &state, &bytes);
        states.push((state, digest));
    }
    Ok(Some(Customer { first, last, events, states }))
}
