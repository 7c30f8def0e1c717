//! All touchpoints, customer by customer in the order of their keys, each in the order of events; a stretch at a time.
//!
//! Each stretch is one read transaction. A customer who is joined or parted between two of them is told as it is then.

use rapport_customer::identity::CustomerId;
use rapport_touchpoint::OrderKey;
use rusqlite::{Connection, OptionalExtension};

use super::{Answer, CustomerName, Reader, TimelineEntry};
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::timeline::{self, Direction, Merge};

/// Where a stretch begins; says nothing outside the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerPlace(Place);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Start,
    /// Within one customer's timeline, after this event.
    Within(IdentifierKey, OrderKey),
    After(IdentifierKey),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    pub customers: Vec<CustomerStretch>,
    /// Where the next one begins; `None` after the last customer.
    pub next: Option<CustomerPlace>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CustomerStretch {
    pub id: CustomerId,
    pub entries: Vec<TimelineEntry>,
    /// There are no more of this customer.
    pub is_whole: bool,
}

impl Reader {
    /// Behind this customer, if there is one of that name.
    pub fn place_after(&self, name: &CustomerName) -> Result<Answer<Option<CustomerPlace>>> {
        self.ask(|connection| Ok(self.resolve(connection, name)?.map(|key| CustomerPlace(Place::After(key)))))
    }

    /// The next touchpoints, at most so many.
    pub fn stretch(&self, from: &CustomerPlace, most: usize) -> Result<Answer<Stretch>> {
        self.ask(|connection| {
            let (mut next, mut after) = match &from.0 {
                Place::Start => (customer_after(connection, IdentifierKey(i64::MIN))?, None),
                Place::Within(key, event) => (Some(*key), Some(event.clone())),
                Place::After(key) => (customer_after(connection, *key)?, None),
            };
            let (mut customers, mut room) = (Vec::new(), most);
            while let Some(key) = next {
                let entries = self.next_of(connection, key, after.take().as_ref(), room)?;
                room -= entries.len();
                let (id, is_whole) = (self.id_of(connection, key)?, room > 0);
                let within = entries.last().map(|last| CustomerPlace(Place::Within(key, last.key.clone())));
                customers.push(CustomerStretch { id, entries, is_whole });
                if !is_whole {
                    return Ok(Stretch { customers, next: within });
                }
                next = customer_after(connection, key)?;
            }
            Ok(Stretch { customers, next: None })
        })
    }

    fn next_of(
        &self,
        connection: &Connection,
        key: IdentifierKey,
        after: Option<&OrderKey>,
        most: usize,
    ) -> Result<Vec<TimelineEntry>> {
        let from = after.map_or(OrderKey::MIN, timeline::just_after);
        let sources = timeline::sources_of(connection, key, &from, self.shared.definitions.rules.visit)?;
        let mut merge = Merge::new(connection, sources, Direction::OldestFirst)?;
        let mut entries = Vec::new();
        while entries.len() < most
            && let Some(mut row) = merge.next()?
        {
            let touchpoint = row.take_event(&self.shared.definitions)?.touchpoint;
            entries.push(TimelineEntry { position: row.position, key: row.event, touchpoint });
        }
        Ok(entries)
    }
}

fn customer_after(connection: &Connection, key: IdentifierKey) -> Result<Option<IdentifierKey>> {
    let mut find = connection.prepare_cached("SELECT id FROM customers WHERE id > ?1 ORDER BY id LIMIT 1")?;
    Ok(find.query_row([key], |row| row.get(0)).optional()?)
}
