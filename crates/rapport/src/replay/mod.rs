//! `ReplayService`: history as it was recorded, in log order, up to the end of the log at the call; of one customer, or of
//! all one by one, as the read model has it, in the order of events.
//!
//! Given are all records that are JSON objects in UTF-8, as they stand: decisions and parked events too, as long as the
//! conditions let them through. Anything else came to the log without a gateway and is no event; it is on the list of
//! parked events, by its position. A record whose `time` cannot be read meets no condition on time.

mod answer;
mod by_customer;
mod of_customer;
mod selection;
mod service;

use std::time::Duration;

use rapport_log::{Position, ReadError};
use thiserror::Error;

use crate::hosting::NotHosted;
use crate::query::QueryError;

pub use service::Replays;

#[derive(Debug, Error)]
pub enum ReplayError {
    #[error("{field}: {rule}")]
    Argument { field: &'static str, rule: String },
    #[error("{}", said(.0))]
    Read(#[source] ReadError),
    #[error("{limit} replays are running already; come back later")]
    Full { limit: usize },
    #[error("the log gave nothing for {patience:?}; go on with after_position {reached}")]
    Away { patience: Duration, reached: Position },
    #[error("the service is stopping; go on with after_position {reached}")]
    Stopping { reached: Position },
    #[error(transparent)]
    NotHosted(#[from] NotHosted),
    #[error(transparent)]
    Customer(#[from] QueryError),
}

/// The field that asked for what is not there.
fn said(error: &ReadError) -> String {
    match error {
        ReadError::BeyondHead { .. } => format!("after_position: {error}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
