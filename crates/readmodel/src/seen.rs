//! Dedup: the first event on the log under a source and id stands, for ever; no time window.
//!
//! One table for all events and not, as one might for locality, one beside each customer: another body under a known name
//! may name another customer, and must be found all the same.

use std::collections::HashMap;

use rapport_touchpoint::{Order, RecordHash, Timestamp};
use rusqlite::{Connection, Transaction};

use crate::Incoming;
use crate::decisions::Decided;
use crate::discards;
use crate::error::Result;
use crate::incoming::{Readable, Ready, Unreadable};
use crate::names::{Name, Names, Standing, Standings, Written};
use crate::parked::{self, ParkedEvent};

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
    /// Their names, written.
    pub names: Written,
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

/// Keeps what counts, counts retries, parks the unreadable, the discarded and the second bodies of a batch, which leads from
/// one position to the next.
pub(crate) fn sift(
    tx: &Transaction<'_>,
    known: &Names,
    batch: Vec<Incoming>,
    (from, to): (u64, u64),
) -> Result<Sifted> {
    let mut sifted = Sifted { fresh: Vec::with_capacity(batch.len()), ..Sifted::default() };
    let mut names = Met::look_up(tx, known, &batch)?;
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
    sifted.names = known.write(tx, names.new, from, to)?;
    Ok(sifted)
}

/// What stands under the names of a batch.
struct Met {
    standing: HashMap<Name, Standing>,
    new: Vec<(Name, Standing)>,
}

impl Met {
    fn look_up(tx: &Transaction<'_>, known: &Names, batch: &[Incoming]) -> Result<Self> {
        let mut names: Vec<_> =
            batch.iter().filter_map(|record| record.read.as_ref().ok()).map(Readable::name).collect();
        names.sort_unstable();
        names.dedup();
        Ok(Self { standing: known.look_up(tx, &names)?, new: Vec::with_capacity(batch.len()) })
    }

    fn standing(&self, name: Name) -> Option<Standing> {
        self.standing.get(&name).copied()
    }

    /// `true` if nothing stood under the name.
    fn enter(&mut self, name: Name, body: [u8; 16], position: u64) -> bool {
        let is_new = !self.standing.contains_key(&name);
        if is_new {
            self.standing.insert(name, (body, position));
            self.new.push((name, (body, position)));
        }
        is_new
    }
}

/// Why a parked record would be parked again, were the log folded anew; `None` if it would not.
pub(crate) fn kept_out(connection: &Connection, names: &Standings<'_>, record: &Incoming) -> Result<Option<String>> {
    let readable = match &record.read {
        Ok(readable) => readable,
        Err(unreadable) => return Ok(Some(unreadable.reason.clone())),
    };
    if readable.is_touchpoint() && discards::holds(connection, record.hash)? {
        return Ok(Some(DISCARDED.to_owned()));
    }
    Ok(match names.standing(readable.name())? {
        Some((standing, first)) if standing != readable.body().0 && first < record.position => Some(conflict(first)),
        _ => None,
    })
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
