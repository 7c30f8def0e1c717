//! What we know: one SQLite file with the rows, totals, digests and checkpoint of one tenant's read models.
//!
//! Everything here can be deleted at any time and comes back the same from the log. [`ReadModel`] is the one writer of a
//! file; [`Reader`]s answer queries beside it.

#[macro_use]
mod crash_point;

mod advance;
mod analysts;
mod apply;
mod backfill;
mod bulk;
mod checkpoint;
mod claims;
mod closure;
mod customers;
mod decide;
mod decisions;
mod discards;
mod error;
mod facts;
mod fold;
mod identifiers;
mod identity;
mod imprint;
mod incoming;
mod join;
mod known;
mod labels;
mod links;
mod names;
mod parked;
mod picture;
mod preview;
mod query;
mod refold;
mod regroup;
mod rows;
mod schema;
mod seen;
mod shown;
mod snapshots;
mod timeline;
mod totals;
mod verify;
mod whatif;

use std::sync::Arc;

use rapport_customer::identity::Rules;
use rapport_customer::{JourneyMaps, Model, Zone, fingerprint};
use rapport_touchpoint::Catalogue;

pub use analysts::{AnalystTable, Column, ColumnKind, Rows, Values};
pub use apply::{Applied, CustomerKey, Passed, ReadModel};
pub use bulk::{Bounds, Built, BulkBuild, BulkError, BulkPhase, BulkProgress, Heard};
pub use checkpoint::{Checkpoint, FencePoint};
pub use error::ReadModelError;
pub use imprint::Imprint;
pub use incoming::Incoming;
pub use parked::{Discard, ParkedEvent, ParkedPage, ParkedState};
pub use picture::{GoesOn, Picture};
pub use preview::{Biggest, Census, Example, Fates, Named, Overlap, Rule};
pub use query::{
    Answer, Changed, CustomerAnswer, CustomerName, CustomerPlace, CustomerStretch, DecisionEntry, DecisionsPage,
    Entangled, Evidence, Explanation, FactEntry, FactPlace, FactsPage, Filter, Found, FoundPage, Glimpse, Hand,
    KnownAt, Listed, MergeForeseen, Moment, Outcome, Reader, Refusal, RefusalPlace, RefusalsPage, Remembered,
    ResponsesQuestion, SplitForeseen, Standing, Status, Step, Stretch, Tenure, TimelineEntry, TimelinePage,
    TraitHistory, TraitSet, TransitionsQuestion, Unfit, VoidIdentifier, VoidPage, VoidPlace, Without,
};
pub use seen::Conflict;
pub use verify::{
    CustomerDifference, Differences, Flaw, MOST_SHOWN, Part, PartDifference, Presence, Recomputed, Roll,
    TotalDifference,
};
pub use whatif::{FunnelOf, JourneyMoves, MoveExample, Moves, ScoreOf, Whereabouts};

pub use snapshots::Spacing;

/// Whose read model a file is.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    pub tenant: String,
    /// The id that the log got when it was made.
    pub epoch: String,
    /// The tenant's key, for customer ids.
    pub key: [u8; 32],
}

/// Under which definitions the log is folded.
#[derive(Debug, Clone)]
pub struct Definitions {
    pub rules: Rules,
    /// Whose days are meant.
    pub zone: Zone,
    pub journeys: Arc<JourneyMaps>,
    pub catalogue: Arc<Catalogue>,
    pub models: Vec<Model>,
}

impl Definitions {
    /// Changes whenever the same log could give other answers.
    pub fn fingerprint(&self) -> [u8; 16] {
        fingerprint(&self.rules, &self.zone, &self.journeys, self.catalogue.fingerprint(), &self.models)
    }
}
