//! Stored touchpoints by anchor, and the timeline of a customer: the merge of its anchors' in the order of events.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use rapport_customer::identity::Visit;
use rapport_touchpoint::{Channel, Event, EventType, OrderKey, Violation, glance, reread};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::Definitions;
use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;
use crate::{claims, identifiers, rows};

/// Rows that one source reads ahead, at most.
const CHUNK: usize = 256;

#[derive(Debug, Clone)]
pub(crate) struct TimelineRow {
    pub event: OrderKey,
    pub position: u64,
    /// As it stands on the log.
    pub json: Vec<u8>,
}

impl TimelineRow {
    /// Reads the event again. It passed under this very catalogue, which is part of the file's fingerprint.
    pub fn read(&self, definitions: &Definitions) -> Result<Event> {
        self.clone().into_event(definitions)
    }

    /// As much of the event as one sees at a glance.
    pub fn glance(&self, definitions: &Definitions) -> Result<(EventType, Channel)> {
        glance(&self.json, &definitions.catalogue).map_err(|violations| broken(self.position, &violations))
    }

    /// The same without a copy: the row is left without its touchpoint.
    pub fn take_event(&mut self, definitions: &Definitions) -> Result<Event> {
        Self { event: OrderKey::MIN, position: self.position, json: std::mem::take(&mut self.json) }
            .into_event(definitions)
    }

    /// The same without a copy.
    pub fn into_event(self, definitions: &Definitions) -> Result<Event> {
        let Self { position, json, .. } = self;
        reread(json, &definitions.catalogue).map_err(|violations| broken(position, &violations))
    }
}

fn broken(position: u64, violations: &[Violation]) -> ReadModelError {
    let reasons: Vec<_> = violations.iter().map(ToString::to_string).collect();
    ReadModelError::corrupt(format!("the stored touchpoint at position {position}: {}", reasons.join("; ")))
}

/// A stretch of one anchor's events.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub anchor: IdentifierKey,
    /// Included.
    pub from: OrderKey,
    /// Excluded; `None` for ever.
    pub until: Option<OrderKey>,
}

/// What is stored of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub anchor: IdentifierKey,
    /// Its key.
    pub event: &'a [u8],
    pub position: u64,
    pub json: &'a [u8],
}

/// By anchor and in the order of events, or it takes long.
pub(crate) fn insert_all(tx: &Transaction<'_>, stored: &[Stored<'_>]) -> Result<()> {
    let next: i64 =
        tx.prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM touchpoints")?.query_row([], |row| row.get(0))?;
    let stored: Vec<_> = (next..).zip(stored).collect();
    rows::insert_all(tx, "touchpoints", &stored, |(id, Stored { json, .. })| {
        [ValueRef::Integer(*id), ValueRef::Blob(json)]
    })?;
    rows::insert_all(tx, "timeline", &stored, |(id, Stored { anchor, event, position, .. })| {
        [ValueRef::Integer(anchor.0), ValueRef::Blob(event), rows::position(*position), ValueRef::Integer(*id)]
    })
}

/// Removes an anchor's rows and gives them back.
pub(crate) fn take_all(tx: &Transaction<'_>, anchor: IdentifierKey) -> Result<Vec<TimelineRow>> {
    let mut find = tx.prepare_cached(
        "SELECT event, position, json FROM timeline JOIN touchpoints ON id = touchpoint
         WHERE anchor = ?1 ORDER BY event",
    )?;
    let rows = find.query_map([anchor], from_row)?.collect::<rusqlite::Result<_>>()?;
    tx.prepare_cached("DELETE FROM touchpoints WHERE id IN (SELECT touchpoint FROM timeline WHERE anchor = ?1)")?
        .execute([anchor])?;
    tx.prepare_cached("DELETE FROM timeline WHERE anchor = ?1")?.execute([anchor])?;
    Ok(rows)
}

/// The first event of this anchor from here until there.
pub(crate) fn first(
    tx: &Transaction<'_>,
    anchor: IdentifierKey,
    from: &OrderKey,
    until: Option<&OrderKey>,
) -> Result<Option<OrderKey>> {
    let mut find = tx.prepare_cached(
        "SELECT event FROM timeline
         WHERE anchor = ?1 AND event >= ?2 AND event < ?3 ORDER BY event LIMIT 1",
    )?;
    let ever = OrderKey::beyond();
    let until = until.unwrap_or(&ever).as_bytes();
    let found = find.query_row(params![anchor, from.as_bytes(), until], |row| row.get(0));
    Ok(found.optional()?.map(OrderKey::from_bytes))
}

/// Does this identifier stand for a customer, who has events if anybody's are stored under it?
pub(crate) fn is_customer(connection: &Connection, customer: IdentifierKey) -> Result<bool> {
    Ok(known_as(connection, customer)?.is_some())
}

/// What an identifier that stands for a customer is.
enum Standing {
    /// The root of its identifiers.
    Root,
    /// A device that nobody claimed.
    Device,
}

fn known_as(connection: &Connection, customer: IdentifierKey) -> Result<Option<Standing>> {
    let known = identifiers::by_key(connection, customer)?;
    Ok(match known.root {
        _ if known.void => None,
        Some(root) => (root == customer).then_some(Standing::Root),
        None => claims::last(connection, customer)?.is_none().then_some(Standing::Device),
    })
}

