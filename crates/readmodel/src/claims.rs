//! Whose a device is: the claims on it, in the order of events.

use std::collections::{BTreeMap, VecDeque};

use rapport_customer::identity::{Claim, Span, Visit, spans};
use rapport_touchpoint::OrderKey;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::{decisions, identifiers};

/// A claim by an anchor, as it is stored.
pub(crate) type StoredClaim = Claim<IdentifierKey>;

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredClaim> {
    Ok(Claim { event: OrderKey::from_bytes(row.get(0)?), by: row.get(1)? })
}

/// One that is `barred` is known and does not count.
pub(crate) fn insert(tx: &Transaction<'_>, device: IdentifierKey, claim: &StoredClaim, barred: bool) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO claims VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        device,
        claim.event.as_bytes(),
        claim.by,
        barred
    ])?;
    Ok(())
}

pub(crate) fn remove(tx: &Transaction<'_>, device: IdentifierKey, event: &OrderKey) -> Result<()> {
    tx.prepare_cached("DELETE FROM claims WHERE device = ?1 AND event = ?2")?
        .execute(params![device, event.as_bytes()])?;
    Ok(())
}

/// The last claim at or before an event; one by hand is before all others.
pub(crate) fn before(connection: &Connection, device: IdentifierKey, event: &OrderKey) -> Result<Option<StoredClaim>> {
    let mut find = connection.prepare_cached(
        "SELECT event, anchor FROM claims WHERE device = ?1 AND event <= ?2 AND barred = 0 ORDER BY event DESC LIMIT 1",
    )?;
    let found = find.query_row(params![device, event.as_bytes()], from_row).optional()?;
    if found.is_some() { Ok(found) } else { by_hand(connection, device) }
}

fn by_hand(connection: &Connection, device: IdentifierKey) -> Result<Option<StoredClaim>> {
    Ok(decisions::gift(connection, device)?.map(|gift| Claim { event: OrderKey::MIN, by: gift.to }))
}

/// The first claim after an event.
pub(crate) fn after(connection: &Connection, device: IdentifierKey, event: &OrderKey) -> Result<Option<StoredClaim>> {
    let mut find = connection.prepare_cached(
        "SELECT event, anchor FROM claims WHERE device = ?1 AND event > ?2 AND barred = 0 ORDER BY event LIMIT 1",
    )?;
    Ok(find.query_row(params![device, event.as_bytes()], from_row).optional()?)
}

/// The last claim of all: whose the device is now.
pub(crate) fn last(connection: &Connection, device: IdentifierKey) -> Result<Option<StoredClaim>> {
    let mut find = connection.prepare_cached(
        "SELECT event, anchor FROM claims WHERE device = ?1 AND barred = 0 ORDER BY event DESC LIMIT 1",
    )?;
    let found = find.query_row([device], from_row).optional()?;
    if found.is_some() { Ok(found) } else { by_hand(connection, device) }
}

/// Did this anchor ever claim this device?
pub(crate) fn exists(tx: &Transaction<'_>, anchor: IdentifierKey, device: IdentifierKey) -> Result<bool> {
    let mut find =
        tx.prepare_cached("SELECT 1 FROM claims WHERE anchor = ?1 AND barred = 0 AND device = ?2 LIMIT 1")?;
    Ok(find.exists([anchor, device])?)
}

/// Everyone who ever claimed a device, or got it by hand; the barred ones too.
pub(crate) fn claimants(tx: &Transaction<'_>, device: IdentifierKey) -> Result<Vec<IdentifierKey>> {
    let mut find = tx.prepare_cached("SELECT DISTINCT anchor FROM claims WHERE device = ?1")?;
    let rows = find.query_map([device], |row| row.get(0))?;
    let mut claimants: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    claimants.extend(decisions::gift(tx, device)?.map(|gift| gift.to));
    Ok(claimants)
}

/// Bars the claims of one anchor on a device, or lets them count; `true` if that changed any.
pub(crate) fn bar(tx: &Transaction<'_>, device: IdentifierKey, anchor: IdentifierKey, barred: bool) -> Result<bool> {
    let changed = tx
        .prepare_cached("UPDATE claims SET barred = ?3 WHERE device = ?1 AND anchor = ?2 AND barred <> ?3")?
        .execute(params![device, anchor, barred])?;
    Ok(changed > 0)
}

