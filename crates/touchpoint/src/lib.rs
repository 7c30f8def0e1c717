//! What happened: the touchpoint, a CloudEvents 1.0 event with a body hash, identifiers and a schema; and what was decided.
//!
//! Nothing here does I/O or reads a clock; the moment of receipt is always an argument.

mod amount;
mod attribute;
mod body_hash;
mod catalogue;
mod content;
mod decision;
mod fields;
mod gist;
mod identifier;
mod json;
pub mod limits;
mod order;
mod receive;
mod timestamp;
mod touchpoint;
mod upcast;
mod violation;

pub use amount::{Amount, Currency, Money};
pub use attribute::{Channel, EventType, SchemaVersion};
pub use body_hash::{BodyHash, RecordHash};
pub use catalogue::{Catalogue, CatalogueError, SchemaFile};
pub use content::{
    ConsentChanged, Content, CustomerIdentified, Item, Metric, OrderPlaced, OrderRefunded, ProductViewed, ReviewPosted,
    SurveyAnswered, SurveySent, TraitValue,
};
pub use decision::{Choice, Decision, Discarded, EventName, Merged, Split};
pub use identifier::{Country, Identifier, Normalisation, PLACEHOLDERS, is_placeholder};
pub use json::{Json, Object};
pub use order::{Order, OrderKey};
pub use receive::{Event, Place, Recorded, glance, read, read_record, receive, reread};
pub use timestamp::{NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};
pub use touchpoint::Touchpoint;
pub use violation::{Violation, quote};
