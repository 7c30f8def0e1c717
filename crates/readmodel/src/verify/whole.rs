//! A picture as a whole: its digests as it says them, and who is in it.

use std::collections::BTreeMap;

use rapport_customer::{Digest, Model};
use rapport_touchpoint::Identifier;

use crate::error::Result;
use crate::picture::Picture;
use crate::{Incoming, checkpoint, identifiers, parked, totals};

/// Who is there: how many, and a checksum over everyone's earliest and latest event and number of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roll {
    pub customers: u64,
    checksum: Digest,
}

impl Picture {
    /// As they were kept by difference.
    pub fn stored_digests(&self) -> Result<BTreeMap<Model, Digest>> {
        let models = self.definitions.models.iter();
        models.map(|model| Ok((*model, totals::digest(&self.connection, *model)?))).collect()
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
}
