//! The events of one request: checked one by one, appended together, answered in their order.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use prost::Message;
use rapport_log::{AppendError, Appended};
use rapport_touchpoint::limits::MAX_EVENT_BYTES;
use rapport_touchpoint::{Timestamp, Touchpoint, Violation, receive};
use rayon::prelude::*;

use super::PublishError;
use super::kinds::Reservation;
use crate::config::CustomTypes;
use crate::event_proto::from_proto;
use crate::metrics::IngestMetrics;
use crate::tenants::ServedTenant;
use crate::traces::Span;
use crate::wire::cloudevents::CloudEvent;
use crate::wire::v1::{
    Accepted, Duplicate, PublishResponse, Quarantined, Reason, Rejected, Verdict as WireVerdict, verdict::Verdict,
};

/// Up to this many bytes a check takes less than a millisecond, and a detour over other threads is not worth it.
const SMALL_BATCH_BYTES: usize = 16 * 1024;

/// As it came.
pub(super) struct Batch {
    pub(super) tenant: Arc<ServedTenant>,
    pub(super) events: Vec<Bytes>,
    pub(super) received_at: Timestamp,
    pub(super) read_at: Instant,
    pub(super) metrics: IngestMetrics,
    pub(super) span: Span,
}

/// Checked: what is left to do is to append the valid events.
pub(super) struct Checked {
    tenant: Arc<ServedTenant>,
    read_at: Instant,
    metrics: IngestMetrics,
    /// Ends with the verdicts.
    span: Span,
    valid: Vec<Touchpoint>,
    /// One for each event of the request.
    places: Vec<Place>,
}

enum Place {
    /// The next of the valid ones.
    Valid(Reservation),
    Rejected(Vec<Violation>),
}

impl Batch {
    /// Large batches are checked on the threads for such work, so that other calls go on meanwhile.
    pub(super) async fn check(mut self) -> Result<Checked, PublishError> {
        let span = std::mem::take(&mut self.span);
        let checking = span.child("check");
        let bytes: usize = self.events.iter().map(Bytes::len).sum();
        let (tenant, read_at, metrics) = (self.tenant.clone(), self.read_at, self.metrics.clone());
        let checked = if bytes <= SMALL_BATCH_BYTES {
            self.events.iter().map(|event| self.check_one(event)).collect()
        } else {
            let on_threads = move || self.events.par_iter().map(|event| self.check_one(event)).collect();
            tokio::task::spawn_blocking(on_threads).await.map_err(|_| PublishError::Broken)?
        };
        let (valid, places) = reserve(&tenant, checked);
        drop(checking);
        Ok(Checked { tenant, read_at, metrics, span, valid, places })
    }

    fn check_one(&self, event: &Bytes) -> Result<Touchpoint, Vec<Violation>> {
        let of_event = |rule: String| vec![Violation::new("event", rule)];
        if event.len() > MAX_EVENT_BYTES {
            return Err(of_event(format!("has {} bytes; an event has at most {MAX_EVENT_BYTES}", event.len())));
        }
        let event = CloudEvent::decode(event.as_ref())
            .map_err(|error| of_event(format!("is no io.cloudevents.v1.CloudEvent: {error}")))?;
        let event = from_proto(&event).map_err(|violation| vec![violation])?;
        let touchpoint = receive(event, self.received_at, &self.tenant.catalogue)?;
        if touchpoint.schema.is_none() && self.tenant.custom_types == CustomTypes::Refuse {
            let rule =
                format!("is {}, which no schema describes; this tenant refuses such types", touchpoint.event_type);
            return Err(vec![Violation::new("type", rule)]);
        }
        Ok(touchpoint)
    }
}

/// The valid events, and a place for each of the request.
fn reserve(tenant: &ServedTenant, checked: Vec<Result<Touchpoint, Vec<Violation>>>) -> (Vec<Touchpoint>, Vec<Place>) {
    let mut valid = Vec::with_capacity(checked.len());
    let place = |event: Result<Touchpoint, Vec<Violation>>| {
        let reserved = event.and_then(|touchpoint| {
            let reservation = tenant.kinds.reserve(&touchpoint)?;
            valid.push(touchpoint);
            Ok(reservation)
        });
        reserved.map_or_else(Place::Rejected, Place::Valid)
    };
    let places = checked.into_iter().map(place).collect();
    (valid, places)
}

impl Checked {
    /// Calls `queued` as soon as the batch has its place before the log, so that the next one cannot overtake it.
    pub(super) async fn append(self, queued: impl FnOnce()) -> Result<PublishResponse, PublishError> {
        let Self { tenant, read_at, metrics, span, valid, places } = self;
        let mut appended = Vec::new();
        if !valid.is_empty() {
            let appending = span.child("append");
            let batch = rapport_log::Batch::from(valid).with_trace(appending.carried());
            // The log takes its queue in the order in which appends are first polled.
            let mut append = pin!(tenant.log.append(batch));
            appended = match futures::poll!(append.as_mut()) {
                Poll::Ready(appended) => appended,
                Poll::Pending => {
                    queued();
                    append.await
                }
            };
        }
        let mut appended = appended.into_iter();
        let judged = places.into_iter().map(|place| match place {
            Place::Rejected(violations) => Ok(rejected(violations)),
            Place::Valid(reservation) => verdict(appended.next(), reservation),
        });
        // All are judged before one fails the call: what did come to the log keeps its reservation.
        let judged: Vec<Result<Verdict, PublishError>> = judged.collect();
        judged.iter().flatten().for_each(|verdict| metrics.judged(verdict));
        metrics.published(read_at);
        let verdicts = judged
            .into_iter()
            .map(|verdict| Ok(WireVerdict { verdict: Some(verdict?) }))
            .collect::<Result<_, PublishError>>()?;
        Ok(PublishResponse { verdicts })
    }
}

fn verdict(appended: Option<Result<Appended, AppendError>>, reservation: Reservation) -> Result<Verdict, PublishError> {
    let appended = match appended.expect("the log answers every event") {
        Ok(appended) => appended,
        Err(AppendError::TooLarge { bytes, limit }) => {
            let rule = format!("has {bytes} bytes as JSON; this log takes {limit}");
            return Ok(rejected(vec![Violation::new("event", rule)]));
        }
        Err(error) => return Err(PublishError::Append(error)),
    };
    reservation.keep();
    Ok(match appended {
        Appended::Accepted(position) => Verdict::Accepted(Accepted { position: position.0 }),
        Appended::Duplicate(position) => Verdict::Duplicate(Duplicate { position: position.0 }),
        Appended::Conflict { position, first } => {
            let rule = format!(
                "another body stands under this source and id at position {first}; this one is kept but does not count. \
                 Something new needs an id of its own"
            );
            let reasons = vec![Reason { field: "id".to_owned(), rule }];
            Verdict::Quarantined(Quarantined { position: position.0, reasons })
        }
    })
}

fn rejected(violations: Vec<Violation>) -> Verdict {
    let reasons = violations.into_iter().map(|Violation { field, rule }| Reason { field, rule }).collect();
    Verdict::Rejected(Rejected { reasons })
}
