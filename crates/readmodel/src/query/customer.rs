//! Questions about one customer: who has a name now, and what the models know of them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rapport_customer::States;
use rapport_customer::identity::{CustomerId, Usable};
use rapport_touchpoint::{Identifier, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Answer, Reader, STANDING, STANDING_COLUMNS, Standing, standing_of};
use crate::error::{ReadModelError, Result};
use crate::identifiers::{self, IdentifierKey};
use crate::{CustomerKey, claims, customers};

/// Where the read model stands, and the customer whose person identifier is asked for.
fn at_once(condition: &str) -> String {
    format!(
        "SELECT {STANDING}, named.root, customers.events, {}
         FROM checkpoint JOIN identifiers AS named ON {condition} LEFT JOIN customers ON customers.id = named.root",
        customers::STATES
    )
}

static AT_ONCE_BY_ALIAS: LazyLock<String> = LazyLock::new(|| at_once("named.alias = ?1"));
static AT_ONCE_BY_NAME: LazyLock<String> = LazyLock::new(|| at_once("named.kind = ?1 AND named.value = ?2"));

/// How a customer is called in a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// For how long a customer has the name by which it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenure {
    /// A person's identifier: until the customer changes.
    UntilItChanges,
    /// A device's: until somebody else claims it, which need not change whom it was taken from.
    UntilClaimed,
}

impl Reader {
    pub fn customer(&self, name: &CustomerName) -> Result<Answer<Option<CustomerAnswer>>> {
        Ok(self.customer_and_tenure(name)?.0)
    }

    pub fn customer_and_tenure(&self, name: &CustomerName) -> Result<(Answer<Option<CustomerAnswer>>, Tenure)> {
        if let Some(answer) = self.on_one(|connection| self.customer_at_once(connection, name))? {
            return Ok((answer, Tenure::UntilItChanges));
        }
        let answer = self.ask_at(|connection, clock| {
            let Some(key) = self.resolve(connection, name)? else { return Ok(None) };
            self.answer(connection, clock, key)
        })?;
        Ok((answer, Tenure::UntilClaimed))
    }

    /// One statement, which is a read transaction of its own, finds nearly all who are asked for. `None` if the name may be
    /// a device's, whose customer takes more to find.
    fn customer_at_once(
        &self,
        connection: &Connection,
        name: &CustomerName,
    ) -> Result<Option<Answer<Option<CustomerAnswer>>>> {
        let definitions = &self.shared.definitions;
        let mut find;
        let mut rows = match name {
            CustomerName::Id(id) => {
                find = connection.prepare_cached(&AT_ONCE_BY_ALIAS)?;
                find.query([id.0])?
            }
            CustomerName::Identifier(identifier) => {
                let Some(usable) = Usable::of(identifier, &definitions.rules) else { return Ok(None) };
                find = connection.prepare_cached(&AT_ONCE_BY_NAME)?;
                find.query(params![usable.kind.0, usable.value])?
            }
        };
        let Some(row) = rows.next()? else { return Ok(None) };
        let Some(key) = row.get(STANDING_COLUMNS)? else { return Ok(None) };
        let Standing { position, clock, due } = standing_of(row)?;
        let Some(events) = row.get(STANDING_COLUMNS + 1)? else {
            return Ok(Some(Answer { position, clock, due, content: None }));
        };
        let states = self.shown(row, STANDING_COLUMNS + 2, key, clock)?;
        // The transaction goes on for as long as the row is there.
        let id = self.id_of(connection, key)?;
        let customer = CustomerAnswer { id, key: CustomerKey(key), events, states };
        Ok(Some(Answer { position, clock, due, content: Some(customer) }))
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
        let mut find =
            connection.prepare_cached(&format!("SELECT events, {} FROM customers WHERE id = ?1", customers::STATES))?;
        let mut rows = find.query([key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (events, states) = (row.get(0)?, self.shown(row, 1, key, clock)?);
        Ok(Some(CustomerAnswer { id: self.id_of(connection, key)?, key: CustomerKey(key), events, states }))
    }

    /// The states of a row, at the clock.
    fn shown(&self, row: &Row<'_>, from: usize, key: IdentifierKey, clock: Timestamp) -> Result<States> {
        let definitions = &self.shared.definitions;
        let mut states = customers::states(row, from, key, definitions)?;
        states.let_pass(clock, &definitions.journeys, &mut Vec::new());
        Ok(states)
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
        // To sort them takes SQLite longer than to find them.
        let mut members =
            connection.prepare_cached("SELECT first, kind, value, alias FROM identifiers WHERE root = ?1")?;
        let from_row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let mut oldest: Option<(Vec<u8>, u32, String, [u8; 16])> = None;
        for member in members.query_map([customer], from_row)? {
            let member = member?;
            oldest = Some(match oldest {
                Some(oldest) => oldest.min(member),
                None => member,
            });
        }
        if let Some((.., id)) = oldest {
            return Ok(CustomerId(id));
        }
        let mut own = connection.prepare_cached("SELECT alias FROM identifiers WHERE id = ?1")?;
        own.query_row([customer], |row| row.get(0)).optional()?.map(CustomerId).ok_or_else(|| no_identifier(customer))
    }
}

fn no_identifier(customer: IdentifierKey) -> ReadModelError {
    ReadModelError::corrupt(format!("customer {} has no identifier", customer.0))
}
