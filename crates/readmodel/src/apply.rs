//! The one writer of a read-model file: a batch of the log in, one transaction, a new checkpoint out.

mod silence;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_customer::Totals;
use rapport_customer::identity::{CustomerId, Usable};
use rapport_touchpoint::{OrderKey, RecordHash, Timestamp, Touchpoint};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

pub use self::silence::Passed;
use crate::backfill::{Backfill, Pages};
use crate::checkpoint::{self, Checkpoint, FencePoint};
use crate::customers::Customers;
use crate::decisions::Decided;
use crate::error::{ReadModelError, Result};
use crate::fold::{Folding, Terms};
use crate::identifiers::{self, Identifier, IdentifierKey};
use crate::identity::Changes;
use crate::incoming::Ready;
use crate::known::Known;
use crate::names::{Names, Waiting};
use crate::parked::{self, ParkedEvent};
use crate::seen::{Conflict, Sifted, sift};
use crate::totals::Difference;
use crate::{Definitions, Incoming, Origin, Spacing, analysts, decisions, discards, identity, schema};

pub struct ReadModel {
    path: PathBuf,
    connection: Connection,
    backfill: Backfill,
    origin: Origin,
    definitions: Arc<Definitions>,
    spacing: Spacing,
    checkpoint: Checkpoint,
    /// Was the last batch?
    is_large: bool,
    names: Names,
    known: Known,
    customers: Customers,
    /// Only what had happened by then counts, if that is said.
    as_of: Option<Timestamp>,
}

/// What a batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    pub position: u64,
    /// Distinct events that were not known before.
    pub fresh: u64,
    /// Distinct decisions that were not known before.
    pub decisions: u64,
    pub duplicates: u64,
    pub parked: u64,
    /// Those of the parked that have another's name.
    pub conflicts: Vec<Conflict>,
    /// Customers folded anew from their timelines.
    pub refolds: u64,
    /// Stored events that were read again for it.
    pub reread: u64,
    /// Everyone who changed.
    pub changed: Vec<CustomerKey>,
}

/// A customer in one read-model file; says nothing outside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey(pub(crate) IdentifierKey);

impl CustomerKey {
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.0.to_be_bytes()
    }

    /// What [`CustomerKey::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(IdentifierKey(i64::from_be_bytes(bytes))))
    }
}

/// So many records are a batch of a file that catches up.
const LARGE_BATCH: usize = 2_000;

impl ReadModel {
    /// Opens the file, or makes it. One of another tenant, log, format or other definitions is refused, by name.
    pub fn open(path: &Path, origin: Origin, definitions: Arc<Definitions>) -> Result<Self> {
        Self::open_with(path, origin, definitions, Spacing::default())
    }

