//! Dedup: the first event on the log under a source and id stands, for ever; no time window.
//!
//! One table for all events and not, as one might for locality, one beside each customer: another body under a known name
//! may name another customer, and must be found all the same.

use rusqlite::{Transaction, params};

use crate::Incoming;
use crate::decisions::Decided;
use crate::error::Result;
use crate::identifiers::sixteen;
use crate::incoming::{Readable, Ready, Unreadable};
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
}

/// Two bodies under one source and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Where the one is that counts.
    pub standing: u64,
    /// Where the other one is, which is parked.
    pub parked: u64,
}

/// Keeps what counts, counts retries, parks the unreadable and the second bodies.
pub(crate) fn sift(tx: &Transaction<'_>, batch: Vec<Incoming>) -> Result<Sifted> {
    let mut sifted = Sifted::default();
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1, ?2, ?3)")?;
    let mut find = tx.prepare_cached("SELECT body, position FROM seen WHERE name = ?1")?;
    for Incoming { position, recorded_at, read, .. } in batch {
        let readable = match read {
            Ok(readable) => readable,
            Err(Unreadable { source, id, event_type, reason }) => {
                parked::park(tx, &ParkedEvent { position, recorded_at, source, id, event_type, reason })?;
                sifted.parked += 1;
                continue;
            }
        };
        let (name, body) = (readable.name(), readable.body().0);
        if insert.execute(params![name, body, position])? == 1 {
            match readable {
                Readable::Touchpoint(ready) => sifted.fresh.push((position, ready)),
                Readable::Decision(decision) => sifted.decided.push(Decided { position, decision: *decision }),
            }
            continue;
        }
        let (standing, first) = find.query_row([name], |row| Ok((sixteen(row, 0)?, row.get::<_, u64>(1)?)))?;
        if standing == body {
            sifted.duplicates += 1;
            continue;
        }
        let order = readable.order();
        let conflict = ParkedEvent {
            position,
            recorded_at,
            source: order.source.clone(),
            id: order.id.clone(),
            event_type: readable.event_type().to_string(),
            reason: format!("id: another body stands under this source and id, at position {first}"),
        };
        parked::park(tx, &conflict)?;
        sifted.conflicts.push(Conflict { standing: first, parked: position });
        sifted.parked += 1;
    }
    Ok(sifted)
}
