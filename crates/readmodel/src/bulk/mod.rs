//! A read model built in bulk: a file that nobody reads yet, from the whole log at once.
//!
//! It comes to what one huge batch of everything would come to, and then silence. But nothing is looked up in tables that
//! grow: evidence is gathered first, then touchpoints are sorted by customer, and then each customer is folded once and
//! written in the order of the tables. What does not fit into memory lies in scratch files, sorted and merged, so the rate
//! stays as the log grows. Decisions by hand, and customers with very long timelines, are few; they are left to the fold
//! that goes on from here, as the last batch of the build.
//!
//! Until it is whole the file lies among the scratch files, which are removed whatever happens.

mod arranging;
mod claiming;
mod clusters;
mod customer;
mod error;
mod evidence;
mod file;
mod finishing;
mod folding;
mod heard;
mod interned;
mod kept;
mod label;
mod naming;
mod parking;
mod placing;
mod scratch;
mod settling;
mod sorting;
mod spool;
mod standing;
mod taken;
mod told;
mod writer;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_touchpoint::Timestamp;

use self::error::Result;
use self::heard::{Logged, Of, Says};
use self::interned::{Interned, Number};
use self::kept::Kept;
use self::label::Labels;
use self::scratch::Scratch;
use self::sorting::Sorter;
use self::spool::Spool;
use self::standing::Candidate;
use self::told::Told;
use crate::apply::ReadModel;
use crate::checkpoint::{self, FencePoint};
use crate::parked::ParkedEvent;
use crate::seen::{Conflict, Recorded};
use crate::{Definitions, Incoming, Origin, Spacing};

pub use error::BulkError;
pub use heard::Heard;

/// The file while it is in the making.
const FILE: &str = "building.db";
/// A build takes about so many times the room of its log, its file among it.
const ROOM_FOR_ONE_BYTE: u64 = 3;
/// Decisions that are kept in memory.
const MOST_DECISIONS: usize = 100_000;

/// What a build holds in memory. Beyond the first two of them it is given up: the fold that goes on has no such bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Distinct identifiers,
    pub identifiers: usize,
    /// and the bytes of their values.
    pub identifier_bytes: usize,
    /// Of records that are sorted in memory before they are put on the disk; a few such sorts go on at a time.
    pub sorted_bytes: usize,
    /// Of touchpoints of one customer that are folded in memory; one with more is folded from the file.
    pub customer_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            identifiers: 3_000_000,
            identifier_bytes: 96 * 1024 * 1024,
            sorted_bytes: 24 * 1024 * 1024,
            customer_bytes: 16 * 1024 * 1024,
        }
    }
}

/// What there is to do when all records are taken, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BulkPhase {
    /// Who is who.
    Settling,
    /// Touchpoints are sorted by customer.
    Arranging,
    /// Customers are folded and written.
    Folding,
}

/// How far a phase is, in touchpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkProgress {
    pub phase: BulkPhase,
    pub done: u64,
    pub total: u64,
}

/// What a build came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// Everything on the log up to here is folded in.
    pub position: u64,
    pub records: u64,
    /// Distinct ones that count, and retries of these.
    pub touchpoints: u64,
    pub duplicates: u64,
    /// Second bodies under one source and id, and the first of them.
    pub conflicts: u64,
    pub first_conflicts: Vec<Conflict>,
}

/// A file in the making: takes the records of the log, then folds them.
pub struct BulkBuild {
    scratch: Scratch,
    path: PathBuf,
    definitions: Arc<Definitions>,
    origin: Origin,
    spacing: Spacing,
    bounds: Bounds,
    model: ReadModel,
    any_discards: bool,
    names: Sorter,
    told: Spool,
    touchpoints: Spool,
    interned: Interned,
    labels: Labels,
    decisions: Vec<Decision>,
    fence: Vec<FencePoint>,
    records: u64,
    /// Is the file to survive a power cut?
    is_kept: bool,
    /// Only what had happened by then counts, if that is said.
    as_of: Option<Timestamp>,
    /// For one record at a time.
    named: Vec<Number>,
    bytes: Vec<u8>,
}

/// A decision of the log, perhaps one that does not count.
struct Decision {
    record: Recorded,
    decision: rapport_touchpoint::Decision,
}

impl BulkBuild {
    /// Begins a file that will be at `path`, on the same disk as `scratch`: a folder that is this build's alone.
    pub fn begin(path: &Path, origin: Origin, definitions: Arc<Definitions>, scratch: &Path) -> Result<Self> {
        Self::begin_with(path, origin, definitions, scratch, Spacing::default(), Bounds::default())
    }

