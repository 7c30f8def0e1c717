//! What customers can be found by: gathered over a batch and written in key order.

use rapport_customer::LabelChange;
use rusqlite::{Transaction, params};

use crate::error::Result;
use crate::identifiers::IdentifierKey;

/// Changes of labels that are still to be written.
#[derive(Default)]
pub(crate) struct Labels {
    lost: Vec<(String, IdentifierKey)>,
    gained: Vec<(String, IdentifierKey)>,
}

impl Labels {
    /// To be called once for each customer.
    pub fn change(&mut self, customer: IdentifierKey, LabelChange { lost, gained }: LabelChange) {
        self.lost.extend(lost.into_iter().map(|label| (label, customer)));
        self.gained.extend(gained.into_iter().map(|label| (label, customer)));
    }

    pub fn write(mut self, tx: &Transaction<'_>) -> Result<()> {
        self.lost.sort_unstable();
        self.gained.sort_unstable();
        let mut delete = tx.prepare_cached("DELETE FROM labels WHERE label = ?1 AND customer = ?2")?;
        for (label, customer) in &self.lost {
            delete.execute(params![label, customer])?;
        }
        for (label, customer) in &self.gained {
            insert(tx, label, *customer)?;
        }
        Ok(())
    }
}

/// A customer can be found by this from now on.
pub(crate) fn insert(tx: &Transaction<'_>, label: &str, customer: IdentifierKey) -> Result<()> {
    tx.prepare_cached("INSERT INTO labels VALUES (?1, ?2)")?.execute(params![label, customer])?;
    Ok(())
}
