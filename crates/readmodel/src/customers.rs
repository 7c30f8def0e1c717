//! Customers and what the models know of them: rows, read through a bounded cache and written once per batch.

use hashlink::LruCache;
use rapport_customer::{FactChange, JourneyMaps, Model, States};
use rapport_touchpoint::{Event, OrderKey, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction};

use crate::Definitions;
use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;
use crate::shown::{Encoded, Shown};

/// Memory that cached customers take, about.
const MOST_CACHED_BYTES: usize = 64 * 1024 * 1024;
/// A state in memory is so many times as large as its bytes, about; these are kept beside it.
const STATE_TO_BYTES: usize = 4;

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

impl Customer {
    /// One whose first event is still to be taken in.
    pub fn without_events(first: OrderKey, definitions: &Definitions) -> Self {
        let states = States::new(&definitions.models, &definitions.journeys);
        Self { last: first.clone(), first, events: 0, states, shown: Shown::default() }
    }

    /// Takes in its next event.
    pub fn take_in(&mut self, event: &Event, key: &OrderKey, maps: &JourneyMaps, facts: &mut Vec<FactChange>) {
        self.states.fold(event, key, maps, facts);
        self.events += 1;
        self.last.clone_from(key);
    }

    fn bytes(&self) -> usize {
        let encoded: usize = self.shown.encoded.iter().map(|encoded| encoded.bytes.len()).sum();
        size_of::<Self>() + (STATE_TO_BYTES + 1) * encoded
    }
}

/// A customer as it is at hand.
pub(crate) enum Held {
    Folded(Customer),
    Stored(Stored),
}

impl Held {
    pub fn last(&self) -> &OrderKey {
        match self {
            Self::Folded(customer) => &customer.last,
            Self::Stored(stored) => &stored.last,
        }
    }

    pub fn events(&self) -> u64 {
        match self {
            Self::Folded(customer) => customer.events,
            Self::Stored(stored) => stored.events,
        }
    }

    /// Reads its states, and what it shows at the clock.
    pub fn into_customer(self, key: IdentifierKey, definitions: &Definitions, clock: Timestamp) -> Result<Customer> {
        match self {
            Self::Folded(customer) => Ok(customer),
            Self::Stored(stored) => stored.into_customer(key, definitions, clock),
        }
    }
}

/// A customer as its row says.
pub(crate) struct Stored {
    first: OrderKey,
    last: OrderKey,
    events: u64,
    due: Option<Timestamp>,
    /// By the models' numbers.
    states: [Option<Vec<u8>>; Model::ALL.len()],
}

impl Stored {
    fn read(connection: &Connection, key: IdentifierKey) -> Result<Option<Self>> {
        let mut find = connection
            .prepare_cached(&format!("SELECT first, last, events, due, {STATES} FROM customers WHERE id = ?1"))?;
        let read = |row: &Row<'_>| {
            Ok(Self {
                first: OrderKey::from_bytes(row.get(0)?),
                last: OrderKey::from_bytes(row.get(1)?),
                events: row.get(2)?,
                due: row.get::<_, Option<i64>>(3)?.and_then(Timestamp::from_nanos),
                states: [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
            })
        };
        Ok(find.query_row([key], read).optional()?)
    }

    fn into_customer(self, key: IdentifierKey, definitions: &Definitions, clock: Timestamp) -> Result<Customer> {
        let Self { first, last, events, due, states } = self;
        let states = decoded(key, definitions, |model| Ok(states[usize::from(model.number())].as_deref()))?;
        let now = states.at(clock, &definitions.journeys, &mut Vec::new());
        let mut shown = Shown::of(&now, &first, definitions);
        shown.due = due;
        Ok(Customer { first, last, events, states, shown })
    }
}

/// The customers who were folded last, as they stand in the file.
pub(crate) struct Customers {
    cache: LruCache<IdentifierKey, Customer>,
    bytes: usize,
}

impl Default for Customers {
    fn default() -> Self {
        Self { cache: LruCache::new_unbounded(), bytes: 0 }
    }
}

impl Customers {
    /// After a failed batch: nothing that was not committed may be remembered.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the customer out of the cache, or reads it.
    pub fn take(&mut self, tx: &Transaction<'_>, key: IdentifierKey) -> Result<Option<Held>> {
        match self.cache.remove(&key) {
            Some(customer) => {
                self.bytes -= customer.bytes();
                Ok(Some(Held::Folded(customer)))
            }
            None => Ok(Stored::read(tx, key)?.map(Held::Stored)),
        }
    }

