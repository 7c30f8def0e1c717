//! `AdminService.Preview`: what would other definitions make of who is who? What the projector finds, as the wire carries it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_customer::Definitions;
use rapport_readmodel::{Census, Example, Fates, Named, Rule};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::projections::Projections;
use super::{QueryError, arguments};
use crate::projector::{Phase, Previewed, ScratchError, ScratchProgress, ScratchUpdate};
use crate::tenants::ServedTenant;
use crate::wire::v1::preview_progress::Phase as WirePhase;
use crate::wire::v1::preview_refused::Rule as WireRule;
use crate::wire::v1::preview_response::What;
use crate::wire::v1::{self, PreviewRequest, PreviewResponse};

const FILE_NAME: &str = "definitions.toml";

pub(super) type Previewing = std::pin::Pin<Box<dyn Stream<Item = Result<PreviewResponse, Status>> + Send>>;

/// Starts a preview; ends when the client drops the stream.
pub(super) async fn preview(projections: &Projections, request: PreviewRequest) -> Result<Previewing, QueryError> {
    let (tenant, projection) = projections.find(&request.tenant)?;
    let PreviewRequest { definitions, file_name, examples, .. } = request;
    let examples = arguments::examples(examples)?;
    let definitions = read(tenant, definitions, &file_name).await?;
    let tenant = tenant.name.as_str().to_owned();
    let updates = ReceiverStream::new(projection.preview(definitions, examples)?);
    Ok(Box::pin(updates.map(move |update| told(&tenant, update))))
}

/// The text of a definitions file, with the country and the schemas of the tenant that are in force.
pub(super) async fn read(
    tenant: &Arc<ServedTenant>,
    text: String,
    file_name: &str,
) -> Result<rapport_readmodel::Definitions, QueryError> {
    let file_name = if file_name.is_empty() { FILE_NAME.to_owned() } else { arguments::cut(file_name) };
    let (of_tenant, catalogue) = (tenant.clone(), tenant.catalogue.clone());
    // Every condition is tried on the examples of the schemas.
    let parsed = tokio::task::spawn_blocking(move || Definitions::parse(&file_name, &text, &of_tenant.catalogue));
    let parsed = parsed.await.map_err(|_| QueryError::BrokenOff)??;
    Ok(rapport_readmodel::Definitions {
        rules: parsed.rules.with_country(tenant.rules.country),
        zone: parsed.zone,
        journeys: parsed.journeys,
        catalogue,
        models: Vec::new(),
    })
}

fn told(tenant: &str, update: Result<ScratchUpdate<Previewed>, ScratchError>) -> Result<PreviewResponse, Status> {
    let what = match update.map_err(QueryError::Scratch)? {
        ScratchUpdate::Progress(progress) => What::Progress(to_progress(progress)),
        ScratchUpdate::Done(previewed) => What::Result(to_result(tenant, *previewed)),
    };
    Ok(PreviewResponse { what: Some(what) })
}

pub(super) fn to_progress(ScratchProgress { phase, done, total }: ScratchProgress) -> v1::PreviewProgress {
    let phase = match phase {
        Phase::Folding => WirePhase::Folding,
        Phase::Reading => WirePhase::Reading,
        Phase::Comparing => WirePhase::Comparing,
    };
    v1::PreviewProgress { phase: phase.into(), done, total }
}

pub(super) fn to_result(tenant: &str, previewed: Previewed) -> v1::PreviewResult {
    let Previewed { position, events, took, same_rules, today, then, fates, examples } = previewed;
    v1::PreviewResult {
        tenant: tenant.to_owned(),
        position,
        events,
        seconds: took.as_secs_f64(),
        same_rules,
        now: Some(to_census(today)),
        then: Some(to_census(then)),
        fates: Some(to_fates(fates)),
        examples: examples.into_iter().map(to_example).collect(),
    }
}

fn to_census(census: Census) -> v1::PreviewCensus {
    let Census {
        customers,
        identified,
        touchpoints,
        of_nobody,
        refused_links,
        refused_merges,
        void_identifiers,
        biggest,
    } = census;
    let void = |(namespace, count)| v1::PreviewVoid { namespace, count };
    v1::PreviewCensus {
        customers,
        identified,
        touchpoints,
        of_nobody,
        refused_links: to_refused(refused_links),
        refused_merges: to_refused(refused_merges),
        void_identifiers: void_identifiers.into_iter().map(void).collect(),
        biggest_by_touchpoints: biggest.by_touchpoints.into_iter().map(to_customer).collect(),
        biggest_by_identifiers: biggest.by_identifiers.into_iter().map(to_customer).collect(),
    }
}

fn to_refused(refused: BTreeMap<Rule, u64>) -> Vec<v1::PreviewRefused> {
    let refused_by = |(rule, count)| {
        let (rule, namespace) = match rule {
            Rule::Most(namespace) => (WireRule::MostOfNamespace, namespace),
            Rule::MostPersons => (WireRule::MostPersons, String::new()),
            Rule::Split => (WireRule::Split, String::new()),
        };
        v1::PreviewRefused { rule: rule.into(), namespace, count }
    };
    refused.into_iter().map(refused_by).collect()
}

fn to_fates(fates: Fates) -> v1::PreviewFates {
    let Fates { unchanged, joined, parted, regrouped, other_touchpoints, gone, joined_into, parted_into, new } = fates;
    v1::PreviewFates { unchanged, joined, parted, regrouped, other_touchpoints, gone, joined_into, parted_into, new }
}

fn to_example(example: Example) -> v1::PreviewExample {
    let Example { today, today_in_all, then, then_in_all, more, to_nobody, from_nobody } = example;
    v1::PreviewExample {
        now: today.into_iter().map(to_customer).collect(),
        now_in_all: today_in_all,
        then: then.into_iter().map(to_customer).collect(),
        then_in_all,
        more,
        to_nobody,
        from_nobody,
    }
}

pub(super) fn to_customer(named: Named) -> v1::PreviewCustomer {
    let Named { id, identifiers, identifiers_in_all, touchpoints, earliest: _ } = named;
    v1::PreviewCustomer {
        id: id.to_string(),
        identifiers: identifiers.iter().map(ToString::to_string).collect(),
        identifiers_in_all,
        touchpoints,
    }
}
