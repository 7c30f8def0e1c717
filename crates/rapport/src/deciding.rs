//! Decisions of the admin services: onto the log, and waited for until the read model has taken them.

use std::time::Duration;

use rapport_log::{AppendError, Appended};
use rapport_touchpoint::{Choice, Decision, EventName, Order, Place, Recorded, Timestamp, Violation, read_record};
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

/// What the decision with this id is called.
pub(crate) fn name(id: &str) -> EventName {
    EventName { source: SOURCE.to_owned(), id: id.to_owned() }
}

/// Appends a decision and waits for it. Where it stands.
pub(crate) async fn decide(projections: &Projections, tenant: &str, choice: Choice) -> Result<u64, QueryError> {
    Ok(decide_after(projections, tenant, choice, Timestamp::default()).await?.1)
}

/// The same later than this moment in the order of events, whatever this machine's clock says: what a decision cancels
/// stands before it. What it is called, and where it stands.
pub(crate) async fn decide_after(
    projections: &Projections,
    tenant: &str,
    choice: Choice,
    after: Timestamp,
) -> Result<(EventName, u64), QueryError> {
    let (served, projection) = projections.find(tenant)?;
    let name = name(&Uuid::new_v4().to_string());
    let time = Timestamp::from_nanos(after.nanos().saturating_add(1)).unwrap_or(after).max(projections.now());
    let order = Order { time, sequence: None, source: name.source.clone(), id: name.id.clone() };
    let decision = Decision::new(order, choice).map_err(DecideError::Refused)?;
    let (event_type, id) = (decision.event_type(), &name.id);
    let appended = served.log.append(decision).await.pop().expect("the log answers every event");
    let position = appended.map(Appended::position).map_err(DecideError::Append)?.0;
    tracing::info!(tenant = %served.name, %event_type, id, position, "a decision was appended");
    match projection.at_least(position, PATIENCE).await {
        Ok(_) => Ok((name, position)),
        Err(source) => Err(DecideError::NotYet { position, source }.into()),
    }
}

/// Appends a decision that stands on another log, as it stands there; where, and whether it was there before.
pub(crate) async fn copy(projections: &Projections, tenant: &str, json: &str) -> Result<(u64, bool), QueryError> {
    let (served, _) = projections.find(tenant)?;
    let read = read_record(json.as_bytes(), projections.now(), Place::Decisions, &served.catalogue);
    let decision = match read.map_err(DecideError::Refused)? {
        Recorded::Decision(decision) => *decision,
        Recorded::Touchpoint(_) => unreachable!("where decisions stand, nothing else is read"),
    };
    let appended = served.log.append(decision).await.pop().expect("the log answers every event");
    let appended = appended.map_err(DecideError::Append)?;
    Ok((appended.position().0, matches!(appended, Appended::Duplicate(_))))
}

/// The caller knows its fields, and not where they lie on the log.
fn told(violation: &Violation) -> String {
    let Violation { field, rule } = violation;
    format!("{}: {rule}", field.strip_prefix("data/").unwrap_or(field))
}