/// The devices that an anchor ever claimed or got by hand. It may have claimed each of them a million times, so each is asked for once.
pub(crate) fn devices_of(connection: &Connection, anchor: IdentifierKey) -> Result<Vec<IdentifierKey>> {
    let mut next =
        connection.prepare_cached("SELECT min(device) FROM claims WHERE anchor = ?1 AND barred = 0 AND device > ?2")?;
    let mut devices = decisions::given_to(connection, anchor)?;
    let mut last = IdentifierKey(i64::MIN);
    while let Some(device) = next.query_row([anchor, last], |row| row.get(0))? {
        devices.push(device);
        last = device;
    }
    Ok(devices)
}

/// A device passed into somebody's hands.
pub(crate) struct HandOver {
    /// Its events are theirs from here on; `None` from the beginning of time.
    pub since: Option<OrderKey>,
    /// The event in which they claimed it; `None` if a merge by hand gave it to them.
    pub claim: Option<OrderKey>,
    pub to: IdentifierKey,
}

/// Into whose hands a device passed, the last `most` times.
pub(crate) fn hands(
    connection: &Connection,
    device: IdentifierKey,
    most: usize,
    visit: Visit,
) -> Result<Vec<HandOver>> {
    let mut find = connection
        .prepare_cached("SELECT event, anchor FROM claims WHERE device = ?1 AND barred = 0 ORDER BY event")?;
    let mut hands: VecDeque<HandOver> = VecDeque::new();
    let mut before: Option<OrderKey> = None;
    let claims = by_hand(connection, device)?.map(Ok).into_iter().chain(find.query_map([device], from_row)?);
    for claim in claims {
        let Claim { event, by } = claim?;
        if hands.back().is_none_or(|last| last.to != by) {
            let since = before.map(|before| visit.handover(&before, &event));
            hands.push_back(HandOver { since, claim: (event != OrderKey::MIN).then(|| event.clone()), to: by });
        }
        before = Some(event);
        if hands.len() > most {
            hands.pop_front();
        }
    }
    Ok(hands.into())
}

/// All of a device's time, by the customers that have it; empty if nobody claimed it.
pub(crate) fn owners(connection: &Connection, device: IdentifierKey, visit: Visit) -> Result<Vec<Span<IdentifierKey>>> {
    let mut find = connection
        .prepare_cached("SELECT event, anchor FROM claims WHERE device = ?1 AND barred = 0 ORDER BY event")?;
    let mut customers: BTreeMap<IdentifierKey, IdentifierKey> = BTreeMap::new();
    let mut owned = Vec::new();
    let claims = by_hand(connection, device)?.map(Ok).into_iter().chain(find.query_map([device], from_row)?);
    for claim in claims {
        let Claim { event, by } = claim?;
        let customer = match customers.get(&by) {
            Some(customer) => *customer,
            None => identifiers::by_key(connection, by)?.root.unwrap_or(device),
        };
        customers.insert(by, customer);
        owned.push(Claim { event, by: customer });
    }
    Ok(spans(owned, visit))
}

/// The stretches of a device's time that belong to these anchors, from one event on; the first may begin before it.
pub(crate) fn spans_of(
    connection: &Connection,
    device: IdentifierKey,
    anchors: &[IdentifierKey],
    from: &OrderKey,
    visit: Visit,
) -> Result<Vec<Span<bool>>> {
    let first = before(connection, device, from)?;
    let mut find = connection.prepare_cached(
        "SELECT event, anchor FROM claims WHERE device = ?1 AND event > ?2 AND barred = 0 ORDER BY event",
    )?;
    let later = find.query_map(params![device, from.as_bytes()], from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let claims = first.into_iter().chain(later);
    let ours = claims.map(|claim| Claim { by: anchors.contains(&claim.by), event: claim.event });
    Ok(spans(ours, visit).into_iter().filter(|span| span.of).collect())
}
