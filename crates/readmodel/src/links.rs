//! Which identifiers stood in one event with which persons, since when, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use hashlink::LruCache;
use rapport_customer::identity::{KindIndex, Limit};
use rapport_touchpoint::{OrderKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;

/// Pairs kept in memory.
const MOST_CACHED: usize = 200_000;

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

/// What [`limit_number`] gave.
pub(crate) fn limit_of(number: i64) -> Option<Limit> {
    match number {
        IN_ALL => Some(Limit::InAll),
        APART => Some(Limit::Apart),
        kind => u8::try_from(kind).ok().map(|kind| Limit::OfKind(KindIndex(kind))),
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

/// The pairs that were seen lately, and when each was seen first: most events say what is known.
pub(crate) struct Pairs(LruCache<(IdentifierKey, IdentifierKey), Timestamp>);

impl Default for Pairs {
    fn default() -> Self {
        Self(LruCache::new(MOST_CACHED))
    }
}

impl Pairs {
    /// Notes that an identifier stood with a person in this event.
    pub fn see(
        &mut self,
        tx: &Transaction<'_>,
        identifier: IdentifierKey,
        (partner, partner_kind): (IdentifierKey, KindIndex),
        event: &OrderKey,
    ) -> Result<Sight> {
        let pair = (identifier, partner);
        if self.0.peek(&pair).is_some_and(|first| *first < event.time()) {
            return Ok(Sight::Known);
        }
        let mut find = tx.prepare_cached("SELECT first FROM links WHERE identifier = ?1 AND partner = ?2")?;
        let known: Option<Vec<u8>> = find.query_row([identifier, partner], |row| row.get(0)).optional()?;
        let (sight, first) = match known.map(OrderKey::from_bytes) {
            None => {
                insert(tx, identifier, (partner, partner_kind), event, None)?;
                (Sight::New, event.time())
            }
            Some(first) if *event < first => {
                tx.prepare_cached("UPDATE links SET first = ?3 WHERE identifier = ?1 AND partner = ?2")?
                    .execute(params![identifier, partner, event.as_bytes()])?;
                (Sight::Earlier, event.time())
            }
            Some(first) => (Sight::Known, first.time()),
        };
        self.0.insert(pair, first);
        Ok(sight)
    }
}

/// Notes that an identifier stood with a person, first in this event, and what became of it.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    identifier: IdentifierKey,
    (partner, partner_kind): (IdentifierKey, KindIndex),
    first: &OrderKey,
    refused: Option<Limit>,
) -> Result<()> {
    tx.prepare_cached("INSERT INTO links VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        identifier,
        partner,
        partner_kind.0,
        first.as_bytes(),
        refused.map(limit_number)
    ])?;
    Ok(())
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

/// A link that does not count. In the order in which they are listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RefusedLink {
    pub limit: Limit,
    pub first: OrderKey,
    /// The smaller key first.
    pub ends: (IdentifierKey, IdentifierKey),
}

/// Refused links after one, each once.
pub(crate) fn refused(connection: &Connection, after: Option<&RefusedLink>, most: usize) -> Result<Vec<RefusedLink>> {
    let mut find = connection.prepare_cached(
        "SELECT refused, first, identifier, partner FROM links
         WHERE refused IS NOT NULL AND identifier < partner AND (refused, first, identifier, partner) > (?1, ?2, ?3, ?4)
         ORDER BY refused, first, identifier, partner LIMIT ?5",
    )?;
    let after = match after {
        Some(RefusedLink { limit, first, ends: (one, other) }) => {
            (limit_number(*limit), first.as_bytes(), one.0, other.0)
        }
        None => (i64::MIN, &[][..], i64::MIN, i64::MIN),
    };
    let rows = find.query_map(params![after.0, after.1, after.2, after.3, most as u64], refused_link)?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Refused links of any of these, each once and in the order of [`refused`].
pub(crate) fn refused_among(connection: &Connection, identifiers: &[IdentifierKey]) -> Result<Vec<RefusedLink>> {
    let mut find = connection.prepare_cached(
        "SELECT refused, first, min(identifier, partner), max(identifier, partner) FROM links
         WHERE identifier = ?1 AND refused IS NOT NULL",
    )?;
    let mut found = BTreeSet::new();
    for identifier in identifiers {
        for link in find.query_map([identifier], refused_link)? {
            found.extend(link?);
        }
    }
    Ok(found.into_iter().collect())
}

/// How many links each limit refused.
pub(crate) fn refused_by_limit(connection: &Connection) -> Result<BTreeMap<Limit, u64>> {
    let mut count = connection.prepare_cached(
        "SELECT refused, count(*) FROM links WHERE refused IS NOT NULL AND identifier < partner GROUP BY refused",
    )?;
    let rows = count.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
    let counted = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(counted.into_iter().filter_map(|(number, count)| Some((limit_of(number)?, count))).collect())
}

fn refused_link(row: &Row<'_>) -> rusqlite::Result<Option<RefusedLink>> {
    let (first, ends) = (OrderKey::from_bytes(row.get(1)?), (row.get(2)?, row.get(3)?));
    Ok(limit_of(row.get(0)?).map(|limit| RefusedLink { limit, first, ends }))
}

/// Of which kind of partner a void identifier met too many, how many, and the event with the first one too many.
pub(crate) fn too_many(connection: &Connection, void: IdentifierKey, most: u32) -> Result<(KindIndex, u64, OrderKey)> {
    let mut find = connection.prepare_cached(
        "SELECT partner_kind, count(*) FROM links WHERE identifier = ?1 GROUP BY partner_kind HAVING count(*) > ?2",
    )?;
    let mut one_too_many = connection.prepare_cached(
        "SELECT first FROM links WHERE identifier = ?1 AND partner_kind = ?2 ORDER BY first LIMIT 1 OFFSET ?3",
    )?;
    let mut earliest: Option<(KindIndex, u64, OrderKey)> = None;
    for row in find.query_map(params![void, most], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (kind, met): (u8, u64) = row?;
        let since = OrderKey::from_bytes(one_too_many.query_row(params![void, kind, most], |row| row.get(0))?);
        if earliest.as_ref().is_none_or(|(_, _, known)| since < *known) {
            earliest = Some((KindIndex(kind), met, since));
        }
    }
    earliest.ok_or_else(|| ReadModelError::corrupt(format!("identifier {} is void and met few", void.0)))
}
