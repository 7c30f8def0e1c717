//! A read model held still: one read transaction, while its writer goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rapport_customer::identity::CustomerId;
use rapport_customer::{Digest, Model};
use rapport_touchpoint::{Identifier, OrderKey, Timestamp};
use rusqlite::Connection;

use super::{GoesOn, STEP};
use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::{Definitions, Incoming, Origin, checkpoint, customers, discards, parked, schema, totals};

/// Identifiers by which a customer is named.
const MOST_NAMED: usize = 8;

/// What a read model held at one moment. As long as it is there, the file's write-ahead log grows.
pub struct Picture {
    pub(super) connection: Connection,
    pub(super) definitions: Arc<Definitions>,
    origin: Origin,
    position: u64,
    clock: Timestamp,
}

/// What the states and facts of a picture come to, whatever it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recomputed {
    pub digests: BTreeMap<Model, Digest>,
    /// States and facts of nobody.
    pub strays: u64,
}

/// Who is there: how many, and a checksum over everyone's earliest and latest event and number of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roll {
    pub customers: u64,
    checksum: Digest,
}

impl Picture {
    /// Silence counts up to the checkpoint's clock; up to `now` where none is due by then.
    pub(crate) fn take(path: &Path, origin: Origin, definitions: Arc<Definitions>, now: Timestamp) -> Result<Self> {
        let connection = schema::open_reader(path)?;
        // Ends with the connection. The first statement fixes what is seen.
        connection.execute_batch("BEGIN")?;
        let position = checkpoint::position(&connection)?;
        let passed = checkpoint::clock(&connection)?;
        let is_silent = customers::due(&connection)?.is_none_or(|due| due > now);
        let clock = if is_silent { passed.max(now) } else { passed };
        Ok(Self { connection, definitions, origin, position, clock })
    }

    /// Everything on the log up to here is in it.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Up to which moment silence has fallen in it.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// As they were kept by difference.
    pub fn stored_digests(&self) -> Result<BTreeMap<Model, Digest>> {
        let models = self.definitions.models.iter();
        models.map(|model| Ok((*model, totals::digest(&self.connection, *model)?))).collect()
    }

    /// Reads everyone's states and facts. `None` if nobody waits for it any more.
    pub fn recompute(&self, goes_on: GoesOn<'_>) -> Result<Option<Recomputed>> {
        let mut digests = BTreeMap::from_iter(self.definitions.models.iter().map(|model| (*model, Digest::default())));
        let (mut done, mut seen) = (0, 0);
        let mut everyone = self.connection.prepare("SELECT id, first FROM customers ORDER BY id")?;
        let mut rows = everyone.query([])?;
        while let Some(row) = rows.next()? {
            if done % STEP == 0 && !goes_on(done) {
                return Ok(None);
            }
            done += 1;
            let look = self.look(row.get(0)?, &OrderKey::from_bytes(row.get(1)?))?;
            seen += look.rows;
            for (model, digest) in look.digests() {
                let sum = digests.entry(model).or_default();
                *sum = sum.plus(digest);
            }
        }
        let all: u64 = self.connection.query_row(
            "SELECT (SELECT count(*) FROM states) + (SELECT count(*) FROM facts)",
            [],
            |row| row.get(0),
        )?;
        Ok(Some(Recomputed { digests, strays: all.saturating_sub(seen) }))
    }

    pub fn customers(&self) -> Result<u64> {
        Ok(self.connection.query_row("SELECT count(*) FROM customers", [], |row| row.get(0))?)
    }

    pub fn roll(&self) -> Result<Roll> {
        let mut everyone = self.connection.prepare("SELECT first, last, events FROM customers")?;
        let mut rows = everyone.query([])?;
        let mut roll = Roll::default();
        while let Some(row) = rows.next()? {
            let mut hasher = blake3::Hasher::new();
            for column in 0..2 {
                let event: Vec<u8> = row.get(column)?;
                hasher.update(&(event.len() as u64).to_be_bytes()).update(&event);
            }
            hasher.update(&row.get::<_, i64>(2)?.to_be_bytes());
            let mut hash = [0; 16];
            hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
            roll.customers += 1;
            roll.checksum = roll.checksum.plus(Digest::from_bytes(hash));
        }
        Ok(roll)
    }

    /// What was met on the way to the position, beside touchpoints that count.
    pub(super) fn met(&self) -> Result<[(&'static str, u64); 3]> {
        let duplicates = checkpoint::duplicates(&self.connection)?;
        let parked = parked::counts(&self.connection)?;
        Ok([("sent twice", duplicates), ("parked", parked.waiting), ("discarded", parked.discarded)])
    }

    /// Up to where its discards were known before anything was folded; those up to its position are known in any case.
    pub fn foreseen(&self) -> Result<u64> {
        Ok(discards::foreseen(&self.connection)?.unwrap_or(0))
    }

    /// To whom an event belongs: its strongest identifier that is not void here.
    pub fn anchor(&self, incoming: &Incoming) -> Result<Option<Identifier>> {
        let Some(ready) = incoming.touchpoint() else { return Ok(None) };
        for usable in &ready.evidence {
            let known = identifiers::by_name(&self.connection, usable)?;
            if !known.is_some_and(|known| known.void) {
                return Ok(Some(usable.to_identifier(&self.definitions.rules)));
            }
        }
        Ok(None)
    }

    /// The customer's id and some of its identifiers; none where the rows that say so are broken.
    pub(super) fn name(&self, customer: IdentifierKey) -> (Option<CustomerId>, Vec<Identifier>) {
        let rules = &self.definitions.rules;
        match identifiers::of_customer(&self.connection, customer) {
            Ok(named) => {
                let id = identifiers::id_of(&named, rules, &self.origin.key);
                (Some(id), named.iter().take(MOST_NAMED).map(|named| named.usable.to_identifier(rules)).collect())
            }
            Err(_) => (None, Vec::new()),
        }
    }
}
