//! Decisions: on the log beside the touchpoints, kept whole, on no timeline and in no sum. Which of them hold, whom they
//! name, and what that gives.
//!
//! A decision holds unless a later one that holds cancels it. So an undone merge is as if it had never been, whatever the
//! order in which the two came.

use std::collections::BTreeMap;

use rapport_customer::identity::Limit;
use rapport_touchpoint::{Choice, Decision, EventName, OrderKey};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::links;

/// A decision that is new, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    pub position: u64,
    pub decision: Decision,
}

/// What a decision says of the identifiers that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Merge { forced: bool },
    Split,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    fn number(self) -> i64 {
        match self {
            Self::Left => 0,
            Self::Right => 1,
        }
    }
}

/// A decision that holds, and whom it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Where it stands in the order of events; its name here.
    pub event: OrderKey,
    pub kind: Kind,
    pub left: Vec<IdentifierKey>,
    pub right: Vec<IdentifierKey>,
}

impl Standing {
    pub fn named(&self) -> impl Iterator<Item = IdentifierKey> {
        self.left.iter().chain(&self.right).copied()
    }
}

pub(crate) fn any(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM decisions LIMIT 1")?.exists([])?)
}

/// Nothing that was decided is lost, whether this version acts on it or not.
pub(crate) fn keep(tx: &Transaction<'_>, decided: &[Decided]) -> Result<()> {
    let mut insert = tx.prepare_cached("INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5, 1, NULL, ?6)")?;
    for Decided { position, decision } in decided {
        insert.execute(params![
            position,
            decision.name_hash(),
            decision.order.key().as_bytes(),
            decision.event_type().as_str(),
            matches!(&decision.choice, Choice::Merged(merged) if merged.forced),
            decision.json(),
        ])?;
    }
    Ok(())
}

/// Notes whom a decision names, and which decisions it cancels, by the hash of source and id.
pub(crate) fn name(
    tx: &Transaction<'_>,
    event: &OrderKey,
    (left, right): (&[IdentifierKey], &[IdentifierKey]),
    cancels: &[[u8; 16]],
) -> Result<()> {
    let mut name = tx.prepare_cached("INSERT OR IGNORE INTO decided VALUES (?1, ?2, ?3)")?;
    for (side, identifiers) in [(Side::Left, left), (Side::Right, right)] {
        for identifier in identifiers {
            name.execute(params![identifier, event.as_bytes(), side.number()])?;
        }
    }
    let mut cancel = tx.prepare_cached("INSERT OR IGNORE INTO cancels VALUES (?1, ?2)")?;
    for target in cancels {
        cancel.execute(params![target, event.as_bytes()])?;
    }
    Ok(())
}

/// All whose standing a decision may change: what it cancels, what that cancels, and so on.
pub(crate) fn concerned(tx: &Transaction<'_>, event: &OrderKey) -> Result<Vec<OrderKey>> {
    let mut find = tx.prepare_cached(
        "SELECT d.event FROM cancels JOIN decisions d ON name = target WHERE cancels.event = ?1 AND d.event < ?1",
    )?;
    let mut concerned: Vec<OrderKey> = Vec::new();
    let mut open = vec![event.clone()];
    while let Some(by) = open.pop() {
        let targets = find.query_map([by.as_bytes()], |row| Ok(OrderKey::from_bytes(row.get(0)?)))?;
        for target in targets.collect::<rusqlite::Result<Vec<_>>>()? {
            if !concerned.contains(&target) {
                concerned.push(target.clone());
                open.push(target);
            }
        }
    }
    Ok(concerned)
}

/// A merge or a split as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub event: OrderKey,
    pub position: u64,
    pub holds: bool,
    pub refused: Option<Limit>,
    /// As on the log.
    pub json: Vec<u8>,
}

/// Of decisions about who is who.
const COLUMNS: &str = "event, position, holds, refused, decisions.decision FROM decisions";
const ABOUT_WHO: &str = "type IN ('customer.merged', 'customer.split')";

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        event: OrderKey::from_bytes(row.get(0)?),
        position: row.get(1)?,
        holds: row.get(2)?,
        refused: row.get::<_, Option<i64>>(3)?.and_then(links::limit_of),
        json: row.get(4)?,
    })
}

