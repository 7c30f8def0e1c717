//! Finding customers by what they are labelled with, and those that changed.

use rapport_touchpoint::{OrderKey, Timestamp};
use rusqlite::{Connection, params};

use super::{Answer, CustomerAnswer, CustomerName, Reader};
use crate::CustomerKey;
use crate::error::Result;
use crate::identifiers::IdentifierKey;

/// Rows that one page looks at; a page of a rare kind may be short, and be followed by others.
const MOST_LOOKED_AT: usize = 20_000;

/// Which customers are meant: those for whom all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// As [`rapport_customer::label`] writes them.
    pub labels: Vec<String>,
    /// Included.
    pub seen_from: Option<Timestamp>,
    /// Excluded.
    pub seen_until: Option<Timestamp>,
}

/// A page of customers, in an order that says nothing and stays.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPage {
    pub customers: Vec<CustomerAnswer>,
    /// Where the next page starts after; `None` on the last one.
    pub next: Option<CustomerKey>,
}

/// Who has a name now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub key: CustomerKey,
    /// The position at which it changed last.
    pub changed: u64,
}

/// Customers that changed, in the order of their last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub customers: Vec<Found>,
    pub more: bool,
}

impl Reader {
    /// Customers that match, after one of the page before.
    pub fn find(&self, filter: &Filter, after: Option<CustomerKey>, page_size: usize) -> Result<Answer<FoundPage>> {
        self.ask_at(|connection, clock| {
            let (sql, label) = match filter.labels.first() {
                Some(label) => {
                    ("SELECT customer FROM labels WHERE label = ?1 AND customer > ?2 ORDER BY customer", Some(label))
                }
                None => ("SELECT id FROM customers WHERE ?1 IS NULL AND id > ?2 ORDER BY id", None),
            };
            let mut find = connection.prepare_cached(sql)?;
            let mut rows = find.query(params![label, after.map_or(i64::MIN, |after| after.0.0)])?;
            let mut page = FoundPage { customers: Vec::new(), next: None };
            let mut last = None;
            let mut looked_at = 0;
            while let Some(row) = rows.next()? {
                if page.customers.len() == page_size || looked_at == MOST_LOOKED_AT {
                    page.next = last;
                    break;
                }
                looked_at += 1;
                let key: IdentifierKey = row.get(0)?;
                last = Some(CustomerKey(key));
                if matches(connection, key, filter)? {
                    page.customers.extend(self.answer(connection, clock, key)?);
                }
            }
            Ok(page)
        })
    }

    /// Who has this name now.
    pub fn who(&self, name: &CustomerName) -> Result<Answer<Option<Found>>> {
        self.ask(|connection| {
            let Some(key) = self.resolve(connection, name)? else { return Ok(None) };
            let mut find = connection.prepare_cached("SELECT changed FROM customers WHERE id = ?1")?;
            let mut rows = find.query([key])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some(Found { key: CustomerKey(key), changed: row.get(0)? }))
        })
    }

    /// Customers that changed last at or after a position, after one that was told already.
    pub fn changed(&self, since: u64, after: Option<Found>, most: usize) -> Result<Answer<Changed>> {
        self.ask(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT id, changed FROM customers WHERE changed >= ?1 AND (changed, id) > (?2, ?3) ORDER BY changed, id LIMIT ?4",
            )?;
            let (position, key) = after.map_or((0, i64::MIN), |after| (after.changed, after.key.0.0));
            let rows = find.query_map(params![since, position, key, most as u64 + 1], |row| {
                Ok(Found { key: CustomerKey(row.get(0)?), changed: row.get(1)? })
            })?;
            let mut customers = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = customers.len() > most;
            customers.truncate(most);
            Ok(Changed { customers, more })
        })
    }

    /// The customers among these that are there and match.
    pub fn matching(&self, keys: &[CustomerKey], filter: &Filter) -> Result<Answer<Vec<CustomerAnswer>>> {
        self.ask_at(|connection, clock| {
            let mut found = Vec::new();
            for key in keys {
                if matches(connection, key.0, filter)? {
                    found.extend(self.answer(connection, clock, key.0)?);
                }
            }
            Ok(found)
        })
    }
}

fn matches(connection: &Connection, key: IdentifierKey, filter: &Filter) -> Result<bool> {
    for label in &filter.labels {
        let mut find = connection.prepare_cached("SELECT 1 FROM labels WHERE label = ?1 AND customer = ?2")?;
        if !find.exists(params![label, key])? {
            return Ok(false);
        }
    }
    if filter.seen_from.is_none() && filter.seen_until.is_none() {
        return Ok(true);
    }
    let mut find = connection.prepare_cached("SELECT last FROM customers WHERE id = ?1")?;
    let mut rows = find.query([key])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    let seen = OrderKey::from_bytes(row.get(0)?).time();
    Ok(filter.seen_from.is_none_or(|from| seen >= from) && filter.seen_until.is_none_or(|until| seen < until))
}
