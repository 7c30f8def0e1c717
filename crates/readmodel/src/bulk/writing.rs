//! Customers that were folded, written in the order of their keys.

use rusqlite::Transaction;

use super::arranging;
use super::customer::Folded;
use super::error::{BulkError, Result};
use super::sorting::{Sorted, Sorter};
use crate::customers::CustomerRow;
use crate::identifiers::IdentifierKey;
use crate::{facts, labels, rows};

/// `position` is where the read model stands after the build.
pub(super) fn write(tx: &Transaction<'_>, folded: &[Folded], position: u64) -> Result<()> {
    arranging::write(tx, folded.iter().flat_map(|folded| &folded.touchpoints))?;
    for Folded { customer, touchpoints, first, last, due, states, snapshots, .. } in folded {
        let events = touchpoints.len() as u64;
        CustomerRow { first, last, events, due: *due, changed: position, states }.write(tx, *customer, None)?;
        snapshots.write(tx, *customer)?;
    }
    let facts = folded.iter().flat_map(|folded| folded.facts.values().map(|fact| (folded.customer, fact)));
    Ok(facts::insert_all(tx, &facts.collect::<Vec<_>>())?)
}

/// Puts aside what a customer can be found by.
pub(super) fn put_labels_aside(folded: &Folded, labels: &mut Sorter) -> Result<()> {
    for label in &folded.labels {
        labels.push(&[label.as_bytes(), &[0], &folded.customer.0.to_be_bytes()], &[])?;
    }
    Ok(())
}

pub(super) fn write_labels(tx: &Transaction<'_>, labels: &Sorted) -> Result<()> {
    let mut merge = labels.read()?;
    let mut read = Vec::with_capacity(rows::GATHERED);
    while let Some(record) = merge.next()? {
        let parts = || {
            let (label, customer) = record.key.split_last_chunk()?;
            let label = str::from_utf8(label.strip_suffix(&[0])?).ok()?;
            Some((label, IdentifierKey(i64::from_be_bytes(*customer))))
        };
        let (label, customer) = parts().ok_or_else(|| BulkError::torn("a label"))?;
        read.push((label.to_owned(), customer));
        if read.len() == rows::GATHERED {
            labels::insert_all(tx, &read)?;
            read.clear();
        }
    }
    Ok(labels::insert_all(tx, &read)?)
}
