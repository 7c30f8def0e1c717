//! What it means: who a touchpoint belongs to, and what the touchpoints of one customer add up to.
//!
//! Everything here is a pure function of events, decisions and definitions. No I/O, no clock, no random order, and no float
//! in anything that is folded.

mod contribution;
mod counts;
mod definitions;
mod digest;
mod fact;
mod feedback;
pub mod identity;
pub mod journey;
mod model;
mod profile;
mod states;
mod totals;
mod zone;

pub use contribution::{Contribution, LabelChange, MOST_TRAIT_CHARS, label};
pub use counts::Counts;
pub use definitions::{DefinitionError, Definitions, IdentityProblem, MOST_DEFINITION_BYTES, Problem};
pub use digest::{Digest, fingerprint};
pub use fact::{Fact, FactChange, FactKey, FactKind};
pub use feedback::{
    About, Asking, Feedback, Given, Histogram, Measure, Response, Score, ScoreRow, Scores, ScoresQuestion, Slice,
};
pub use journey::{Journey, JourneyMaps};
pub use model::Model;
pub use profile::{Consent, Interest, Orders, Profile, RecentItem, Trait};
pub use states::States;
pub use totals::{CellRange, Totals, with_coordinates};
pub use zone::{Bucket, Day, Days, Zone};
