//! The names on the log, so that a retry is told from something new: most in the table `ids`, the latest in memory.
//!
//! Names are hashes: each lies on a page of its own, and to write that page costs more than the record. So new names wait,
//! and a group writes as many as it brings, those that come next in the order of names; a sweep over the table takes 100,000
//! events and finds several names for each page. `swept` says up to which position all names are in the table; what else
//! waited when a process ended is found in the records when the log is opened.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use rapport_touchpoint::{BodyHash, EventName};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Deserialize;

use crate::Position;
use crate::batch::Entry;
use crate::name::{Bodies, Name};

/// Names in memory, about 64 bytes each.
pub(super) const MOST_WAITING: usize = 100_000;

pub(super) type Key = (Name, BodyHash);

pub(super) struct Names {
    most_waiting: usize,
    waiting: BTreeMap<Key, Position>,
    /// The last one that the sweep has written; `None` where it begins.
    written: Option<Key>,
    /// The end of the log when the sweep began.
    began_at: Position,
}

/// What a transaction wrote of a sweep, to be taken over once it is committed.
pub(super) struct Swept {
    names: Vec<(Key, Position)>,
    ended: bool,
}

impl Names {
    /// Of a log that is opened: what waited when it was last written waits again.
    pub(super) fn open(connection: &Connection, head: Position, most_waiting: usize) -> rusqlite::Result<Self> {
        connection.execute_batch("CREATE TABLE IF NOT EXISTS swept (position INTEGER NOT NULL) STRICT")?;
        let swept: Option<u64> = connection.query_row("SELECT max(position) FROM swept", [], |row| row.get(0))?;
        let mut waiting = BTreeMap::new();
        match swept {
            // Somebody took the tail of the log away; what grows in its place has not been swept.
            Some(swept) if swept > head.0 => drop(connection.execute("UPDATE swept SET position = ?", [head.0])?),
            Some(swept) => read_names(connection, swept, &mut waiting)?,
            // Until there was that table, every name went into `ids` with its record.
            None => drop(connection.execute("INSERT INTO swept (position) VALUES (?)", [head.0])?),
        }
        Ok(Self { most_waiting, waiting, written: None, began_at: head })
    }

