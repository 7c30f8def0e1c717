//! A read model held still: one read transaction, while its writer goes on.

use std::path::Path;
use std::sync::Arc;

use rapport_customer::identity::CustomerId;
use rapport_touchpoint::{Identifier, Timestamp};
use rusqlite::Connection;

use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::{Definitions, Origin, checkpoint, customers, discards, schema};

/// Asked now and then, with how much is done: does anybody still wait for the answer?
pub type GoesOn<'a> = &'a mut dyn FnMut(u64) -> bool;

/// Customers between two such questions.
pub(crate) const STEP: u64 = 500;
/// Identifiers by which a customer is named.
const MOST_NAMED: usize = 8;

/// What a read model held at one moment. As long as it is there, the file's write-ahead log grows.
pub struct Picture {
    pub(crate) connection: Connection,
    pub(crate) definitions: Arc<Definitions>,
    origin: Origin,
    position: u64,
    clock: Timestamp,
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

    /// Up to where its discards were known before anything was folded; those up to its position are known in any case.
    pub fn foreseen(&self) -> Result<u64> {
        Ok(discards::foreseen(&self.connection)?.unwrap_or(0))
    }

    /// The customer's id and some of its identifiers; none where the rows that say so are broken.
    pub(crate) fn name(&self, customer: IdentifierKey) -> (Option<CustomerId>, Vec<Identifier>) {
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
