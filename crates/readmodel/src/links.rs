//! Which identifiers stood in one event with which persons, since when, and what became of it.

use rapport_customer::identity::{KindIndex, Limit};
use rapport_touchpoint::OrderKey;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::Result;
use crate::identifiers::IdentifierKey;

/// Stored for a link refused because of all kinds together, and because of a split by hand.
const IN_ALL: i64 = -1;
const APART: i64 = -2;

pub(crate) fn limit_number(limit: Limit) -> i64 {
    match limit {
        Limit::OfKind(kind) => i64::from(kind.0),
        Limit::InAll => IN_ALL,
        Limit::Apart => APART,
    }
}

/// What seeing a pair once more changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    New,
    /// The pair was known, but from a later event.
    Earlier,
    Known,
}

/// Notes that an identifier stood with a person in this event.
pub(crate) fn see(
    tx: &Transaction<'_>,
    identifier: IdentifierKey,
    (partner, partner_kind): (IdentifierKey, KindIndex),
    event: &OrderKey,
) -> Result<Sight> {
    let mut find = tx.prepare_cached("SELECT first FROM links WHERE identifier = ?1 AND partner = ?2")?;
    let known: Option<Vec<u8>> = find.query_row([identifier, partner], |row| row.get(0)).optional()?;
    match known {
        None => {
            tx.prepare_cached("INSERT INTO links VALUES (?1, ?2, ?3, ?4, NULL)")?.execute(params![
                identifier,
                partner,
                partner_kind.0,
                event.as_bytes()
            ])?;
            Ok(Sight::New)
        }
        Some(first) if event.as_bytes() < first.as_slice() => {
            tx.prepare_cached("UPDATE links SET first = ?3 WHERE identifier = ?1 AND partner = ?2")?
                .execute(params![identifier, partner, event.as_bytes()])?;
            Ok(Sight::Earlier)
        }
        Some(_) => Ok(Sight::Known),
    }
}

/// How many different partners of one kind an identifier has.
pub(crate) fn partners_of_kind(tx: &Transaction<'_>, identifier: IdentifierKey, kind: KindIndex) -> Result<u32> {
    let mut count = tx.prepare_cached("SELECT count(*) FROM links WHERE identifier = ?1 AND partner_kind = ?2")?;
    Ok(count.query_row(params![identifier, kind.0], |row| row.get(0))?)
}

/// An identifier's partners, each with the first event that has both.
pub(crate) fn partners(connection: &Connection, identifier: IdentifierKey) -> Result<Vec<(IdentifierKey, OrderKey)>> {
    let mut find = connection.prepare_cached("SELECT partner, first FROM links WHERE identifier = ?1")?;
    let rows = find.query_map([identifier], |row| Ok((row.get(0)?, OrderKey::from_bytes(row.get(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Records what became of a link, in both directions.
pub(crate) fn judge(
    tx: &Transaction<'_>,
    left: IdentifierKey,
    right: IdentifierKey,
    refused: Option<Limit>,
) -> Result<()> {
    let refused = refused.map(limit_number);
    let mut update = tx
        .prepare_cached("UPDATE links SET refused = ?3 WHERE identifier = ?1 AND partner = ?2 AND refused IS NOT ?3")?;
    update.execute(params![left, right, refused])?;
    update.execute(params![right, left, refused])?;
    Ok(())
}