    /// The same with snapshots spaced otherwise, which changes what a late event costs and no answer.
    pub fn open_with(path: &Path, origin: Origin, definitions: Arc<Definitions>, spacing: Spacing) -> Result<Self> {
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
        analysts::describe(&connection, &definitions)?;
        crash_point!("readmodel/made");
        let checkpoint = checkpoint::load(&connection)?;
        let names = Names::open(&connection)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            backfill: Backfill::of(path, Pages::default()),
            origin,
            definitions,
            spacing,
            checkpoint,
            is_large: true,
            names,
            known: Known::default(),
            customers: Customers::default(),
            as_of: None,
        })
    }

    /// Lets only touchpoints count that had happened by then; none may be folded yet. What stands under a name is told from
    /// all of them.
    pub fn only_as_of(self, as_of: Option<Timestamp>) -> Self {
        assert!(self.checkpoint.position == 0, "what is folded already counts");
        Self { as_of, ..self }
    }

    /// The same with so many names waiting at most before they go into their table, which changes what a batch costs and no
    /// answer.
    pub fn with_names_waiting(self, most: u64) -> Self {
        Self { names: self.names.with_waiting(Waiting { least: 0, most, ..Waiting::default() }), ..self }
    }

    /// Puts on the disk all that is folded into a file: a power cut takes nothing of it back. Whoever writes it may go on.
    pub fn sync(path: &Path) -> Result<()> {
        schema::sync(path)
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
        let is_large = batch.len() >= LARGE_BATCH;
        if std::mem::replace(&mut self.is_large, is_large) != is_large {
            schema::size_cache(&self.connection, is_large)?;
        }
        let last = FencePoint { position: last.position, hash: last.hash };
        let applied = self.transact(batch, last);
        self.end(applied.is_ok());
        applied
    }

    /// Has nothing been folded, and no discard been looked for?
    pub fn is_blank(&self) -> Result<bool> {
        Ok(self.checkpoint.position == 0 && discards::foreseen(&self.connection)?.is_none())
    }

    /// Takes the discards of the log up to a position, in its order, before anything is folded.
    pub fn foresee(&mut self, discards: &[Incoming], until: u64) -> Result<()> {
        assert!(self.checkpoint.position == 0, "what is folded already was not kept out");
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        discards::foresee(&tx, discards, until)?;
        Ok(tx.commit()?)
    }

    /// Does something count here that was discarded, so that the file has to be folded anew?
    pub fn is_outdated(&self) -> Result<bool> {
        discards::is_outdated(&self.connection)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The writer's connection alone.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Is this a record that never counts?
    pub(crate) fn is_discarded(&self, record: RecordHash) -> Result<bool> {
        discards::holds(&self.connection, record)
    }

    /// Parks records of a file in the making.
    pub(crate) fn park(&mut self, events: &[ParkedEvent]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for event in events {
            parked::park(&tx, event)?;
        }
        Ok(tx.commit()?)
    }

    /// Takes identifiers for void before any event names them, as those do that too many share.
    pub(crate) fn take_for_void(&mut self, identifiers: &[Usable]) -> Result<()> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (key, usable) in (1..).zip(identifiers) {
            let alias = CustomerId::of(&usable.to_identifier(&self.definitions.rules), &self.origin.key);
            let (key, usable, first) = (IdentifierKey(key), usable.clone(), OrderKey::beyond());
            identifiers::insert(
                &tx,
                &Identifier { key, usable, first, root: None, void: true, latest_link: None },
                alias,
            )?;
        }
        Ok(tx.commit()?)
    }

    /// Folds customers whose timelines are stored, and no more.
    pub(crate) fn fold_stored(&mut self, stored: &[CustomerKey]) -> Result<()> {
        self.change(|_, _, _, _| {
            let mut changes = Changes::default();
            stored.iter().for_each(|CustomerKey(customer)| changes.refold(*customer));
            Ok(changes)
        })
    }

    /// Takes in decisions that stand before the checkpoint.
    pub(crate) fn decide(&mut self, decided: &[Decided]) -> Result<()> {
        self.change(|tx, known, definitions, tenant_key| {
            for Decided { position, decision } in decided {
                discards::take(tx, *position, decision)?;
            }
            decisions::keep(tx, decided)?;
            Ok(identity::settle(tx, known, definitions, tenant_key, Vec::new(), decided)?.1)
        })
    }

    /// Folds the customers that change without a new record of the log.
    fn change(
        &mut self,
        find: impl FnOnce(&Transaction<'_>, &mut Known, &Definitions, &[u8; 32]) -> Result<Changes>,
    ) -> Result<()> {
        let Self { connection, origin, definitions, known, customers, .. } = self;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changes = find(&tx, known, definitions, &origin.key)?;
        let mut difference = Difference::default();
        let terms = Terms {
            definitions,
            spacing: self.spacing,
            clock: self.checkpoint.clock,
            position: self.checkpoint.position,
        };
        let mut folding = Folding::new(&tx, terms, (known, customers), &mut difference);
        folding.fold(Vec::new(), &changes)?;
        difference.write(&tx)?;
        Ok(tx.commit()?)
    }

    /// A transaction is over.
    fn end(&mut self, is_committed: bool) {
        if is_committed {
            self.backfill.committed(&self.connection);
        } else {
            self.known.clear();
            self.customers.clear();
        }
    }

    fn transact(&mut self, batch: Vec<Incoming>, last: FencePoint) -> Result<Applied> {
        let Self { connection, origin, definitions, names, known, customers, as_of, .. } = self;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_point!("fold/begun");
        checkpoint::stands(&tx, &self.checkpoint)?;
        let way = (self.checkpoint.position, last.position);
        let Sifted { mut fresh, decided, duplicates, parked, conflicts, names: written } =
            sift(&tx, names, batch, way)?;
        if let Some(as_of) = *as_of {
            fresh.retain(|(_, ready)| ready.event.touchpoint.order.time <= as_of);
        }
        decisions::keep(&tx, &decided)?;
        crash_point!("fold/sifted");
        let mut difference = Difference::default();
        count(&fresh, &mut difference.totals);
        let fresh_count = fresh.len() as u64;
        let (placed, changes) = identity::settle(&tx, known, definitions, &origin.key, fresh, &decided)?;
        crash_point!("fold/settled");
        let terms = Terms { definitions, spacing: self.spacing, clock: self.checkpoint.clock, position: last.position };
        let mut folding = Folding::new(&tx, terms, (known, customers), &mut difference);
        let folded = folding.fold(placed, &changes)?;
        crash_point!("fold/folded");
        difference.write(&tx)?;
        crash_point!("fold/summed");
        let checkpoint = checkpoint::advance(&tx, &self.checkpoint, last, duplicates)?;
        crash_point!("fold/advanced");
        tx.commit()?;
        crash_point!("fold/committed");
        self.names.committed(written);
        self.checkpoint = checkpoint;
        Ok(Applied {
            position: self.checkpoint.position,
            fresh: fresh_count,
            decisions: decided.len() as u64,
            duplicates,
            parked,
            conflicts,
            refolds: folded.refolds,
            reread: folded.reread,
            changed: folded.changed.into_iter().map(CustomerKey).collect(),
        })
    }
}

/// Counts new touchpoints, whoever's they are.
fn count(fresh: &[(u64, Ready)], totals: &mut Totals) {
    let (mut types, mut channels) = (BTreeMap::new(), BTreeMap::new());
    for (_, ready) in fresh {
        let Touchpoint { event_type, channel, .. } = &ready.event.touchpoint;
        *types.entry(event_type).or_default() += 1;
        *channels.entry(channel).or_default() += 1;
    }
    totals.add("touchpoints", fresh.len() as i128);
    for (event_type, times) in types {
        totals.add(format!("type/{event_type}"), times);
    }
    for (channel, times) in channels {
        totals.add(format!("channel/{channel}"), times);
    }
}

pub(crate) fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
