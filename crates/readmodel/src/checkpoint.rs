//! How far the log is folded in, and the fence that keeps another log from being folded over it.

use rapport_touchpoint::{RecordHash, Timestamp};
use rusqlite::{Connection, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::sixteen;

/// Fence points kept.
const MOST_POINTS: usize = 8;
/// Positions between two fence points.
const SPACING: u64 = 1_000;

/// Where the read model stands, in one transaction with all that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Everything on the log up to here is folded in.
    pub position: u64,
    /// Up to which moment silence has fallen; what happens by silence at or before it has happened.
    pub clock: Timestamp,
    /// Oldest first; the last one is the last record that was folded in.
    pub fence: Vec<FencePoint>,
}

/// A record of the log as it was when it was folded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FencePoint {
    pub position: u64,
    pub hash: RecordHash,
}

impl FencePoint {
    /// Is this the record that was folded in?
    pub fn matches(&self, json: &[u8]) -> bool {
        RecordHash::of(json) == self.hash
    }
}

pub(crate) fn load(connection: &Connection) -> Result<Checkpoint> {
    let position = position(connection)?;
    let mut find = connection.prepare_cached("SELECT position, hash FROM fence ORDER BY position")?;
    let points =
        find.query_map([], |row| Ok(FencePoint { position: row.get(0)?, hash: RecordHash(sixteen(row, 1)?) }))?;
    Ok(Checkpoint { position, clock: clock(connection)?, fence: points.collect::<rusqlite::Result<_>>()? })
}

pub(crate) fn clock(connection: &Connection) -> Result<Timestamp> {
    let nanos = connection.prepare_cached("SELECT clock FROM checkpoint")?.query_row([], |row| row.get(0))?;
    Ok(Timestamp::from_nanos(nanos).unwrap_or_default())
}

pub(crate) fn position(connection: &Connection) -> Result<u64> {
    Ok(connection.prepare_cached("SELECT position FROM checkpoint")?.query_row([], |row| row.get(0))?)
}

pub(crate) fn duplicates(connection: &Connection) -> Result<u64> {
    Ok(connection.prepare_cached("SELECT duplicates FROM checkpoint")?.query_row([], |row| row.get(0))?)
}

/// Is the file where this writer knows it to be? What it remembers would be wrong otherwise, so another writer in between is
/// an error, not a race. To be asked first in a transaction, after which nobody else writes.
pub(crate) fn stands(tx: &Transaction<'_>, known: &Checkpoint) -> Result<()> {
    let found = position(tx)?;
    if (found, clock(tx)?) == (known.position, known.clock) {
        return Ok(());
    }
    Err(ReadModelError::Raced { expected: known.position, found })
}

/// Moves the clock.
pub(crate) fn pass(tx: &Transaction<'_>, clock: Timestamp) -> Result<()> {
    tx.prepare_cached("UPDATE checkpoint SET clock = ?1")?.execute([clock.nanos()])?;
    Ok(())
}

/// Moves the checkpoint.
pub(crate) fn advance(
    tx: &Transaction<'_>,
    from: &Checkpoint,
    last: FencePoint,
    duplicates: u64,
) -> Result<Checkpoint> {
    tx.prepare_cached("UPDATE checkpoint SET position = ?1, duplicates = duplicates + ?2")?
        .execute(params![last.position, duplicates])?;
    let position = last.position;
    let mut fence = from.fence.clone();
    fence_off(&mut fence, last);
    write_fence(tx, &fence)?;
    Ok(Checkpoint { position, clock: from.clock, fence })
}

/// What is folded in ends here now.
pub(crate) fn fence_off(fence: &mut Vec<FencePoint>, last: FencePoint) {
    if let [.., before, newest] = &fence[..]
        && newest.position < before.position + SPACING
    {
        fence.pop();
    }
    fence.push(last);
    if fence.len() > MOST_POINTS {
        fence.remove(0);
    }
}

/// Says of a file without a checkpoint how far it is: up to the last point of its fence.
pub(crate) fn set(tx: &Transaction<'_>, fence: &[FencePoint], clock: Timestamp, duplicates: u64) -> Result<()> {
    let position = fence.last().map_or(0, |last| last.position);
    tx.prepare_cached("UPDATE checkpoint SET position = ?1, clock = ?2, duplicates = ?3")?.execute(params![
        position,
        clock.nanos(),
        duplicates
    ])?;
    write_fence(tx, fence)
}

fn write_fence(tx: &Transaction<'_>, fence: &[FencePoint]) -> Result<()> {
    tx.prepare_cached("DELETE FROM fence")?.execute([])?;
    let mut insert = tx.prepare_cached("INSERT INTO fence VALUES (?1, ?2)")?;
    for point in fence {
        insert.execute(params![point.position, point.hash.0])?;
    }
    Ok(())
}
