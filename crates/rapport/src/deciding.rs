//! Decisions of the admin services: onto the log, and waited for until the read model has taken them.

use std::time::Duration;

use rapport_log::{AppendError, Appended};
use rapport_touchpoint::{Choice, Decision, Order, Violation};
use thiserror::Error;
use uuid::Uuid;

use crate::projector::NotYet;
use crate::query::{Projections, QueryError};

/// Who says so on the log.
const SOURCE: &str = "rapport/admin";
/// How long the read model may take for the decision.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
pub enum DecideError {
    #[error("{}", .0.iter().map(told).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Violation>),
    #[error("it is not known whether the decision is on the log: {0}")]
    Append(#[from] AppendError),
    #[error("the decision stands on the log at position {position}, but {source}")]
    NotYet { position: u64, source: NotYet },
}

/// Appends a decision and waits for it. Where it stands.
pub(crate) async fn decide(projections: &Projections, tenant: &str, choice: Choice) -> Result<u64, QueryError> {
    let (served, projection) = projections.find(tenant)?;
    let (source, id) = (SOURCE.to_owned(), Uuid::new_v4().to_string());
    let order = Order { time: projections.now(), sequence: None, source, id };
    let decision = Decision::new(order, choice).map_err(DecideError::Refused)?;
    let (event_type, id) = (decision.event_type(), decision.order.id.clone());
    let appended = served.log.append(decision).await.pop().expect("the log answers every event");
    let position = appended.map(Appended::position).map_err(DecideError::Append)?.0;
    tracing::info!(tenant = %served.name, %event_type, id, position, "a decision was appended");
    let there = projection.at_least(position, PATIENCE).await;
    there.map(|_| position).map_err(|source| DecideError::NotYet { position, source }.into())
}

/// The caller knows its fields, and not where they lie on the log.
fn told(violation: &Violation) -> String {
    let Violation { field, rule } = violation;
    format!("{}: {rule}", field.strip_prefix("data/").unwrap_or(field))
}
