//! Parked events: on the log, not counted, listed with the reason. They never stop the others.

use rapport_touchpoint::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    pub position: u64,
    pub recorded_at: Timestamp,
    /// As far as the event says; may be empty.
    pub source: String,
    pub id: String,
    pub event_type: String,
    /// Field and rule.
    pub reason: String,
}

pub(crate) fn park(tx: &Transaction<'_>, event: &ParkedEvent) -> Result<()> {
    let ParkedEvent { position, recorded_at, source, id, event_type, reason } = event;
    tx.prepare_cached("INSERT OR REPLACE INTO parked VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        position,
        recorded_at.nanos(),
        source,
        id,
        event_type,
        reason
    ])?;
    Ok(())
}

pub(crate) fn count(connection: &Connection) -> Result<u64> {
    Ok(connection.prepare_cached("SELECT count(*) FROM parked")?.query_row([], |row| row.get(0))?)
}

/// The newest first.
pub(crate) fn newest(connection: &Connection, most: usize) -> Result<Vec<ParkedEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, recorded_at, source, id, type, reason FROM parked ORDER BY position DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([most as u64], |row| {
        Ok(ParkedEvent {
            position: row.get(0)?,
            recorded_at: Timestamp::from_nanos(row.get(1)?).unwrap_or_default(),
            source: row.get(2)?,
            id: row.get(3)?,
            event_type: row.get(4)?,
            reason: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
