//! Decisions: on the log beside the touchpoints, kept whole, on no timeline and in no sum.

use rapport_touchpoint::Decision;
use rusqlite::{Transaction, params};

use crate::error::Result;

/// A decision that is new, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    pub position: u64,
    pub decision: Decision,
}

/// Nothing that was decided is lost, whether this version acts on it or not.
pub(crate) fn keep(tx: &Transaction<'_>, decided: &[Decided]) -> Result<()> {
    let mut insert = tx.prepare_cached("INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for Decided { position, decision } in decided {
        let (name, key) = (decision.name_hash(), decision.order.key());
        insert.execute(params![position, name, key.as_bytes(), decision.event_type().as_str(), decision.json()])?;
    }
    Ok(())
}
