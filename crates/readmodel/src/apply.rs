//! The one writer of a read-model file: a batch of the log in, one transaction, a new checkpoint out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::checkpoint::{self, Checkpoint, FencePoint};
use crate::customers::Customers;
use crate::error::{ReadModelError, Result};
use crate::identifiers::Identifiers;
use crate::seen::{Sifted, sift};
use crate::totals::Difference;
use crate::{Definitions, Incoming, Origin, fold, identity, schema};

pub struct ReadModel {
    path: PathBuf,
    connection: Connection,
    origin: Origin,
    definitions: Arc<Definitions>,
    checkpoint: Checkpoint,
    identifiers: Identifiers,
    customers: Customers,
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    pub position: u64,
    /// Distinct events that were not known before.
    pub fresh: u64,
    pub duplicates: u64,
    pub parked: u64,
    /// Customers folded anew from their timelines.
    pub refolds: u64,
}

impl ReadModel {
    /// Opens the file, or makes it. One of another tenant, log, format or other definitions is refused, by name.
    pub fn open(path: &Path, origin: Origin, definitions: Arc<Definitions>) -> Result<Self> {
        let connection = schema::open_writer(path)?;
        let expected = [
            ("format", schema::FORMAT.to_owned()),
            ("tenant", origin.tenant.clone()),
            ("epoch", origin.epoch.clone()),
            ("fingerprint", hex(definitions.fingerprint())),
        ];
        for (what, expected) in expected {
            let found: Option<String> =
                connection.query_row("SELECT value FROM meta WHERE name = ?1", [what], |row| row.get(0)).optional()?;
            match found {
                Some(found) if found == expected => {}
                Some(found) => return Err(ReadModelError::Foreign { path: path.to_owned(), what, found, expected }),
                None => {
                    connection.execute("INSERT INTO meta VALUES (?1, ?2)", params![what, expected])?;
                }
            }
        }
        let checkpoint = checkpoint::load(&connection)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            origin,
            definitions,
            checkpoint,
            identifiers: Identifiers::default(),
            customers: Customers::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Folds the next records of the log, in rising position. All of it or, on an error, nothing.
    pub fn apply(&mut self, batch: Vec<Incoming>) -> Result<Applied> {
        let Some(last) = batch.last() else {
            return Ok(Applied { position: self.checkpoint.position, ..Applied::default() });
        };
        let last = FencePoint { position: last.position, hash: last.hash };
        let applied = self.transact(batch, last);
        match &applied {
            Ok(_) => {
                self.identifiers.trim();
                self.customers.trim();
            }
            Err(_) => {
                self.identifiers.clear();
                self.customers.clear();
            }
        }
        applied
    }

    fn transact(&mut self, batch: Vec<Incoming>, last: FencePoint) -> Result<Applied> {
        let Self { connection, origin, definitions, identifiers, customers, .. } = self;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Sifted { fresh, duplicates, parked } = sift(&tx, batch)?;
        let mut difference = Difference::default();
        for (_, ready) in &fresh {
            let touchpoint = &ready.event.touchpoint;
            difference.totals.add("touchpoints", 1);
            difference.totals.add(format!("type/{}", touchpoint.event_type), 1);
            difference.totals.add(format!("channel/{}", touchpoint.channel), 1);
        }
        let count = fresh.len() as u64;
        let settled = identity::settle(&tx, identifiers, definitions, &origin.key, fresh)?;
        let refolds = fold::fold(&tx, definitions, identifiers, customers, settled, &mut difference)?;
        difference.write(&tx)?;
        let checkpoint = checkpoint::advance(&tx, &self.checkpoint, last, duplicates)?;
        tx.commit()?;
        self.checkpoint = checkpoint;
        Ok(Applied { position: self.checkpoint.position, fresh: count, duplicates, parked, refolds })
    }
}

pub(crate) fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