/// Where a customer's events are stored, from one event on; empty if there is no such customer.
pub(crate) fn sources_of(
    connection: &Connection,
    customer: IdentifierKey,
    from: &OrderKey,
    visit: Visit,
) -> Result<Vec<Source>> {
    let all_of = |anchor| Source { anchor, from: from.clone(), until: None };
    match known_as(connection, customer)? {
        None => return Ok(Vec::new()),
        Some(Standing::Device) => return Ok(vec![all_of(customer)]),
        Some(Standing::Root) => {}
    }
    let members = identifiers::members(connection, customer)?;
    let mut sources: Vec<_> = members.iter().map(|member| all_of(*member)).collect();
    for device in devices_of(connection, &members)? {
        for span in claims::spans_of(connection, device, &members, from, visit)? {
            let begins = span.from.map_or_else(|| from.clone(), |begins| begins.max(from.clone()));
            sources.push(Source { anchor: device, from: begins, until: span.until });
        }
    }
    Ok(sources)
}

/// The devices that any of these anchors ever claimed and that are not void.
pub(crate) fn devices_of(connection: &Connection, anchors: &[IdentifierKey]) -> Result<Vec<IdentifierKey>> {
    let mut devices = Vec::new();
    for anchor in anchors {
        devices.extend(claims::devices_of(connection, *anchor)?);
    }
    devices.sort_unstable();
    devices.dedup();
    let mut live = Vec::with_capacity(devices.len());
    for device in devices {
        if !identifiers::by_key(connection, device)?.void {
            live.push(device);
        }
    }
    Ok(live)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    OldestFirst,
    NewestFirst,
}

/// Reads several sources as one timeline, a chunk of each at a time.
pub(crate) struct Merge<'a> {
    connection: &'a Connection,
    direction: Direction,
    /// Rows of a source at a time.
    chunk: usize,
    sources: Vec<(Source, VecDeque<TimelineRow>)>,
    heads: BinaryHeap<Head>,
}

impl<'a> Merge<'a> {
    pub fn new(connection: &'a Connection, sources: Vec<Source>, direction: Direction) -> Result<Self> {
        Self::of_few(connection, sources, direction, CHUNK)
    }

    /// The same where about so many rows are asked for.
    pub fn of_few(connection: &'a Connection, sources: Vec<Source>, direction: Direction, rows: usize) -> Result<Self> {
        let sources: Vec<_> = sources.into_iter().map(|source| (source, VecDeque::new())).collect();
        let chunk = rows.clamp(1, CHUNK);
        let mut merge = Self { connection, direction, chunk, heads: BinaryHeap::new(), sources };
        for at in 0..merge.sources.len() {
            merge.refill(at)?;
        }
        Ok(merge)
    }

    pub fn next(&mut self) -> Result<Option<TimelineRow>> {
        let Some(Head { source, .. }) = self.heads.pop() else { return Ok(None) };
        let row = self.sources[source].1.pop_front();
        match self.sources[source].1.front() {
            Some(next) => self.heads.push(Head { event: next.event.clone(), direction: self.direction, source }),
            None => self.refill(source)?,
        }
        Ok(row)
    }

    fn refill(&mut self, at: usize) -> Result<()> {
        let (source, rows) = &mut self.sources[at];
        let order = match self.direction {
            Direction::OldestFirst => "ASC",
            Direction::NewestFirst => "DESC",
        };
        let mut find = self.connection.prepare_cached(&format!(
            "SELECT event, position, json FROM timeline JOIN touchpoints ON id = touchpoint
             WHERE anchor = ?1 AND event >= ?2 AND event < ?3 ORDER BY event {order} LIMIT ?4"
        ))?;
        let ever = OrderKey::beyond();
        let until = source.until.as_ref().unwrap_or(&ever).as_bytes();
        let found =
            find.query_map(params![source.anchor, source.from.as_bytes(), until, self.chunk as u64], from_row)?;
        rows.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        let (Some(first), Some(last)) = (rows.front(), rows.back()) else { return Ok(()) };
        match self.direction {
            Direction::OldestFirst => source.from = just_after(&last.event),
            Direction::NewestFirst => source.until = Some(last.event.clone()),
        }
        self.heads.push(Head { event: first.event.clone(), direction: self.direction, source: at });
        Ok(())
    }
}

/// The smallest key above this one.
pub(crate) fn just_after(event: &OrderKey) -> OrderKey {
    let mut bytes = event.as_bytes().to_vec();
    bytes.push(0);
    OrderKey::from_bytes(bytes)
}

#[derive(PartialEq, Eq)]
struct Head {
    event: OrderKey,
    direction: Direction,
    source: usize,
}

impl Ord for Head {
    /// The heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        let rising = self.event.cmp(&other.event);
        match self.direction {
            Direction::OldestFirst => rising.reverse(),
            Direction::NewestFirst => rising,
        }
        .then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<TimelineRow> {
    Ok(TimelineRow { event: OrderKey::from_bytes(row.get(0)?), position: row.get(1)?, json: row.get(2)? })
}
