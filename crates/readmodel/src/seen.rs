//! Dedup: the first event on the log under a source and id stands, for ever; no time window.
//!
//! One table for all events and not, as one might for locality, one beside each customer: another body under a known name
//! may name another customer, and must be found all the same.

use std::collections::HashMap;

use rapport_touchpoint::{Order, RecordHash, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::Incoming;
use crate::decisions::Decided;
use crate::error::Result;
use crate::identifiers::sixteen;
use crate::incoming::{Readable, Ready, Unreadable};
use crate::parked::{self, ParkedEvent};
use crate::{discards, rows};

/// What a batch has that is new.
#[derive(Default)]
pub(crate) struct Sifted {
    /// Distinct events, with their position, in log order.
    pub fresh: Vec<(u64, Ready)>,
    /// Distinct decisions, in log order.
    pub decided: Vec<Decided>,
    pub duplicates: u64,
    pub parked: u64,
    pub conflicts: Vec<Conflict>,
}

/// Two bodies under one source and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Where the one is that counts.
    pub standing: u64,
    /// Where the other one is, which is parked.
    pub parked: u64,
}

/// What keeps a record out that can be read.
pub(crate) const DISCARDED: &str = "event: was discarded, and stays out although it can be read";

/// Keeps what counts, counts retries, parks the unreadable, the discarded and the second bodies.
pub(crate) fn sift(tx: &Transaction<'_>, batch: Vec<Incoming>) -> Result<Sifted> {
    let mut sifted = Sifted { fresh: Vec::with_capacity(batch.len()), ..Sifted::default() };
    let mut names = Names::look_up(tx, &batch)?;
    let mut any_discards = discards::any(tx)?;
    for Incoming { position, recorded_at, hash, read } in batch {
        let record = Recorded { position, recorded_at, hash };
        let readable = match read {
            Ok(readable) => readable,
            Err(unreadable) => {
                parked::park(tx, &record.unreadable(unreadable))?;
                sifted.parked += 1;
                continue;
            }
        };
        let (name, body) = (readable.name(), readable.body().0);
        let is_out = any_discards && readable.is_touchpoint() && discards::holds(tx, hash)?;
        if !is_out && names.enter(name, body, position) {
            match readable {
                Readable::Touchpoint(ready) => sifted.fresh.push((position, ready)),
                Readable::Decision(decision) => {
                    any_discards |= discards::take(tx, position, &decision)?;
                    sifted.decided.push(Decided { position, decision: *decision });
                }
            }
            continue;
        }
        let reason = match names.standing(name) {
            Some((standing, first)) if standing != body => {
                sifted.conflicts.push(Conflict { standing: first, parked: position });
                conflict(first)
            }
            _ if is_out => DISCARDED.to_owned(),
            _ => {
                sifted.duplicates += 1;
                continue;
            }
        };
        parked::park(tx, &record.readable(&readable, reason))?;
        sifted.parked += 1;
    }
    names.write(tx)?;
    Ok(sifted)
}

/// A body, and where it was first.
pub(crate) type Standing = ([u8; 16], u64);

/// What stands under the names of a batch. The table is in the order of a hash, so a batch is looked up and written in that
/// order too: neighbours share a page.
struct Names {
    standing: HashMap<[u8; 16], Standing>,
    new: Vec<([u8; 16], Standing)>,
}

impl Names {
    fn look_up(tx: &Transaction<'_>, batch: &[Incoming]) -> Result<Self> {
        let mut names: Vec<_> =
            batch.iter().filter_map(|record| record.read.as_ref().ok()).map(Readable::name).collect();
        names.sort_unstable();
        names.dedup();
        let mut known = HashMap::with_capacity(names.len());
        for name in names {
            if let Some(standing) = standing(tx, name)? {
                known.insert(name, standing);
            }
        }
        Ok(Self { standing: known, new: Vec::with_capacity(batch.len()) })
    }

    fn standing(&self, name: [u8; 16]) -> Option<Standing> {
        self.standing.get(&name).copied()
    }

    /// `true` if nothing stood under the name.
    fn enter(&mut self, name: [u8; 16], body: [u8; 16], position: u64) -> bool {
        let is_new = !self.standing.contains_key(&name);
        if is_new {
            self.standing.insert(name, (body, position));
            self.new.push((name, (body, position)));
        }
        is_new
    }

    fn write(mut self, tx: &Transaction<'_>) -> Result<()> {
        self.new.sort_unstable();
        insert_all(tx, &self.new)
    }
}

/// Writes names, in the order of the table.
pub(crate) fn insert_all(tx: &Transaction<'_>, names: &[([u8; 16], Standing)]) -> Result<()> {
    rows::insert_all(tx, "seen", names, |(name, (body, position))| {
        [ValueRef::Blob(name), ValueRef::Blob(body), rows::position(*position)]
    })
}

/// Why a parked record would be parked again, were the log folded anew; `None` if it would not.
pub(crate) fn kept_out(connection: &Connection, record: &Incoming) -> Result<Option<String>> {
    let readable = match &record.read {
        Ok(readable) => readable,
        Err(unreadable) => return Ok(Some(unreadable.reason.clone())),
    };
    if readable.is_touchpoint() && discards::holds(connection, record.hash)? {
        return Ok(Some(DISCARDED.to_owned()));
    }
    Ok(match standing(connection, readable.name())? {
        Some((standing, first)) if standing != readable.body().0 && first < record.position => Some(conflict(first)),
        _ => None,
    })
}

/// Where the event that counts under a name was first.
pub(crate) fn position(connection: &Connection, name: [u8; 16]) -> Result<Option<u64>> {
    Ok(standing(connection, name)?.map(|(_, position)| position))
}

/// The body that stands under a name, and where it was first.
fn standing(connection: &Connection, name: [u8; 16]) -> Result<Option<Standing>> {
    let mut find = connection.prepare_cached("SELECT body, position FROM seen WHERE name = ?1")?;
    Ok(find.query_row([name], |row| Ok((sixteen(row, 0)?, row.get(1)?))).optional()?)
}

pub(crate) fn conflict(first: u64) -> String {
    format!("id: another body stands under this source and id, at position {first}")
}

/// What every record has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    pub position: u64,
    pub recorded_at: Timestamp,
    pub hash: RecordHash,
}

impl Recorded {
    pub fn unreadable(self, Unreadable { source, id, event_type, reason }: Unreadable) -> ParkedEvent {
        let Self { position, recorded_at, hash: record } = self;
        ParkedEvent { position, recorded_at, record, source, id, event_type, reason, discarded: None }
    }

    fn readable(self, readable: &Readable, reason: String) -> ParkedEvent {
        let Order { source, id, .. } = readable.order().clone();
        self.as_parked((source, id), readable.event_type().to_string(), reason)
    }

    pub fn as_parked(self, (source, id): (String, String), event_type: String, reason: String) -> ParkedEvent {
        self.unreadable(Unreadable { source, id, event_type, reason })
    }
}