    pub fn begin_with(
        path: &Path,
        origin: Origin,
        definitions: Arc<Definitions>,
        scratch: &Path,
        spacing: Spacing,
        bounds: Bounds,
    ) -> Result<Self> {
        let scratch = Scratch::make(scratch, bounds.sorted_bytes)?;
        let model = ReadModel::open_with(&scratch.path(FILE), origin.clone(), definitions.clone(), spacing)?;
        crash_point!("bulk/begun");
        Ok(Self {
            path: path.to_owned(),
            model,
            any_discards: false,
            names: scratch.sorter("names"),
            told: scratch.spool("told")?,
            touchpoints: scratch.spool("touchpoints")?,
            interned: Interned::new(bounds.identifiers, bounds.identifier_bytes),
            labels: Labels::default(),
            decisions: Vec::new(),
            fence: Vec::new(),
            records: 0,
            is_kept: true,
            as_of: None,
            named: Vec::new(),
            bytes: Vec::new(),
            scratch,
            definitions,
            origin,
            spacing,
            bounds,
        })
    }

    /// The file is removed before long: nobody waits until it is on the disk.
    pub fn for_now(self) -> Self {
        Self { is_kept: false, ..self }
    }

    /// Lets only touchpoints count that had happened by then. What stands under a name is told from all of them.
    pub fn only_as_of(self, as_of: Option<Timestamp>) -> Self {
        Self { as_of, ..self }
    }

    /// Is there room for a build from a log of so many bytes?
    pub fn check_room(&self, log_bytes: u64) -> Result<()> {
        self.scratch.check_room(log_bytes.saturating_mul(ROOM_FOR_ONE_BYTE))
    }

    /// Takes the discards of the log up to a position, before any record. No record beyond it may be taken.
    pub fn foresee(&mut self, discards: &[Incoming], until: u64) -> Result<()> {
        self.model.foresee(discards, until)?;
        self.any_discards = !discards.is_empty();
        Ok(())
    }

    /// Up to where records are taken.
    pub fn position(&self) -> u64 {
        self.fence.last().map_or(0, |last| last.position)
    }

    /// Takes the next records of the log, in rising position.
    pub fn take(&mut self, batch: Vec<Heard>) -> Result<()> {
        let Some(last) = batch.last() else { return Ok(()) };
        checkpoint::fence_off(&mut self.fence, FencePoint { position: last.logged.position, hash: last.logged.hash() });
        self.records += batch.len() as u64;
        let mut parked: Vec<ParkedEvent> = Vec::new();
        for Heard { logged, says } in batch {
            match says {
                Says::Touchpoint(of) => self.take_touchpoint(&logged, &of)?,
                Says::Decision(decision) => self.take_decision(logged.recorded(), *decision)?,
                Says::Nothing(unreadable) => parked.push(logged.recorded().unreadable(unreadable)),
            }
        }
        crash_point!("bulk/taken");
        Ok(self.model.park(&parked)?)
    }

    fn take_touchpoint(&mut self, logged: &Logged, of: &Of) -> Result<()> {
        let Logged { position, recorded_at, json } = logged;
        let Of { event_type, channel, key, name, body, evidence, gist } = of;
        let is_out = self.any_discards && self.model.is_discarded(logged.hash())?;
        Candidate { name: *name, position: *position, body: *body, is_out }.push(&mut self.names)?;
        let label = self.labels.number(event_type.as_str(), channel.as_str())?;
        self.named.clear();
        for usable in evidence {
            self.named.push(self.interned.number(usable)?);
        }
        Told::write(&mut self.bytes, (*position, *recorded_at), label, &self.named, key);
        self.told.push(&[&self.bytes])?;
        Kept { gist, json }.push(&mut self.touchpoints)
    }

    fn take_decision(&mut self, record: Recorded, decision: rapport_touchpoint::Decision) -> Result<()> {
        if self.decisions.len() == MOST_DECISIONS {
            return Err(BulkError::TooMany { what: "decisions", most: MOST_DECISIONS });
        }
        let (name, body) = (decision.name_hash(), decision.body_hash.0);
        let position = record.position;
        Candidate { name, position, body, is_out: false }.push(&mut self.names)?;
        self.decisions.push(Decision { record, decision });
        Ok(())
    }
}
