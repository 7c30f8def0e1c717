//! Interned identifiers: every usable identifier has a row, and a place in a bounded cache while it is in use.

use std::collections::BTreeMap;

use hashlink::LruCache;
use rapport_customer::identity::{CustomerId, KindIndex, Role, Rules, Usable};
use rapport_touchpoint::{OrderKey, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::{ReadModelError, Result};

/// Identifiers kept in memory; the one that was read first makes room.
const MOST_CACHED: usize = 100_000;

/// The integer that stands for an identifier in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IdentifierKey(pub i64);

impl rusqlite::ToSql for IdentifierKey {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl rusqlite::types::FromSql for IdentifierKey {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Identifier {
    pub key: IdentifierKey,
    pub usable: Usable,
    /// The first event, in the order of events, that names it.
    pub first: OrderKey,
    /// The member that stands for its customer; `None` for devices and void identifiers.
    pub root: Option<IdentifierKey>,
    pub void: bool,
    /// No link of it is later.
    pub latest_link: Option<OrderKey>,
}

/// Reads and writes identifier rows through the cache.
pub(crate) struct Identifiers {
    /// With a moment at or after its first event, so that most events need not look further.
    by_name: LruCache<Usable, (IdentifierKey, Timestamp)>,
    by_key: LruCache<IdentifierKey, Identifier>,
    last_key: Option<i64>,
}

impl Default for Identifiers {
    fn default() -> Self {
        Self { by_name: LruCache::new(MOST_CACHED), by_key: LruCache::new(MOST_CACHED), last_key: None }
    }
}

impl Identifiers {
    /// The identifier's key, and whether it was named before, and only later. Its row is made, or its first event moved back, if
    /// need be.
    pub fn meet(
        &mut self,
        tx: &Transaction<'_>,
        usable: &Usable,
        event: &OrderKey,
        rules: &Rules,
        tenant_key: &[u8; 32],
    ) -> Result<(IdentifierKey, bool)> {
        if let Some((key, first)) = self.by_name.peek(usable)
            && *first < event.time()
        {
            return Ok((*key, false));
        }
        let Some(key) = self.find(tx, usable)? else {
            return Ok((self.make(tx, usable, event, rules, tenant_key)?, false));
        };
        let known = self.get_mut(tx, key)?;
        let was_later = *event < known.first;
        if was_later {
            known.first = event.clone();
            tx.prepare_cached("UPDATE identifiers SET first = ?2 WHERE id = ?1")?
                .execute(params![key, event.as_bytes()])?;
        }
        Ok((key, was_later))
    }

    /// The identifier's key; its row is made if no event has named it yet.
    pub fn name(
        &mut self,
        tx: &Transaction<'_>,
        usable: &Usable,
        rules: &Rules,
        tenant_key: &[u8; 32],
    ) -> Result<IdentifierKey> {
        match self.find(tx, usable)? {
            Some(key) => Ok(key),
            None => self.make(tx, usable, &OrderKey::beyond(), rules, tenant_key),
        }
    }

    pub fn find(&mut self, connection: &Connection, usable: &Usable) -> Result<Option<IdentifierKey>> {
        if let Some((key, _)) = self.by_name.peek(usable) {
            return Ok(Some(*key));
        }
        let Some(found) = by_name(connection, usable)? else { return Ok(None) };
        Ok(Some(self.remember(found)))
    }

    pub fn get(&mut self, connection: &Connection, key: IdentifierKey) -> Result<&Identifier> {
        self.get_mut(connection, key).map(|found| &*found)
    }

    pub fn set_root(&mut self, tx: &Transaction<'_>, key: IdentifierKey, root: Option<IdentifierKey>) -> Result<()> {
        let known = self.get_mut(tx, key)?;
        if known.root != root {
            known.root = root;
            tx.prepare_cached("UPDATE identifiers SET root = ?2 WHERE id = ?1")?.execute(params![key, root])?;
        }
        Ok(())
    }

    pub fn set_void(&mut self, tx: &Transaction<'_>, key: IdentifierKey) -> Result<()> {
        self.get_mut(tx, key)?.void = true;
        tx.prepare_cached("UPDATE identifiers SET void = 1 WHERE id = ?1")?.execute([key])?;
        self.set_root(tx, key, None)
    }

    /// Notes a link of the identifier that an event tells.
    pub fn linked(&mut self, tx: &Transaction<'_>, key: IdentifierKey, event: &OrderKey) -> Result<()> {
        let known = self.get_mut(tx, key)?;
        if known.latest_link.as_ref().is_none_or(|latest| latest < event) {
            known.latest_link = Some(event.clone());
            tx.prepare_cached("UPDATE identifiers SET latest_link = ?2 WHERE id = ?1")?
                .execute(params![key, event.as_bytes()])?;
        }
        Ok(())
    }

    fn get_mut(&mut self, connection: &Connection, key: IdentifierKey) -> Result<&mut Identifier> {
        if !self.by_key.contains_key(&key) {
            let found = by_key(connection, key)?;
            self.remember(found);
        }
        Ok(self.by_key.peek_mut(&key).expect("it was just remembered"))
    }

    fn remember(&mut self, found: Identifier) -> IdentifierKey {
        let key = found.key;
        let is_met = found.first < OrderKey::beyond();
        let first = if is_met { found.first.time() } else { Timestamp::MAX };
        self.by_name.insert(found.usable.clone(), (key, first));
        self.by_key.insert(key, found);
        key
    }

    fn make(
        &mut self,
        tx: &Transaction<'_>,
        usable: &Usable,
        event: &OrderKey,
        rules: &Rules,
        tenant_key: &[u8; 32],
    ) -> Result<IdentifierKey> {
        let last = match self.last_key {
            Some(last) => last,
            None => tx.query_row("SELECT coalesce(max(id), 0) FROM identifiers", [], |row| row.get(0))?,
        };
        let key = IdentifierKey(last + 1);
        self.last_key = Some(key.0);
        let root = (usable.role(rules) == Role::Person).then_some(key);
        let alias = CustomerId::of(&usable.to_identifier(rules), tenant_key);
        let made =
            Identifier { key, usable: usable.clone(), first: event.clone(), root, void: false, latest_link: None };
        insert(tx, &made, alias)?;
        Ok(self.remember(made))
    }
}

/// Makes the row of an identifier, which gives this customer id.
pub(crate) fn insert(tx: &Transaction<'_>, made: &Identifier, alias: CustomerId) -> Result<()> {
    let Identifier { key, usable, first, root, void, latest_link } = made;
    tx.prepare_cached("INSERT INTO identifiers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(params![
        key,
        usable.kind.0,
        usable.value,
        alias.0,
        first.as_bytes(),
        root,
        void,
        latest_link.as_ref().map(OrderKey::as_bytes)
    ])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Identifier> {
    Ok(Identifier {
        key: row.get(0)?,
        usable: Usable { kind: KindIndex(row.get(1)?), value: row.get(2)? },
        first: OrderKey::from_bytes(row.get(3)?),
        root: row.get(4)?,
        void: row.get(5)?,
        latest_link: row.get::<_, Option<Vec<u8>>>(6)?.map(OrderKey::from_bytes),
    })
}

pub(crate) fn by_name(connection: &Connection, usable: &Usable) -> Result<Option<Identifier>> {
    let mut find = connection.prepare_cached(
        "SELECT id, kind, value, first, root, void, latest_link FROM identifiers WHERE kind = ?1 AND value = ?2",
    )?;
    Ok(find.query_row(params![usable.kind.0, usable.value], from_row).optional()?)
}

/// The identifier whose customer id this is.
pub(crate) fn by_alias(connection: &Connection, id: CustomerId) -> Result<Option<Identifier>> {
    let mut find = connection
        .prepare_cached("SELECT id, kind, value, first, root, void, latest_link FROM identifiers WHERE alias = ?1")?;
    Ok(find.query_row([id.0], from_row).optional()?)
}

pub(crate) fn by_key(connection: &Connection, key: IdentifierKey) -> Result<Identifier> {
    let mut find = connection
        .prepare_cached("SELECT id, kind, value, first, root, void, latest_link FROM identifiers WHERE id = ?1")?;
    find.query_row([key], from_row)
        .optional()?
        .ok_or_else(|| ReadModelError::corrupt(format!("identifier {} is named but has no row", key.0)))
}

/// Void identifiers after one.
pub(crate) fn void_after(connection: &Connection, after: IdentifierKey, most: usize) -> Result<Vec<Identifier>> {
    let mut find = connection.prepare_cached(
        "SELECT id, kind, value, first, root, void, latest_link FROM identifiers WHERE void AND id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = find.query_map(params![after, most as u64], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many identifiers of each kind are void.
pub(crate) fn void_by_kind(connection: &Connection) -> Result<BTreeMap<KindIndex, u64>> {
    let mut count = connection.prepare_cached("SELECT kind, count(*) FROM identifiers WHERE void GROUP BY kind")?;
    let rows = count.query_map([], |row| Ok((KindIndex(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The person identifiers of a customer.
pub(crate) fn members(connection: &Connection, root: IdentifierKey) -> Result<Vec<IdentifierKey>> {
    let mut find = connection.prepare_cached("SELECT id FROM identifiers WHERE root = ?1")?;
    let rows = find.query_map([root], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A customer's identifiers, the oldest first: by first event, then by strength. Never none.
pub(crate) fn of_customer(connection: &Connection, customer: IdentifierKey) -> Result<Vec<Identifier>> {
    let mut named = vec![by_key(connection, customer)?];
    for member in members(connection, customer)?.into_iter().filter(|member| *member != customer) {
        named.push(by_key(connection, member)?);
    }
    named.sort_by(|left, right| (&left.first, &left.usable).cmp(&(&right.first, &right.usable)));
    Ok(named)
}

/// The id that the oldest of a customer's identifiers gives it.
pub(crate) fn id_of(named: &[Identifier], rules: &Rules, tenant_key: &[u8; 32]) -> CustomerId {
    let oldest = named.first().expect("a customer has an identifier");
    CustomerId::of(&oldest.usable.to_identifier(rules), tenant_key)
}

/// A 16-byte column.
pub(crate) fn sixteen(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; 16]> {
    let bytes: Vec<u8> = row.get(column)?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, format!("{} bytes, not 16", bytes.len()).into())
    })
}