/// The newest first, before one.
pub(crate) fn older(connection: &Connection, before: &OrderKey, most: usize) -> Result<Vec<Stored>> {
    let mut find = connection
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE event < ?1 AND {ABOUT_WHO} ORDER BY event DESC LIMIT ?2"))?;
    let rows = find.query_map(params![before.as_bytes(), most as u64], stored)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Those that name any of these, in the order of events.
pub(crate) fn naming(connection: &Connection, identifiers: &[IdentifierKey]) -> Result<Vec<Stored>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT DISTINCT {COLUMNS} JOIN decided ON decided.decision = event WHERE identifier = ?1"
    ))?;
    let mut found = BTreeMap::new();
    for identifier in identifiers {
        for stored in find.query_map([identifier], stored)? {
            let stored = stored?;
            found.insert(stored.event.clone(), stored);
        }
    }
    Ok(found.into_values().collect())
}

/// Those that say of this one that it does not hold, holding or not.
pub(crate) fn cancelling(connection: &Connection, event: &OrderKey) -> Result<Vec<Stored>> {
    let mut find = connection.prepare_cached(
        "SELECT by.event, by.position, by.holds, by.refused, by.decision FROM decisions d
         JOIN cancels ON target = d.name JOIN decisions by ON by.event = cancels.event WHERE d.event = ?1",
    )?;
    let rows = find.query_map([event.as_bytes()], stored)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn by_name(connection: &Connection, name: &EventName) -> Result<Option<Stored>> {
    let mut find = connection.prepare_cached(&format!("SELECT {COLUMNS} WHERE name = ?1 AND {ABOUT_WHO}"))?;
    Ok(find.query_row([name.hash()], stored).optional()?)
}

/// The first decision that holds and cancels this one.
pub(crate) fn cancelled_by(connection: &Connection, event: &OrderKey) -> Result<Option<EventName>> {
    let mut find = connection.prepare_cached(
        "SELECT by.event FROM decisions d JOIN cancels ON target = d.name
         JOIN decisions by ON by.event = cancels.event AND by.holds
         WHERE d.event = ?1 AND by.event > ?1 ORDER BY by.event LIMIT 1",
    )?;
    let found = find.query_row([event.as_bytes()], |row| Ok(OrderKey::from_bytes(row.get(0)?))).optional()?;
    Ok(found.and_then(|event| event.source_and_id()).map(|(source, id)| EventName { source, id }))
}

/// Says anew whether a decision holds; `true` if that changed.
pub(crate) fn judge(tx: &Transaction<'_>, event: &OrderKey) -> Result<bool> {
    let holds = holds(tx, event)?;
    let changed = tx
        .prepare_cached("UPDATE decisions SET holds = ?2, refused = NULL WHERE event = ?1 AND holds <> ?2")?
        .execute(params![event.as_bytes(), holds])?;
    Ok(changed == 1)
}

fn holds(tx: &Transaction<'_>, event: &OrderKey) -> Result<bool> {
    let mut find = tx.prepare_cached(
        "SELECT cancels.event FROM cancels JOIN decisions d ON name = target WHERE d.event = ?1 AND cancels.event > ?1",
    )?;
    let later = find.query_map([event.as_bytes()], |row| Ok(OrderKey::from_bytes(row.get(0)?)))?;
    for by in later.collect::<rusqlite::Result<Vec<_>>>()? {
        if holds(tx, &by)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Does any decision name this identifier?
pub(crate) fn names(connection: &Connection, identifier: IdentifierKey) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM decided WHERE identifier = ?1 LIMIT 1")?.exists([identifier])?)
}

/// Everyone whom a decision names, holding or not.
pub(crate) fn named_by(connection: &Connection, event: &OrderKey) -> Result<Vec<IdentifierKey>> {
    let mut find = connection.prepare_cached("SELECT DISTINCT identifier FROM decided WHERE decision = ?1")?;
    let rows = find.query_map([event.as_bytes()], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The decisions that hold and name this identifier, in the order of events.
pub(crate) fn about(connection: &Connection, identifier: IdentifierKey) -> Result<Vec<Standing>> {
    let mut find = connection.prepare_cached(
        "SELECT DISTINCT event, type = 'customer.merged', forced FROM decided JOIN decisions ON event = decided.decision
         WHERE identifier = ?1 AND holds ORDER BY event",
    )?;
    let found = find.query_map([identifier], |row| {
        let kind = if row.get(1)? { Kind::Merge { forced: row.get(2)? } } else { Kind::Split };
        Ok((OrderKey::from_bytes(row.get(0)?), kind))
    })?;
    let mut about = Vec::new();
    for (event, kind) in found.collect::<rusqlite::Result<Vec<_>>>()? {
        let (left, right) = (side(connection, &event, Side::Left)?, side(connection, &event, Side::Right)?);
        about.push(Standing { event, kind, left, right });
    }
    Ok(about)
}

fn side(connection: &Connection, event: &OrderKey, side: Side) -> Result<Vec<IdentifierKey>> {
    let mut find = connection
        .prepare_cached("SELECT identifier FROM decided WHERE decision = ?1 AND side = ?2 ORDER BY identifier")?;
    let rows = find.query_map(params![event.as_bytes(), side.number()], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Records what became of a merge that holds.
pub(crate) fn set_refused(tx: &Transaction<'_>, event: &OrderKey, refused: Option<Limit>) -> Result<()> {
    tx.prepare_cached("UPDATE decisions SET refused = ?2 WHERE event = ?1 AND refused IS NOT ?2")?
        .execute(params![event.as_bytes(), refused.map(links::limit_number)])?;
    Ok(())
}

/// How many merges that hold each limit refused.
pub(crate) fn refused_by_limit(connection: &Connection) -> Result<BTreeMap<Limit, u64>> {
    let mut count = connection.prepare_cached(
        "SELECT refused, count(*) FROM decisions WHERE holds AND refused IS NOT NULL GROUP BY refused",
    )?;
    let rows = count.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
    let counted = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(counted.into_iter().filter_map(|(number, count)| Some((links::limit_of(number)?, count))).collect())
}

pub(crate) fn is_refused(connection: &Connection, event: &OrderKey) -> Result<bool> {
    let mut find = connection.prepare_cached("SELECT 1 FROM decisions WHERE event = ?1 AND refused IS NOT NULL")?;
    Ok(find.exists([event.as_bytes()])?)
}

/// Does a split that holds keep a device from the customer with this root?
pub(crate) fn is_barred(connection: &Connection, device: IdentifierKey, root: IdentifierKey) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT 1 FROM decided ours
         JOIN decisions ON event = ours.decision AND holds AND type = 'customer.split'
         JOIN decided others ON others.decision = ours.decision AND others.side <> ours.side
         JOIN identifiers ON identifiers.id = others.identifier
         WHERE ours.identifier = ?1 AND root = ?2 LIMIT 1",
    )?;
    Ok(find.exists([device, root])?)
}

/// To whom a merge by hand gives a device until somebody claims it, and which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gift {
    pub to: IdentifierKey,
    pub by: OrderKey,
}

pub(crate) fn gift(connection: &Connection, device: IdentifierKey) -> Result<Option<Gift>> {
    let mut find = connection.prepare_cached("SELECT anchor, decision FROM given WHERE device = ?1")?;
    let found = find.query_row([device], |row| Ok(Gift { to: row.get(0)?, by: OrderKey::from_bytes(row.get(1)?) }));
    Ok(found.optional()?)
}

/// The devices that merges by hand give to an anchor.
pub(crate) fn given_to(connection: &Connection, anchor: IdentifierKey) -> Result<Vec<IdentifierKey>> {
    let mut find = connection.prepare_cached("SELECT device FROM given WHERE anchor = ?1 ORDER BY device")?;
    let rows = find.query_map([anchor], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// `true` if that changed.
pub(crate) fn give(tx: &Transaction<'_>, device: IdentifierKey, gift: Option<&Gift>) -> Result<bool> {
    let known = self::gift(tx, device)?;
    if known.as_ref() == gift {
        return Ok(false);
    }
    match gift {
        Some(Gift { to, by }) => tx
            .prepare_cached("INSERT OR REPLACE INTO given VALUES (?1, ?2, ?3)")?
            .execute(params![device, to, by.as_bytes()])?,
        None => tx.prepare_cached("DELETE FROM given WHERE device = ?1")?.execute([device])?,
    };
    Ok(known.map(|known| known.to) != gift.map(|gift| gift.to))
}
