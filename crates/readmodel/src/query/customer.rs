//! Questions about one customer: who has a name now, and what the models know of them.

use std::collections::BTreeSet;

use rapport_customer::States;
use rapport_customer::identity::{CustomerId, Usable};
use rapport_touchpoint::{Identifier, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::{Answer, Reader};
use crate::error::{ReadModelError, Result};
use crate::identifiers::{self, IdentifierKey};
use crate::{CustomerKey, claims, customers};

/// How a customer is called in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerName {
    /// Its id, current or former.
    Id(CustomerId),
    Identifier(Identifier),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CustomerAnswer {
    /// Made from the oldest identifier.
    pub id: CustomerId,
    pub key: CustomerKey,
    pub events: u64,
    /// At the clock of the answer.
    pub states: States,
}

impl Reader {
    pub fn customer(&self, name: &CustomerName) -> Result<Answer<Option<CustomerAnswer>>> {
        self.ask_at(|connection, clock| {
            let Some(key) = self.resolve(connection, name)? else { return Ok(None) };
            self.answer(connection, clock, key)
        })
    }

    /// The customers that have these identifiers now, each once; in this order.
    pub fn customers_of(&self, identifiers: &[Identifier]) -> Result<Answer<Vec<CustomerAnswer>>> {
        self.ask_at(|connection, clock| {
            let (mut met, mut customers) = (BTreeSet::new(), Vec::new());
            for identifier in identifiers {
                let name = CustomerName::Identifier(identifier.clone());
                let Some(key) = self.resolve(connection, &name)?.filter(|key| met.insert(*key)) else { continue };
                customers.extend(self.answer(connection, clock, key)?);
            }
            Ok(customers)
        })
    }

    /// A customer, at the clock of the read model.
    pub(super) fn answer(
        &self,
        connection: &Connection,
        clock: Timestamp,
        key: IdentifierKey,
    ) -> Result<Option<CustomerAnswer>> {
        let definitions = &self.shared.definitions;
        let mut find =
            connection.prepare_cached(&format!("SELECT events, {} FROM customers WHERE id = ?1", customers::STATES))?;
        let mut rows = find.query([key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (events, mut states) = (row.get(0)?, customers::states(row, 1, key, definitions)?);
        states.let_pass(clock, &definitions.journeys, &mut Vec::new());
        Ok(Some(CustomerAnswer { id: self.id_of(connection, key)?, key: CustomerKey(key), events, states }))
    }

    /// The customer that has this name now.
    pub(super) fn resolve(&self, connection: &Connection, name: &CustomerName) -> Result<Option<IdentifierKey>> {
        let Some(found) = self.named_by(connection, name)?.filter(|found| !found.void) else { return Ok(None) };
        if found.root.is_some() {
            return Ok(found.root);
        }
        match claims::last(connection, found.key)? {
            Some(claim) => Ok(identifiers::by_key(connection, claim.by)?.root),
            None => Ok(Some(found.key)),
        }
    }

    /// The identifier of that name, or that gives that id.
    pub(super) fn named_by(
        &self,
        connection: &Connection,
        name: &CustomerName,
    ) -> Result<Option<identifiers::Identifier>> {
        match name {
            CustomerName::Id(id) => identifiers::by_alias(connection, *id),
            CustomerName::Identifier(identifier) => match Usable::of(identifier, &self.shared.definitions.rules) {
                Some(usable) => identifiers::by_name(connection, &usable),
                None => Ok(None),
            },
        }
    }

    /// The id that a customer's oldest person identifier gives it; of a device that nobody claimed, its own.
    pub(super) fn id_of(&self, connection: &Connection, customer: IdentifierKey) -> Result<CustomerId> {
        let oldest = "SELECT alias FROM identifiers WHERE root = ?1 ORDER BY first, kind, value LIMIT 1";
        let own = "SELECT alias FROM identifiers WHERE id = ?1";
        for sql in [oldest, own] {
            let mut find = connection.prepare_cached(sql)?;
            if let Some(id) = find.query_row([customer], |row| row.get(0)).optional()? {
                return Ok(CustomerId(id));
            }
        }
        Err(ReadModelError::corrupt(format!("customer {} has no identifier", customer.0)))
    }
}
