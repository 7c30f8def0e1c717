//! Facts of customers: written as the folds say, taken back and opened again when a customer is folded anew.

use rapport_customer::{Digest, Fact, FactChange, FactKey, FactKind, Zone};
use rapport_touchpoint::OrderKey;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;
use crate::rows;
use crate::totals::Difference;

/// A fact as it is stored.
pub(crate) struct Stored {
    pub kind: FactKind,
    pub key: FactKey,
    pub fact: Fact,
    pub closed_by: Option<OrderKey>,
    json: Vec<u8>,
}

/// Columns in the order in which [`Stored::from_row`] reads them.
pub(crate) const COLUMNS: &str = "kind, event, slot, fact, closed_by";

impl Stored {
    pub fn from_row(row: &Row<'_>) -> rusqlite::Result<std::result::Result<Self, ReadModelError>> {
        let (number, event, slot): (u8, Vec<u8>, u8) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (json, closed_by): (Vec<u8>, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?);
        let read = || {
            let kind = FactKind::of_number(number)
                .ok_or_else(|| ReadModelError::corrupt(format!("a fact of the unknown kind {number}")))?;
            let fact = kind.decode(&json).map_err(|error| ReadModelError::corrupt(format!("a {kind:?}: {error}")))?;
            let key = FactKey { event: OrderKey::from_bytes(event), slot };
            Ok(Self { kind, key, fact, closed_by: closed_by.map(OrderKey::from_bytes), json: json.clone() })
        };
        Ok(read())
    }

    /// A fact that nothing has closed yet.
    pub fn new(key: FactKey, fact: Fact) -> Self {
        Self { kind: fact.kind(), key, json: fact.encode(), fact, closed_by: None }
    }

    pub fn counts(&self, earliest: &OrderKey, zone: &Zone, difference: &mut Difference) {
        difference.totals.add_all(&self.fact.contributes(&self.key, self.closed_by.is_some(), zone));
        difference.digest_gains(self.kind.model(), self.digest(earliest));
    }

    fn counts_no_more(&self, earliest: &OrderKey, zone: &Zone, difference: &mut Difference) {
        difference.totals.subtract_all(&self.fact.contributes(&self.key, self.closed_by.is_some(), zone));
        difference.digest_loses(self.kind.model(), self.digest(earliest));
    }

    fn digest(&self, earliest: &OrderKey) -> Digest {
        Digest::of_fact(earliest, self.kind, &self.key, &self.json, self.closed_by.as_ref())
    }
}

/// A customer's facts, on their way into the file.
pub(crate) struct Facts<'a, 'tx> {
    pub tx: &'a Transaction<'tx>,
    pub customer: IdentifierKey,
    pub zone: &'a Zone,
}

impl Facts<'_, '_> {
    /// Does as the fold says. `earliest` names the customer in the digest.
    pub fn write(&self, changes: &mut Vec<FactChange>, earliest: &OrderKey, difference: &mut Difference) -> Result<()> {
        for change in changes.drain(..) {
            match change {
                FactChange::Put(key, fact) => {
                    let stored = Stored::new(key, fact);
                    insert(self.tx, self.customer, &stored)?;
                    stored.counts(earliest, self.zone, difference);
                }
                FactChange::Close { kind, key, by } => self.close(kind, &key, by, earliest, difference)?,
            }
        }
        Ok(())
    }

