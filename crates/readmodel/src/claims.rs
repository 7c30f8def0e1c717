//! Whose a device is: the claims on it, in the order of events, and who ever claimed it.

use std::collections::{BTreeMap, VecDeque};

use hashlink::LruCache;
use rapport_customer::identity::{Claim, Span, Visit, spans};
use rapport_touchpoint::OrderKey;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::{decisions, identifiers};

/// A claim by an anchor, as it is stored.
pub(crate) type StoredClaim = Claim<IdentifierKey>;

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredClaim> {
    Ok(Claim { event: OrderKey::from_bytes(row.get(0)?), by: row.get(1)? })
}

/// Devices whose last claim is kept in memory.
const MOST_CACHED: usize = 100_000;

/// Claims are read and written through the last one on each device that was seen lately: nearly all events come after it.
pub(crate) struct Claims {
    /// `None` for a device that nobody claimed; claims that are barred and gifts by hand do not count here.
    last: LruCache<IdentifierKey, Option<StoredClaim>>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { last: LruCache::new(MOST_CACHED) }
    }
}

impl Claims {
    /// As [`before`].
    pub fn before(
        &mut self,
        connection: &Connection,
        device: IdentifierKey,
        event: &OrderKey,
    ) -> Result<Option<StoredClaim>> {
        match self.last(connection, device)? {
            Some(last) if last.event <= *event => Ok(Some(last.clone())),
            Some(_) => before(connection, device, event),
            None => by_hand(connection, device),
        }
    }

    /// As [`after`].
    pub fn after(
        &mut self,
        connection: &Connection,
        device: IdentifierKey,
        event: &OrderKey,
    ) -> Result<Option<StoredClaim>> {
        match self.last(connection, device)? {
            Some(last) if last.event > *event => after(connection, device, event),
            Some(_) | None => Ok(None),
        }
    }

    /// One that is `barred` is known and does not count. `is_first` says that the anchor may not have claimed the device yet.
    pub fn insert(
        &mut self,
        tx: &Transaction<'_>,
        device: IdentifierKey,
        claim: StoredClaim,
        (barred, is_first): (bool, bool),
    ) -> Result<()> {
        let Claim { event, by } = &claim;
        Inserting::into(tx)?.insert(device, &claim, barred)?;
        if is_first {
            insert_claimant(tx, *by, device, barred)?;
        }
        if !barred
            && let Some(last) = self.last.peek_mut(&device)
            && last.as_ref().is_none_or(|last| last.event <= *event)
        {
            *last = Some(claim);
        }
        Ok(())
    }

    pub fn remove(&mut self, tx: &Transaction<'_>, device: IdentifierKey, event: &OrderKey) -> Result<()> {
        self.last.remove(&device);
        tx.prepare_cached("DELETE FROM claims WHERE device = ?1 AND event = ?2")?
            .execute(params![device, event.as_bytes()])?;
        Ok(())
    }

    /// Bars the claims of one anchor on a device, or lets them count; `true` if that changed any.
    pub fn bar(
        &mut self,
        tx: &Transaction<'_>,
        device: IdentifierKey,
        anchor: IdentifierKey,
        barred: bool,
    ) -> Result<bool> {
        self.last.remove(&device);
        tx.prepare_cached("UPDATE claimants SET barred = ?3 WHERE anchor = ?2 AND device = ?1")?
            .execute(params![device, anchor, barred])?;
        let changed = tx
            .prepare_cached("UPDATE claims SET barred = ?3 WHERE device = ?1 AND anchor = ?2 AND barred <> ?3")?
            .execute(params![device, anchor, barred])?;
        Ok(changed > 0)
    }

    fn last(&mut self, connection: &Connection, device: IdentifierKey) -> Result<Option<&StoredClaim>> {
        if !self.last.contains_key(&device) {
            self.last.insert(device, last_seen(connection, device)?);
        }
        Ok(self.last.peek(&device).and_then(Option::as_ref))
    }
}

/// Writes many claims one after the other.
pub(crate) struct Inserting<'a>(CachedStatement<'a>);

impl<'a> Inserting<'a> {
    pub fn into(tx: &'a Transaction<'_>) -> Result<Self> {
        Ok(Self(tx.prepare_cached("INSERT OR REPLACE INTO claims VALUES (?1, ?2, ?3, ?4)")?))
    }

    pub fn insert(&mut self, device: IdentifierKey, claim: &StoredClaim, barred: bool) -> Result<()> {
        self.0.execute(params![device, claim.event.as_bytes(), claim.by, barred])?;
        Ok(())
    }
}

/// Notes that an anchor claimed a device at some time.
pub(crate) fn insert_claimant(
    tx: &Transaction<'_>,
    anchor: IdentifierKey,
    device: IdentifierKey,
    barred: bool,
) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO claimants VALUES (?1, ?2, ?3)")?
        .execute(params![anchor, device, barred])?;
    Ok(())
}

/// An anchor of whose claims none is left.
pub(crate) fn forget_claimant(tx: &Transaction<'_>, anchor: IdentifierKey) -> Result<()> {
    tx.prepare_cached("DELETE FROM claimants WHERE anchor = ?1")?.execute([anchor])?;
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
    let found = last_seen(connection, device)?;
    if found.is_some() { Ok(found) } else { by_hand(connection, device) }
}

fn last_seen(connection: &Connection, device: IdentifierKey) -> Result<Option<StoredClaim>> {
    let mut find = connection.prepare_cached(
        "SELECT event, anchor FROM claims WHERE device = ?1 AND barred = 0 ORDER BY event DESC LIMIT 1",
    )?;
    Ok(find.query_row([device], from_row).optional()?)
}

/// Did this anchor ever claim this device?
pub(crate) fn exists(tx: &Transaction<'_>, anchor: IdentifierKey, device: IdentifierKey) -> Result<bool> {
    let mut find = tx.prepare_cached("SELECT 1 FROM claimants WHERE anchor = ?1 AND device = ?2 AND barred = 0")?;
    Ok(find.exists([anchor, device])?)
}

/// Everyone who ever claimed a device, or got it by hand; the barred ones too.
pub(crate) fn claimants(tx: &Transaction<'_>, device: IdentifierKey) -> Result<Vec<IdentifierKey>> {
    let mut find = tx.prepare_cached("SELECT anchor FROM claimants WHERE device = ?1")?;
    let rows = find.query_map([device], |row| row.get(0))?;
    let mut claimants: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    claimants.extend(decisions::gift(tx, device)?.map(|gift| gift.to));
    Ok(claimants)
}

/// The devices that an anchor ever claimed or got by hand.
pub(crate) fn devices_of(connection: &Connection, anchor: IdentifierKey) -> Result<Vec<IdentifierKey>> {
    let mut find = connection.prepare_cached("SELECT device FROM claimants WHERE anchor = ?1 AND barred = 0")?;
    let mut devices = decisions::given_to(connection, anchor)?;
    for device in find.query_map([anchor], |row| row.get(0))? {
        devices.push(device?);
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