    /// `stored` are the states after the latest event, if the clock shows others; `due_before` is the moment in the row, if there is a row.
    pub fn put(
        &mut self,
        tx: &Transaction<'_>,
        key: IdentifierKey,
        customer: Customer,
        stored: Option<Vec<Encoded>>,
        due_before: Option<Option<Timestamp>>,
        position: u64,
    ) -> Result<()> {
        let Customer { first, last, events, shown, .. } = &customer;
        let states = stored.as_ref().unwrap_or(&shown.encoded);
        let row = CustomerRow { first, last, events: *events, due: shown.due, changed: position, states };
        row.write(tx, key, due_before)?;
        self.bytes += customer.bytes();
        self.cache.insert(key, customer);
        while self.bytes > MOST_CACHED_BYTES
            && let Some((_, oldest)) = self.cache.remove_lru()
        {
            self.bytes -= oldest.bytes();
        }
        Ok(())
    }

    pub fn delete(&mut self, tx: &Transaction<'_>, key: IdentifierKey) -> Result<()> {
        tx.prepare_cached("DELETE FROM customers WHERE id = ?1")?.execute([key])?;
        Ok(())
    }
}

/// What stands of a customer in its row.
pub(crate) struct CustomerRow<'a> {
    pub first: &'a OrderKey,
    pub last: &'a OrderKey,
    pub events: u64,
    pub due: Option<Timestamp>,
    pub changed: u64,
    /// After the latest event.
    pub states: &'a [Encoded],
}

impl CustomerRow<'_> {
    /// `due_before` is the moment in the row, if there is a row.
    pub fn write(&self, tx: &Transaction<'_>, key: IdentifierKey, due_before: Option<Option<Timestamp>>) -> Result<()> {
        let due = self.due.map(Timestamp::nanos);
        let state = |model: Model| self.states.iter().find(|state| state.model == model).map(|state| &state.bytes);
        let states = Model::ALL.map(state);
        let [identity, profile, journey, feedback] = &states;
        let (first, last) = (self.first.as_bytes(), self.last.as_bytes());
        let mut values: Vec<&dyn ToSql> =
            vec![&key, &first, &last, &self.events, &self.changed, identity, profile, journey, feedback];
        let sql = match due_before {
            None => "INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?10, ?5, ?6, ?7, ?8, ?9)",
            // An update touches the indexes of all columns that it sets.
            Some(before) if before == self.due => {
                "UPDATE customers SET first = ?2, last = ?3, events = ?4, changed = ?5,
                 identity = ?6, profile = ?7, journey = ?8, feedback = ?9 WHERE id = ?1"
            }
            Some(_) => {
                "UPDATE customers SET first = ?2, last = ?3, events = ?4, changed = ?5,
                 identity = ?6, profile = ?7, journey = ?8, feedback = ?9, due = ?10 WHERE id = ?1"
            }
        };
        if due_before != Some(self.due) {
            values.push(&due);
        }
        tx.prepare_cached(sql)?.execute(&values[..])?;
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

/// The state of a model as it stands in a row whose columns from this one on are those of [`STATES`].
pub(crate) fn state<'r>(row: &'r Row<'_>, from: usize, model: Model) -> rusqlite::Result<Option<&'r [u8]>> {
    let value = row.get_ref(from + usize::from(model.number()))?;
    Ok((value != ValueRef::Null).then(|| value.as_bytes().unwrap_or_default()))
}

/// The columns of states, in the order of the models' numbers.
pub(crate) const STATES: &str = "identity, profile, journey, feedback";

/// What the models know of a customer after its last event, from such a row.
pub(crate) fn states(row: &Row<'_>, from: usize, key: IdentifierKey, definitions: &Definitions) -> Result<States> {
    decoded(key, definitions, |model| Ok(state(row, from, model)?))
}

fn decoded<'b>(
    key: IdentifierKey,
    definitions: &Definitions,
    bytes_of: impl Fn(Model) -> Result<Option<&'b [u8]>>,
) -> Result<States> {
    // Each model that is folded is read.
    let mut states = States::new(&[], &definitions.journeys);
    for model in &definitions.models {
        let broken = |why: &str| ReadModelError::corrupt(format!("the {} of customer {}: {why}", model.name(), key.0));
        let bytes = bytes_of(*model)?.ok_or_else(|| broken("there is none"))?;
        states.decode(*model, bytes).map_err(|error| broken(&error.to_string()))?;
    }
    Ok(states)
}
