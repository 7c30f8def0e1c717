//! What the read models know, as gRPC services. Nothing here touches the log, but for the admin's view of it.

mod admin;
mod arguments;
mod convert;
mod customer;
mod export;
mod feedback;
mod identity;
mod journey;
mod listing;
mod merging;
mod page_token;
mod parked;
mod past;
mod preview;
mod projections;
mod threads;
mod verify;
mod watch;
mod whatif;

use rapport_customer::{DefinitionError, Model};
use rapport_readmodel::{Entangled, ReadModelError};
use thiserror::Error;

use crate::deciding::DecideError;
use crate::projector::{LookUpError, NotYet, RebuildError, ScratchError, SupposeError};
use crate::tenants::UnknownTenant;

pub use admin::Admin;
pub(crate) use arguments::customer_name;
pub(crate) use convert::timestamp;
pub use customer::Customers;
pub use export::Exports;
pub use feedback::Feedbacks;
pub use identity::Identities;
pub use journey::Journeys;
pub use projections::Projections;
pub(crate) use projections::no_customer;

#[derive(Debug, Error)]
pub enum QueryError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("{field}: {rule}")]
    Argument { field: &'static str, rule: String },
    #[error("customer: nobody is known as {name}")]
    NoCustomer { name: String },
    /// At a past moment.
    #[error("customer: nobody was known as {name} {then}")]
    NoCustomerThen { name: String, then: String },
    #[error("known_at.position: is {position}, but the log ends at {head}; ask for a position up to that")]
    BeyondHead { position: u64, head: u64 },
    #[error(
        "as_of, known_at: that moment of all customers is not folded yet; AdminService.PreparePast folds it, and `rapport` \
         does so by itself"
    )]
    NotPrepared,
    #[error("as_of, known_at: {0}; AdminService.PreparePast folds the past of all customers, which tells")]
    Entangled(#[from] Entangled),
    #[error("journey: {name:?} is not defined; there are {known}")]
    NoJourney { name: String, known: String },
    #[error("{field}: the {} is not folded by this process; ask one that runs with --models {}", .model.name(), .model.name())]
    NotFolded { field: &'static str, model: Model },
    #[error("{limit} customers are watched already, the most that this process serves")]
    TooManyWatchers { limit: usize },
    #[error(
        "{limit} questions wait for the read models already, the most that this process lets wait; ask again in a while"
    )]
    TooManyQuestions { limit: usize },
    #[error("{limit} exports are running already; come back later")]
    TooManyExports { limit: usize },
    #[error(transparent)]
    NotYet(#[from] NotYet),
    #[error(transparent)]
    ReadModel(#[from] ReadModelError),
    #[error("the log does not say where it ends: {0}")]
    Log(#[from] rapport_log::ReadError),
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// Of a preview.
    #[error(transparent)]
    Definitions(#[from] DefinitionError),
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    #[error(transparent)]
    Suppose(#[from] SupposeError),
    #[error("position: nothing is parked at {position}; `rapport parked list` shows what is")]
    NotParked { position: u64 },
    #[error("position: what is parked at {position} was discarded already, by {by}: {reason}")]
    Discarded { position: u64, by: String, reason: String },
    #[error(transparent)]
    Decide(#[from] DecideError),
    #[error("identifier: nothing is known as {name}")]
    NoIdentifier { name: String },
    #[error("{field}: there is no merge or split by hand with the id {id}; `rapport identity decisions` shows all")]
    NoDecision { field: &'static str, id: String },
    #[error("{0}")]
    Undecidable(String),
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    #[error("the query broke off")]
    BrokenOff,
}