    /// What is known of the names that are on the log or come more than once in the group. Nearly all are neither.
    pub(super) fn look_up(
        &self,
        connection: &Connection,
        events: &[Entry<'_>],
    ) -> rusqlite::Result<HashMap<Name, Bodies>> {
        let mut names: Vec<Name> = events.iter().map(|entry| entry.event.name).collect();
        names.sort_unstable();
        let mut known: HashMap<Name, Bodies> = HashMap::new();
        let mut select = connection.prepare_cached("SELECT body, position FROM ids WHERE name = ?")?;
        for same in names.chunk_by(|left, right| left == right) {
            let name = same[0];
            if same.len() > 1 {
                known.entry(name).or_default();
            }
            let ends = ((name, BodyHash([0; 16])), (name, BodyHash([u8::MAX; 16])));
            for ((_, body), position) in self.waiting.range(ends.0..=ends.1) {
                known.entry(name).or_default().add(*body, *position);
            }
            let mut rows = select.query([name])?;
            while let Some(row) = rows.next()? {
                known.entry(name).or_default().add(BodyHash(row.get(0)?), Position(row.get(1)?));
            }
        }
        Ok(known)
    }

    /// Makes room for new names: as many of those that wait go into the table.
    pub(super) fn sweep(&self, transaction: &Transaction<'_>, coming: usize) -> rusqlite::Result<Swept> {
        let beyond = (self.waiting.len() + coming).saturating_sub(self.most_waiting);
        // After a crash more may wait; that is not made one group's burden.
        let most = beyond.min(2 * coming);
        let from = self.written.map_or(Unbounded, Excluded);
        let next = self.waiting.range((from, Unbounded)).take(most).map(|(key, position)| (*key, *position));
        let names: Vec<(Key, Position)> = next.collect();
        insert(transaction, &names)?;
        let ended = names.len() < most;
        if ended {
            transaction.prepare_cached("UPDATE swept SET position = ?")?.execute([self.began_at.0])?;
        }
        Ok(Swept { names, ended })
    }

    /// Takes over what was committed: the names that were swept and those that are new.
    pub(super) fn committed(&mut self, swept: Swept, new: Vec<(Key, Position)>, head_before: Position) {
        let Swept { names, ended } = swept;
        for (key, _) in &names {
            self.waiting.remove(key);
        }
        self.waiting.extend(new);
        if ended {
            (self.written, self.began_at) = (None, head_before);
        } else if let Some((last, _)) = names.last() {
            self.written = Some(*last);
        }
    }

    /// Puts all that waits into the table, before the log is closed.
    pub(super) fn close(self, connection: &mut Connection, head: Position) -> rusqlite::Result<()> {
        let names: Vec<(Key, Position)> = self.waiting.into_iter().collect();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        insert(&transaction, &names)?;
        transaction.execute("UPDATE swept SET position = ?", [head.0])?;
        transaction.commit()
    }
}

/// The tables of a log that nobody has opened yet, and that has its names up to a position.
pub(super) fn create(connection: &Connection, swept: Position) -> rusqlite::Result<()> {
    connection.execute_batch("CREATE TABLE swept (position INTEGER NOT NULL) STRICT")?;
    connection.execute("INSERT INTO swept (position) VALUES (?)", [swept.0]).map(drop)
}

/// The names that are not in the table yet.
pub(super) fn waiting(connection: &Connection) -> rusqlite::Result<BTreeMap<Key, Position>> {
    let swept: u64 = connection.query_row("SELECT max(position) FROM swept", [], |row| row.get(0))?;
    let mut waiting = BTreeMap::new();
    read_names(connection, swept, &mut waiting)?;
    Ok(waiting)
}

/// Puts names into the table, up to this position of the log; one that is there stays.
pub(super) fn insert_new(
    transaction: &Transaction<'_>,
    names: &BTreeMap<Key, Position>,
    swept: Position,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO ids (name, body, position) VALUES (?, ?, ?)")?;
    for ((name, body), position) in names {
        insert.execute(params![name, body.0, position.0])?;
    }
    transaction.execute("UPDATE swept SET position = ?", [swept.0]).map(drop)
}

/// Under which name and body a record is found. One that was written past the program may have none.
pub(super) fn key(json: &[u8]) -> Option<Key> {
    let Named { source, id, bodyhash } = serde_json::from_slice(json).ok()?;
    Some((EventName { source, id }.hash(), bodyhash))
}

/// In the order of names, so that each page of the tree is touched once.
fn insert(transaction: &Transaction<'_>, names: &[(Key, Position)]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO ids (name, body, position) VALUES (?, ?, ?)")?;
    for ((name, body), position) in names {
        insert.execute(params![name, body.0, position.0])?;
    }
    Ok(())
}

/// What a record says of its name.
#[derive(Deserialize)]
struct Named {
    source: String,
    id: String,
    bodyhash: BodyHash,
}

/// The names of the records after a position that are not in the table.
fn read_names(connection: &Connection, after: u64, names: &mut BTreeMap<Key, Position>) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT json, position FROM records WHERE position > ? ORDER BY position")?;
    let mut find = connection.prepare("SELECT 1 FROM ids WHERE name = ? AND body = ?")?;
    let mut rows = select.query([after])?;
    while let Some(row) = rows.next()? {
        // One that somebody wrote past the program may have no name; then no append meets it.
        let Ok(Named { source, id, bodyhash }) = serde_json::from_slice(row.get_ref(0)?.as_blob()?) else { continue };
        let name = EventName { source, id }.hash();
        if !find.exists(params![name, bodyhash.0])? {
            names.entry((name, bodyhash)).or_insert(Position(row.get(1)?));
        }
    }
    Ok(())
}
