//! `IngestService`: the one way of each call through the gateway.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rapport_log::{Tenant, TraceParent};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::batch::Batch;
use super::deadline::time_for;
use super::room::{Place, Room};
use super::stream::{Responses, responses};
use super::{MAX_EVENTS, PublishError};
use crate::clock::Clock;
use crate::config::Limits;
use crate::metrics::IngestMetrics;
use crate::tenants::Tenants;
use crate::wire::v1::{PublishRequest, PublishResponse, ingest_service_server::IngestService};

/// Clones share the tenants and the room.
#[derive(Clone)]
pub struct Gateway {
    tenants: Tenants,
    metrics: Arc<BTreeMap<Tenant, IngestMetrics>>,
    /// The trace that this call goes on, if its client has one.
    caller: Option<TraceParent>,
    pub(super) room: Room,
    clock: Clock,
    pub(super) stopping: CancellationToken,
}

impl Gateway {
    /// Open streams end when `stopping` is cancelled.
    pub fn new(tenants: Tenants, limits: &Limits, clock: Clock, stopping: CancellationToken) -> Self {
        let metrics = tenants.iter().map(|tenant| (tenant.name.clone(), tenants.metrics.ingest(&tenant.name)));
        let metrics = Arc::new(metrics.collect());
        Self { tenants, metrics, caller: None, room: Room::new(limits.in_flight_bytes), clock, stopping }
    }

    fn called_by(&self, call: &MetadataMap) -> Self {
        let text = call.get("traceparent").and_then(|text| text.to_str().ok());
        Self { caller: text.and_then(TraceParent::parse), ..self.clone() }
    }

    /// The request, received now.
    pub(super) fn batch(&self, request: PublishRequest) -> Result<Batch, PublishError> {
        let tenant = self.tenants.find(&request.tenant)?.clone();
        if request.events.len() > MAX_EVENTS {
            return Err(PublishError::TooManyEvents { count: request.events.len() });
        }
        let metrics = self.metrics.get(&tenant.name).expect("every served tenant is measured").clone();
        let span = self.tenants.traces.publish(self.caller, &tenant.name, request.events.len());
        let received_at = self.clock.now();
        Ok(Batch { tenant, events: request.events, received_at, read_at: Instant::now(), metrics, span })
    }

    /// Of events that have no verdict yet.
    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.room.taken_bytes()
    }

    pub(super) async fn publish_one(&self, request: PublishRequest) -> Result<PublishResponse, PublishError> {
        let batch = self.batch(request)?;
        let _place: Place = self.room.ask_for(&batch.events).await?;
        batch.check().await?.append(|| ()).await
    }
}

#[tonic::async_trait]
impl IngestService for Gateway {
    type PublishStreamStream = Responses;

    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let time = time_for(request.metadata());
        let gateway = self.called_by(request.metadata());
        let publish = gateway.publish_one(request.into_inner());
        let answered = match time {
            None => publish.await,
            Some(time) => timeout(time, publish).await.unwrap_or(Err(PublishError::Late(time))),
        };
        Ok(Response::new(answered?))
    }

    async fn publish_stream(
        &self,
        requests: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let gateway = self.called_by(requests.metadata());
        Ok(Response::new(responses(gateway, requests.into_inner())))
    }
}
