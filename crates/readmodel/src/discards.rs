//! Discards: decisions that a record of the log never counts, whatever code and definitions read it.
//!
//! A discard stands on the log behind the record that it names. A file that is folded from the beginning, perhaps under
//! definitions that can read the record, is told of the discards beforehand; so it never lets in what has to go out again.
//! A discard that nobody could foresee names, nearly always, what is parked here too. Where it does not, as when another
//! service with other definitions parked it, the file is marked to be folded anew.

use std::collections::BTreeSet;

use rapport_touchpoint::{Choice, Decision, RecordHash};
use rusqlite::{Connection, Transaction, params};

use crate::error::Result;
use crate::incoming::{Incoming, Readable};
use crate::parked;

/// Are there any? Nearly no log has one, and then no record need be looked up.
pub(crate) fn any(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM discarded LIMIT 1")?.exists([])?)
}

pub(crate) fn holds(connection: &Connection, record: RecordHash) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM discarded WHERE record = ?1")?.exists([record.0])?)
}

/// Takes a decision if it is a discard, and says whether it is.
pub(crate) fn take(tx: &Transaction<'_>, position: u64, decision: &Decision) -> Result<bool> {
    let Choice::Discarded(discarded) = &decision.choice else { return Ok(false) };
    if keep(tx, position, decision)? && !parked::is_parked(tx, discarded.record)? {
        tx.prepare_cached("UPDATE checkpoint SET outdated = 1")?.execute([])?;
    }
    Ok(true)
}

/// Takes the discards of the log up to a position, before anything is folded.
pub(crate) fn foresee(tx: &Transaction<'_>, discards: &[Incoming], until: u64) -> Result<()> {
    let mut names = BTreeSet::new();
    for Incoming { position, read, .. } in discards {
        // The first body under a name stands, as when it is folded.
        if let Ok(Readable::Decision(decision)) = read
            && names.insert(decision.name_hash())
        {
            keep(tx, *position, decision)?;
        }
    }
    tx.prepare_cached("UPDATE checkpoint SET foreseen = ?1")?.execute([until])?;
    Ok(())
}

/// Keeps a discard unless the record has one already, or it is another decision.
fn keep(tx: &Transaction<'_>, position: u64, decision: &Decision) -> Result<bool> {
    let Choice::Discarded(discarded) = &decision.choice else { return Ok(false) };
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO discarded VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let time = decision.order.time.nanos();
    Ok(insert.execute(params![discarded.record.0, position, time, discarded.reason, discarded.by])? == 1)
}

/// Up to where discards were known beforehand.
pub(crate) fn foreseen(connection: &Connection) -> Result<Option<u64>> {
    Ok(connection.prepare_cached("SELECT foreseen FROM checkpoint")?.query_row([], |row| row.get(0))?)
}

pub(crate) fn is_outdated(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT outdated FROM checkpoint")?.query_row([], |row| row.get(0))?)
}
