//! `AdminService`: how is the service, make the read model anew, and is it what the log says?

use std::collections::HashMap;

use rapport_customer::Digest;
use rapport_log::Log;
use rapport_readmodel::{BulkPhase, BulkProgress};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::preview::{Previewing, preview};
use super::projections::Projections;
use super::verify::{Verifying, verify};
use super::whatif::{Supposing, suppose};
use super::{QueryError, convert, merging, parked, past};
use crate::projector::{BulkStep, RebuildError, RebuildProgress, Updates, shown};
use crate::wire::v1::admin_service_server::AdminService;
use crate::wire::v1::rebuild_progress::Phase;
use crate::wire::v1::{
    self, CopyDecisionRequest, CopyDecisionResponse, DecisionResponse, DiscardParkedRequest, DiscardParkedResponse,
    GetParkedRequest, GetParkedResponse, ListParkedRequest, ListParkedResponse, MergeRequest, PreparePastRequest,
    PreviewRequest, RebuildRequest, RetryParkedRequest, SplitRequest, StatusRequest, StatusResponse, VerifyRequest,
    WhatIfRequest,
};

#[derive(Clone)]
pub struct Admin {
    pub(super) projections: Projections,
}

type Progress = ReceiverStream<Result<v1::RebuildProgress, Status>>;

impl Admin {
    pub fn new(projections: Projections) -> Self {
        Self { projections }
    }

    async fn status(&self, request: StatusRequest) -> Result<StatusResponse, QueryError> {
        let asked = self.projections.serving(&request.tenant, request.min_position).await?;
        let (status, freshness) = self.projections.ask_of(&asked, |reader| reader.status()).await?;
        let (tenant, projection) = self.projections.find(&request.tenant)?;
        let live = projection.live();
        let (head, fault) = match tenant.log.head().await {
            Ok(head) => (head.0.max(freshness.position), live.fault),
            // The projector may not know yet.
            Err(error) if error.is_another_log() => (freshness.head, live.fault.or(Some(error.to_string()))),
            Err(error) => return Err(error.into()),
        };
        let digest = status.digests.iter().fold(Digest::default(), |sum, (_, digest)| sum.plus(*digest));
        let digests: HashMap<String, String> =
            status.digests.iter().map(|(model, digest)| (model.name().to_owned(), digest.to_string())).collect();
        Ok(StatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tenant: tenant.name.as_str().to_owned(),
            log: match tenant.log {
                Log::Embedded(_) => "embedded".to_owned(),
                Log::JetStream(_) => "jetstream".to_owned(),
            },
            epoch: tenant.log.epoch().id.to_string(),
            head,
            position: freshness.position,
            lag: head - freshness.position,
            generation: asked.generation,
            touchpoints: status.touchpoints,
            duplicates: status.duplicates,
            parked: status.parked,
            discarded: status.discarded,
            newest_parked: status.newest_parked.into_iter().map(convert::parked).collect(),
            digests,
            digest: digest.to_string(),
            fingerprint: status.fingerprint,
            settled: fault.is_none()
                && freshness.position >= head
                && self.projections.is_silent(status.due)
                && !asked.is_superseded,
            fault: fault.unwrap_or_default(),
            clock: freshness.clock,
            building: live.building.as_ref().map(to_progress),
            wanted_fingerprint: shown(live.wanted),
            began_anew: asked.began_anew && asked.position < asked.goal,
            not_built: live.not_built.unwrap_or_default(),
            previous_generation: live.previous.unwrap_or_default(),
        })
    }

    async fn rebuild(&self, request: RebuildRequest) -> Result<Progress, QueryError> {
        let (_, projection) = self.projections.find(&request.tenant)?;
        let updates = if request.back { projection.go_back().await? } else { projection.rebuild().await? };
        let (told, receiver) = mpsc::channel(1);
        tokio::spawn(tell(self.clone(), request.tenant, updates, told));
        Ok(ReceiverStream::new(receiver))
    }
}

/// Passes progress on. The rebuild goes on when nobody listens any more.
async fn tell(
    admin: Admin,
    tenant: String,
    mut updates: Updates,
    told: mpsc::Sender<Result<v1::RebuildProgress, Status>>,
) {
    while let Some(update) = updates.recv().await {
        let told_now = admin.told(&tenant, update).await;
        if told.send(told_now.map_err(Status::from)).await.is_err() {
            return;
        }
    }
}

