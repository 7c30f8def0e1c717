//! `AdminService.Verify`: is the read model what the log says? What the projector finds, as the wire carries it.

use rapport_customer::Digest;
use rapport_readmodel::{CustomerDifference, Differences, PartDifference, Presence, TotalDifference};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::projections::Projections;
use super::{QueryError, convert};
use crate::projector::{
    ConflictingBodies, ModelDigests, Phase, ScratchError, ScratchProgress, ScratchUpdate, Verified,
};
use crate::wire::v1::customer_difference::Presence as WirePresence;
use crate::wire::v1::verify_progress::Phase as WirePhase;
use crate::wire::v1::verify_response::What;
use crate::wire::v1::{self, VerifyRequest, VerifyResponse};

pub(super) type Verifying = std::pin::Pin<Box<dyn Stream<Item = Result<VerifyResponse, Status>> + Send>>;

/// Starts to verify; ends when the client drops the stream.
pub(super) fn verify(projections: &Projections, request: VerifyRequest) -> Result<Verifying, QueryError> {
    let (tenant, projection) = projections.find(&request.tenant)?;
    let tenant = tenant.name.as_str().to_owned();
    let updates = ReceiverStream::new(projection.verify()?);
    Ok(Box::pin(updates.map(move |update| told(&tenant, update))))
}

fn told(tenant: &str, update: Result<ScratchUpdate<Verified>, ScratchError>) -> Result<VerifyResponse, Status> {
    let what = match update.map_err(QueryError::Scratch)? {
        ScratchUpdate::Progress(progress) => What::Progress(to_progress(progress)),
        ScratchUpdate::Done(verified) => What::Result(to_result(tenant, *verified)),
    };
    Ok(VerifyResponse { what: Some(what) })
}

fn to_progress(ScratchProgress { phase, done, total }: ScratchProgress) -> v1::VerifyProgress {
    let phase = match phase {
        Phase::Folding => WirePhase::Folding,
        Phase::Reading => WirePhase::Reading,
        Phase::Comparing => WirePhase::Comparing,
    };
    v1::VerifyProgress { phase: phase.into(), done, total }
}

fn to_result(tenant: &str, verified: Verified) -> v1::VerifyResult {
    let equal = verified.is_equal();
    let Verified { position, clock, events, customers, took, models, strays, differences, conflicts, shown_conflicts } =
        verified;
    let Differences { customers: different_customers, shown_customers, totals: different_totals, shown_totals } =
        differences;
    let digest = models.iter().fold(Digest::default(), |sum, digests| sum.plus(digests.anew));
    v1::VerifyResult {
        equal,
        tenant: tenant.to_owned(),
        position,
        clock: Some(convert::timestamp(clock)),
        events,
        customers,
        seconds: took.as_secs_f64(),
        digest: digest.to_string(),
        models: models.iter().map(to_digests).collect(),
        different_customers,
        shown_customers: shown_customers.into_iter().map(to_customer).collect(),
        different_totals,
        shown_totals: shown_totals.into_iter().map(to_total).collect(),
        strays,
        conflicts,
        shown_conflicts: shown_conflicts.into_iter().map(to_conflict).collect(),
    }
}

fn to_digests(digests: &ModelDigests) -> v1::ModelDigests {
    let ModelDigests { model, stored, recomputed, anew } = digests;
    v1::ModelDigests {
        model: model.name().to_owned(),
        stored: stored.to_string(),
        recomputed: recomputed.to_string(),
        anew: anew.to_string(),
        equal: digests.is_equal(),
    }
}

fn to_customer(difference: CustomerDifference) -> v1::CustomerDifference {
    let CustomerDifference { id, identifiers, earliest, presence, parts } = difference;
    let (earliest_source, earliest_id) = earliest.source_and_id().unwrap_or_default();
    let presence = match presence {
        Presence::InBoth => WirePresence::InBoth,
        Presence::OnlyServing => WirePresence::OnlyServing,
        Presence::OnlyAnew => WirePresence::OnlyAnew,
    };
    v1::CustomerDifference {
        customer_id: id.map(|id| id.to_string()).unwrap_or_default(),
        identifiers: identifiers.iter().map(ToString::to_string).collect(),
        earliest_time: Some(convert::timestamp(earliest.time())),
        earliest_source,
        earliest_id,
        presence: presence.into(),
        parts: parts.into_iter().map(to_part).collect(),
    }
}

fn to_part(PartDifference { part, serving, anew }: PartDifference) -> v1::PartDifference {
    v1::PartDifference { part: part.name().to_owned(), serving, anew }
}

fn to_total(TotalDifference { name, serving, anew }: TotalDifference) -> v1::TotalDifference {
    v1::TotalDifference { name, serving, anew }
}

fn to_conflict(conflict: ConflictingBodies) -> v1::ConflictingBodies {
    let ConflictingBodies { source, id, standing, anchor, parked, parked_anchor } = conflict;
    let text = |anchor: Option<rapport_touchpoint::Identifier>| anchor.map(|a| a.to_string()).unwrap_or_default();
    v1::ConflictingBodies {
        source,
        id,
        position: standing,
        anchor: text(anchor),
        parked_position: parked,
        parked_anchor: text(parked_anchor),
    }
}