    fn close(
        &self,
        kind: FactKind,
        key: &FactKey,
        by: OrderKey,
        earliest: &OrderKey,
        difference: &mut Difference,
    ) -> Result<()> {
        let mut find = self.tx.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM facts WHERE customer = ?1 AND event = ?2 AND kind = ?3 AND slot = ?4"
        ))?;
        let place = params![self.customer, key.event.as_bytes(), kind.number(), key.slot];
        let mut stored = find.query_row(place, Stored::from_row)??;
        stored.counts_no_more(earliest, self.zone, difference);
        self.tx
            .prepare_cached(
                "UPDATE facts SET closed_by = ?5 WHERE customer = ?1 AND event = ?2 AND kind = ?3 AND slot = ?4",
            )?
            .execute(params![self.customer, key.event.as_bytes(), kind.number(), key.slot, by.as_bytes()])?;
        stored.closed_by = Some(by);
        stored.counts(earliest, self.zone, difference);
        Ok(())
    }

    /// Takes back all facts after an event; from [`OrderKey::MIN`], all there are.
    pub fn take_back(&self, after: &OrderKey, earliest: &OrderKey, difference: &mut Difference) -> Result<()> {
        let mut find =
            self.tx.prepare_cached(&format!("SELECT {COLUMNS} FROM facts WHERE customer = ?1 AND event > ?2"))?;
        let mut rows = find.query(params![self.customer, after.as_bytes()])?;
        let mut any = false;
        while let Some(row) = rows.next()? {
            Stored::from_row(row)??.counts_no_more(earliest, self.zone, difference);
            any = true;
        }
        if any {
            self.tx
                .prepare_cached("DELETE FROM facts WHERE customer = ?1 AND event > ?2")?
                .execute(params![self.customer, after.as_bytes()])?;
        }
        Ok(())
    }

    /// Opens the facts again that an event after this one closed.
    pub fn open_again(&self, after: &OrderKey, earliest: &OrderKey, difference: &mut Difference) -> Result<()> {
        let mut find = self.tx.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM facts INDEXED BY facts_by_closing WHERE customer = ?1 AND closed_by > ?2"
        ))?;
        let mut rows = find.query(params![self.customer, after.as_bytes()])?;
        let mut any = false;
        while let Some(row) = rows.next()? {
            let mut stored = Stored::from_row(row)??;
            stored.counts_no_more(earliest, self.zone, difference);
            stored.closed_by = None;
            stored.counts(earliest, self.zone, difference);
            any = true;
        }
        if any {
            self.tx
                .prepare_cached("UPDATE facts SET closed_by = NULL WHERE customer = ?1 AND closed_by > ?2")?
                .execute(params![self.customer, after.as_bytes()])?;
        }
        Ok(())
    }
}

/// A fact that was not there before.
pub(crate) fn insert(tx: &Transaction<'_>, customer: IdentifierKey, stored: &Stored) -> Result<()> {
    tx.prepare_cached("INSERT INTO facts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        customer,
        stored.key.event.as_bytes(),
        stored.kind.number(),
        stored.key.slot,
        stored.json,
        stored.closed_by.as_ref().map(OrderKey::as_bytes)
    ])?;
    Ok(())
}

/// Facts that were not there before, in the order of the table.
pub(crate) fn insert_all(tx: &Transaction<'_>, facts: &[(IdentifierKey, &Stored)]) -> Result<()> {
    rows::insert_all(tx, "facts", facts, |(customer, Stored { kind, key, closed_by, json, .. })| {
        [
            ValueRef::Integer(customer.0),
            ValueRef::Blob(key.event.as_bytes()),
            ValueRef::Integer(kind.number().into()),
            ValueRef::Integer(key.slot.into()),
            ValueRef::Blob(json),
            closed_by.as_ref().map_or(ValueRef::Null, |by| ValueRef::Blob(by.as_bytes())),
        ]
    })
}

/// Facts of one kind, the newest first, before a place; of one customer or of all.
pub(crate) fn newest(
    connection: &Connection,
    kind: FactKind,
    customer: Option<IdentifierKey>,
    from: &OrderKey,
    before: Option<&Place>,
    mut take: impl FnMut(IdentifierKey, Stored) -> bool,
) -> Result<()> {
    let (index, condition) = match customer {
        Some(_) => ("", "customer = ?2"),
        None => ("INDEXED BY facts_by_time", "?2 IS NULL"),
    };
    let mut find = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, customer FROM facts {index} WHERE kind = ?1 AND {condition} AND event >= ?3
         AND (?4 IS NULL OR (event, customer, slot) < (?4, ?5, ?6)) ORDER BY event DESC, customer DESC, slot DESC"
    ))?;
    let (event, of, slot) = match before {
        Some(place) => (Some(place.event.as_bytes()), Some(place.customer), Some(place.slot)),
        None => (None, None, None),
    };
    let mut rows = find.query(params![kind.number(), customer, from.as_bytes(), event, of, slot])?;
    while let Some(row) = rows.next()? {
        if !take(row.get(5)?, Stored::from_row(row)??) {
            break;
        }
    }
    Ok(())
}

/// Where a page of facts ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub event: OrderKey,
    pub customer: IdentifierKey,
    pub slot: u8,
}

impl Place {
    /// Just before all facts of an event or of a later one.
    pub fn before(event: OrderKey) -> Self {
        Self { event, customer: IdentifierKey(i64::MIN), slot: 0 }
    }
}
