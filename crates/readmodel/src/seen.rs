//! Dedup: the first event on the log under a source and id stands, for ever; no time window.
//!
//! One table for all events and not, as one might for locality, one beside each customer: another body under a known name
//! may name another customer, and must be found all the same.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::error::Result;
use crate::incoming::Ready;
use crate::parked::{self, ParkedEvent};
use crate::{Incoming, incoming::Unreadable};

/// What a batch has that is new.
#[derive(Default)]
pub(crate) struct Sifted {
    /// Distinct events, with their position, in log order.
    pub fresh: Vec<(u64, Ready)>,
    pub duplicates: u64,
    pub parked: u64,
}

/// Keeps what counts, counts retries, parks the unreadable and the second bodies.
pub(crate) fn sift(tx: &Transaction<'_>, batch: Vec<Incoming>) -> Result<Sifted> {
    let mut sifted = Sifted::default();
    let mut standing: HashMap<[u8; 16], ([u8; 16], u64)> = HashMap::new();
    let mut new_names = Vec::new();
    let mut find = tx.prepare_cached("SELECT body, position FROM seen WHERE name = ?1")?;
    for Incoming { position, recorded_at, read, .. } in batch {
        let ready = match read {
            Ok(ready) => ready,
            Err(Unreadable { source, id, event_type, reason }) => {
                parked::park(tx, &ParkedEvent { position, recorded_at, source, id, event_type, reason })?;
                sifted.parked += 1;
                continue;
            }
        };
        let body = ready.event.touchpoint.body_hash.0;
        let known = match standing.get(&ready.name) {
            Some(known) => Some(*known),
            None => find.query_row([ready.name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?,
        };
        match known {
            None => {
                standing.insert(ready.name, (body, position));
                new_names.push((ready.name, body, position));
                sifted.fresh.push((position, ready));
            }
            Some((first_body, _)) if first_body == body => sifted.duplicates += 1,
            Some((_, first)) => {
                let order = &ready.event.touchpoint.order;
                let conflict = ParkedEvent {
                    position,
                    recorded_at,
                    source: order.source.clone(),
                    id: order.id.clone(),
                    event_type: ready.event.touchpoint.event_type.to_string(),
                    reason: format!("id: another body stands under this source and id, at position {first}"),
                };
                parked::park(tx, &conflict)?;
                sifted.parked += 1;
            }
        }
    }
    new_names.sort_unstable();
    let mut insert = tx.prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3)")?;
    for (name, body, position) in new_names {
        insert.execute(params![name, body, position])?;
    }
    Ok(sifted)
}
