//! What the read models know, as gRPC services. Nothing here touches the log, but for the admin's view of it.

mod admin;
mod convert;
mod customer;
mod page_token;
mod projections;

use rapport_readmodel::ReadModelError;
use thiserror::Error;

use crate::projector::{NotYet, RebuildError};
use crate::tenants::UnknownTenant;

pub use admin::Admin;
pub(crate) use convert::timestamp;
pub use customer::Customers;
pub use projections::Projections;
pub(crate) use projections::{customer_name, no_customer};

#[derive(Debug, Error)]
pub enum QueryError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("{field}: {rule}")]
    Argument { field: &'static str, rule: String },
    #[error("customer: nobody is known as {name}")]
    NoCustomer { name: String },
    #[error(transparent)]
    NotYet(#[from] NotYet),
    #[error(transparent)]
    ReadModel(#[from] ReadModelError),
    #[error("the log does not say where it ends: {0}")]
    Log(#[from] rapport_log::ReadError),
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error("the query broke off")]
    BrokenOff,
}
