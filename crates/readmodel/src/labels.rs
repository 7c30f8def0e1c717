//! What customers can be found by: gathered over a batch and written in key order.

use rapport_customer::LabelChange;
use rusqlite::types::ValueRef;
use rusqlite::{Transaction, params};

use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::rows;

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
        insert_all(tx, &self.gained)
    }
}

/// Customers can be found by these from now on; in the order of the table.
pub(crate) fn insert_all(tx: &Transaction<'_>, labels: &[(impl AsRef<str>, IdentifierKey)]) -> Result<()> {
    rows::insert_all(tx, "labels", labels, |(label, customer)| {
        [ValueRef::Text(label.as_ref().as_bytes()), ValueRef::Integer(customer.0)]
    })
}
