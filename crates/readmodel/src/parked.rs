//! Parked records: on the log, not counted, listed with the reason until they are discarded. They never stop the others.

use rapport_touchpoint::{RecordHash, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Result;
use crate::identifiers::sixteen;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    pub position: u64,
    pub recorded_at: Timestamp,
    /// Of its bytes.
    pub record: RecordHash,
    /// As far as the event says; may be empty.
    pub source: String,
    pub id: String,
    pub event_type: String,
    /// Field and rule.
    pub reason: String,
    /// It stays out for ever.
    pub discarded: Option<Discard>,
}

/// The decision that a record never counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discard {
    /// Where it stands on the log.
    pub position: u64,
    pub time: Timestamp,
    pub reason: String,
    pub by: String,
}

/// Which of the parked are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParkedState {
    /// Better code or definitions may let them in.
    Waiting,
    Discarded,
}

/// A page of the list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedPage {
    pub events: Vec<ParkedEvent>,
    /// Is there an older one than the last one here?
    pub more: bool,
}

/// How many are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub waiting: u64,
    pub discarded: u64,
}

impl ParkedState {
    fn condition(self) -> &'static str {
        match self {
            Self::Waiting => "discarded.record IS NULL",
            Self::Discarded => "discarded.record IS NOT NULL",
        }
    }
}

pub(crate) fn park(tx: &Transaction<'_>, event: &ParkedEvent) -> Result<()> {
    let ParkedEvent { position, recorded_at, record, source, id, event_type, reason, discarded: _ } = event;
    tx.prepare_cached("INSERT OR REPLACE INTO parked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        position,
        recorded_at.nanos(),
        record.0,
        source,
        id,
        event_type,
        reason
    ])?;
    Ok(())
}

/// Does a record with these bytes not count?
pub(crate) fn is_parked(connection: &Connection, record: RecordHash) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM parked WHERE record = ?1")?.exists([record.0])?)
}

pub(crate) fn counts(connection: &Connection) -> Result<Counts> {
    let all: u64 = connection.prepare_cached("SELECT count(*) FROM parked")?.query_row([], |row| row.get(0))?;
    let discarded = connection
        .prepare_cached("SELECT count(*) FROM discarded JOIN parked ON parked.record = discarded.record")?
        .query_row([], |row| row.get(0))?;
    Ok(Counts { waiting: all - discarded, discarded })
}

const COLUMNS: &str = "SELECT parked.position, recorded_at, parked.record, source, id, type, parked.reason,
    discarded.position, discarded.time, discarded.reason, discarded.by
    FROM parked LEFT JOIN discarded ON discarded.record = parked.record";

/// The newest first, older than `before`.
pub(crate) fn page(
    connection: &Connection,
    state: ParkedState,
    before: Option<u64>,
    page_size: usize,
) -> Result<ParkedPage> {
    let condition = state.condition();
    let mut find = connection.prepare_cached(&format!(
        "{COLUMNS} WHERE {condition} AND parked.position < ?1 ORDER BY parked.position DESC LIMIT ?2"
    ))?;
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let rows = find.query_map(params![before, page_size as u64 + 1], event)?;
    let mut events: Vec<ParkedEvent> = rows.collect::<rusqlite::Result<_>>()?;
    let more = events.len() > page_size;
    events.truncate(page_size);
    Ok(ParkedPage { events, more })
}

pub(crate) fn at(connection: &Connection, position: u64) -> Result<Option<ParkedEvent>> {
    let Ok(position) = i64::try_from(position) else { return Ok(None) };
    let mut find = connection.prepare_cached(&format!("{COLUMNS} WHERE parked.position = ?1"))?;
    Ok(find.query_row([position], event).optional()?)
}

fn event(row: &Row<'_>) -> rusqlite::Result<ParkedEvent> {
    let moment = |nanos: i64| Timestamp::from_nanos(nanos).unwrap_or_default();
    let discarded = match row.get::<_, Option<u64>>(7)? {
        None => None,
        Some(position) => Some(Discard { position, time: moment(row.get(8)?), reason: row.get(9)?, by: row.get(10)? }),
    };
    Ok(ParkedEvent {
        position: row.get(0)?,
        recorded_at: moment(row.get(1)?),
        record: RecordHash(sixteen(row, 2)?),
        source: row.get(3)?,
        id: row.get(4)?,
        event_type: row.get(5)?,
        reason: row.get(6)?,
        discarded,
    })
}