pub(super) fn to_progress(progress: &RebuildProgress) -> v1::RebuildProgress {
    let RebuildProgress { generation, position, head, in_bulk, done, elapsed, left } = *progress;
    let phase = match in_bulk {
        Some(BulkStep::Read(_)) => Phase::Reading,
        Some(BulkStep::Folded(BulkProgress { phase, .. })) => match phase {
            BulkPhase::Settling => Phase::Settling,
            BulkPhase::Arranging => Phase::Arranging,
            BulkPhase::Folding => Phase::Folding,
        },
        Some(BulkStep::Checked { .. }) => Phase::Checking,
        None => Phase::CatchingUp,
    };
    v1::RebuildProgress {
        position,
        head,
        done,
        generation,
        digest: String::new(),
        phase: phase.into(),
        elapsed_seconds: elapsed.as_secs_f64(),
        seconds_left: left.map(|left| left.as_secs_f64()),
    }
}

impl Admin {
    /// Progress of a generation in the making; the last one has the digest of what serves then.
    pub(super) async fn told(
        &self,
        tenant: &str,
        update: Result<RebuildProgress, RebuildError>,
    ) -> Result<v1::RebuildProgress, QueryError> {
        let progress = update?;
        let digest = if progress.done { self.digest(tenant).await? } else { String::new() };
        Ok(v1::RebuildProgress { digest, ..to_progress(&progress) })
    }

    pub(super) async fn digest(&self, tenant: &str) -> Result<String, QueryError> {
        let request = StatusRequest { tenant: tenant.to_owned(), min_position: 0 };
        Ok(self.status(request).await?.digest)
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    type RebuildStream = Progress;
    type VerifyStream = Verifying;
    type PreviewStream = Previewing;
    type PreparePastStream = past::Preparing;
    type WhatIfStream = Supposing;
    type RetryParkedStream = parked::Retrying;

    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(Self::status(self, request.into_inner()).await?))
    }

    async fn rebuild(&self, request: Request<RebuildRequest>) -> Result<Response<Progress>, Status> {
        Ok(Response::new(Self::rebuild(self, request.into_inner()).await?))
    }

    async fn verify(&self, request: Request<VerifyRequest>) -> Result<Response<Verifying>, Status> {
        Ok(Response::new(verify(&self.projections, request.into_inner())?))
    }

    async fn preview(&self, request: Request<PreviewRequest>) -> Result<Response<Previewing>, Status> {
        Ok(Response::new(preview(&self.projections, request.into_inner()).await?))
    }

    async fn what_if(&self, request: Request<WhatIfRequest>) -> Result<Response<Supposing>, Status> {
        Ok(Response::new(suppose(self, request.into_inner()).await?))
    }

    async fn prepare_past(&self, request: Request<PreparePastRequest>) -> Result<Response<past::Preparing>, Status> {
        Ok(Response::new(past::prepare(&self.projections, request.into_inner()).await?))
    }

    async fn list_parked(&self, request: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        Ok(Response::new(parked::list(&self.projections, request.into_inner()).await?))
    }

    async fn get_parked(&self, request: Request<GetParkedRequest>) -> Result<Response<GetParkedResponse>, Status> {
        Ok(Response::new(parked::get(&self.projections, request.into_inner()).await?))
    }

    async fn discard_parked(
        &self,
        request: Request<DiscardParkedRequest>,
    ) -> Result<Response<DiscardParkedResponse>, Status> {
        Ok(Response::new(parked::discard(&self.projections, request.into_inner()).await?))
    }

    async fn retry_parked(&self, request: Request<RetryParkedRequest>) -> Result<Response<parked::Retrying>, Status> {
        Ok(Response::new(parked::retry(self, request.into_inner()).await?))
    }

    async fn merge(&self, request: Request<MergeRequest>) -> Result<Response<DecisionResponse>, Status> {
        Ok(Response::new(merging::merge(&self.projections, request.into_inner()).await?))
    }

    async fn split(&self, request: Request<SplitRequest>) -> Result<Response<DecisionResponse>, Status> {
        Ok(Response::new(merging::split(&self.projections, request.into_inner()).await?))
    }

    async fn copy_decision(
        &self,
        request: Request<CopyDecisionRequest>,
    ) -> Result<Response<CopyDecisionResponse>, Status> {
        let CopyDecisionRequest { tenant, event_json } = request.into_inner();
        let (position, was_there) = merging::copy(&self.projections, &tenant, &event_json).await?;
        Ok(Response::new(CopyDecisionResponse { position, was_there }))
    }
}
