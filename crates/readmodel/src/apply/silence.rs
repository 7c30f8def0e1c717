//! Silence, which falls on customers without a record of the log: as far as one transaction goes at a time.

use rapport_touchpoint::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{CustomerKey, ReadModel};
use crate::error::Result;
use crate::fold::{Folding, Terms};
use crate::identifiers::IdentifierKey;
use crate::totals::Difference;
use crate::{checkpoint, customers};

/// Customers on whom silence falls in one transaction, about; those of one moment are not parted.
const MOST_SILENT: usize = 5_000;

/// What silence came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    /// Up to which moment it has fallen now.
    pub clock: Timestamp,
    /// Everyone whom it changed.
    pub changed: Vec<CustomerKey>,
}

impl ReadModel {
    /// Lets silence fall up to a moment, as far as one transaction goes. `None` if nothing was due by then.
    pub fn let_pass(&mut self, until: Timestamp) -> Result<Option<Passed>> {
        let Some(due) = self.due()? else { return Ok(None) };
        if due > until || until <= self.checkpoint.clock {
            return Ok(None);
        }
        let passed = self.transact_silence(until);
        self.end(passed.is_ok());
        passed.map(Some)
    }

    /// A moment at or before the next silence that changes something.
    pub fn due(&self) -> Result<Option<Timestamp>> {
        customers::due(&self.connection)
    }

    fn transact_silence(&mut self, until: Timestamp) -> Result<Passed> {
        let Self { connection, definitions, known, customers, .. } = self;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_point!("silence/begun");
        checkpoint::stands(&tx, &self.checkpoint)?;
        let clock = silent_until(&tx, until)?;
        let mut difference = Difference::default();
        let terms = Terms { definitions, spacing: self.spacing, clock, position: self.checkpoint.position };
        let mut folding = Folding::new(&tx, terms, (known, customers), &mut difference);
        let mut changed = Vec::new();
        for key in due_by(&tx, clock)? {
            if folding.fall_silent(key, self.checkpoint.clock)? {
                changed.push(CustomerKey(key));
            }
        }
        folding.labels.write(&tx)?;
        crash_point!("silence/folded");
        difference.write(&tx)?;
        checkpoint::pass(&tx, clock)?;
        crash_point!("silence/passed");
        tx.commit()?;
        crash_point!("silence/committed");
        self.checkpoint.clock = clock;
        Ok(Passed { clock, changed })
    }
}

/// How far silence falls in one transaction.
fn silent_until(tx: &Transaction<'_>, until: Timestamp) -> Result<Timestamp> {
    let mut find = tx.prepare_cached("SELECT due FROM customers WHERE due <= ?1 ORDER BY due LIMIT 1 OFFSET ?2")?;
    let first_beyond =
        find.query_row(params![until.nanos(), MOST_SILENT as u64], |row| row.get::<_, i64>(0)).optional()?;
    Ok(first_beyond.and_then(Timestamp::from_nanos).unwrap_or(until))
}

fn due_by(tx: &Transaction<'_>, clock: Timestamp) -> Result<Vec<IdentifierKey>> {
    let mut find = tx.prepare_cached("SELECT id FROM customers WHERE due <= ?1 ORDER BY id")?;
    let keys = find.query_map([clock.nanos()], |row| row.get(0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}
