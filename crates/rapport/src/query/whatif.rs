//! `AdminService.WhatIf`: what would other definitions change? What the projector finds, as the wire carries it.

use std::collections::BTreeMap;

use rapport_customer::ScoreRow;
use rapport_customer::journey::StageCount;
use rapport_readmodel::{FunnelOf, JourneyMoves, MoveExample, ScoreOf, Whereabouts};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::admin::Admin;
use super::{QueryError, arguments, preview};
use crate::projector::{RebuildError, ScratchUpdate, ScratchUpdates, Supposed, Supposition, Updates};
use crate::wire::v1::what_if_place::Where;
use crate::wire::v1::what_if_response::What;
use crate::wire::v1::{self, WhatIfRequest, WhatIfResponse};

pub(super) type Supposing = ReceiverStream<Result<WhatIfResponse, Status>>;

/// Responses that wait for the client.
const RESPONSES_AHEAD: usize = 4;

/// Starts it; ends when the client drops the stream, but for a promotion that has begun.
pub(super) async fn suppose(admin: &Admin, request: WhatIfRequest) -> Result<Supposing, QueryError> {
    let (tenant, projection) = admin.projections.find(&request.tenant)?;
    let WhatIfRequest { definitions: text, file_name, examples, promote, .. } = request;
    let examples = arguments::examples(examples)?;
    let definitions = preview::read(tenant, text.clone(), &file_name).await?;
    let updates = projection.suppose(Supposition { definitions, text, examples, promote })?;
    let (told, receiver) = mpsc::channel(RESPONSES_AHEAD);
    let tenant = tenant.name.as_str().to_owned();
    let admin = admin.clone();
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = pass_on(&admin, &tenant, updates, &told) => ended,
            () = told.closed() => return,
        };
        if let Err(error) = ended {
            let _ = told.send(Err(error.into())).await;
        }
    });
    Ok(ReceiverStream::new(receiver))
}

async fn pass_on(
    admin: &Admin,
    tenant: &str,
    mut updates: ScratchUpdates<Supposed>,
    told: &mpsc::Sender<Result<WhatIfResponse, Status>>,
) -> Result<(), QueryError> {
    let tell = async |what| {
        // The stream ends with its client.
        let _ = told.send(Ok(WhatIfResponse { what: Some(what) })).await;
    };
    while let Some(update) = updates.recv().await {
        match update? {
            ScratchUpdate::Progress(progress) => tell(What::Progress(preview::to_progress(progress))).await,
            ScratchUpdate::Done(mut supposed) => {
                let promoting: Option<Result<Updates, RebuildError>> = supposed.promoting.take();
                tell(What::Result(to_result(tenant, *supposed))).await;
                let Some(promoting) = promoting else { continue };
                let mut promoting = promoting?;
                while let Some(update) = promoting.recv().await {
                    tell(What::Promotion(admin.told(tenant, update).await?)).await;
                }
            }
        }
    }
    Ok(())
}

fn to_result(tenant: &str, supposed: Supposed) -> v1::WhatIfResult {
    let Supposed { previewed, same_definitions, moves, scores, funnels, promoting: _ } = supposed;
    let journeys = moves.journeys.iter().map(|of| to_journey(of, &funnels));
    let [now, then] = scores;
    let scores = now.into_iter().zip(then).map(|(now, then)| v1::WhatIfScore {
        measure: now.measure.name().to_owned(),
        now: Some(to_score(&now)),
        then: Some(to_score(&then)),
    });
    v1::WhatIfResult {
        same_definitions,
        moved: moves.changed,
        journeys: journeys.collect(),
        examples: moves.examples.into_iter().map(to_example).collect(),
        scores: scores.collect(),
        identity: Some(preview::to_result(tenant, previewed)),
    }
}

fn to_journey(moves: &JourneyMoves, funnels: &[Vec<FunnelOf>; 2]) -> v1::WhatIfJourney {
    let [now, then] = funnels.each_ref().map(|of| of.iter().find(|funnel| funnel.journey == moves.journey));
    let mut stages: Vec<&String> = now.iter().flat_map(|funnel| &funnel.stages).collect();
    for stage in then.iter().flat_map(|funnel| &funnel.stages) {
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    let counts = |funnel: Option<&FunnelOf>| -> BTreeMap<String, StageCount> {
        funnel.map_or_else(BTreeMap::new, |funnel| {
            funnel.stages.iter().cloned().zip(funnel.row.stages.iter().copied()).collect()
        })
    };
    let (in_now, in_then) = (counts(now), counts(then));
    let began = |funnel: Option<&FunnelOf>| funnel.map_or(0, |funnel| funnel.row.began);
    v1::WhatIfJourney {
        journey: moves.journey.clone(),
        moves: moves
            .counts
            .iter()
            .map(|((from, to), customers)| v1::WhatIfMove {
                from: Some(to_place(from)),
                to: Some(to_place(to)),
                customers: *customers,
            })
            .collect(),
        stages: stages
            .into_iter()
            .map(|stage| v1::WhatIfStage {
                stage: stage.clone(),
                now: in_now.get(stage).map(to_count),
                then: in_then.get(stage).map(to_count),
            })
            .collect(),
        began_now: began(now),
        began_then: began(then),
    }
}

fn to_count(count: &StageCount) -> v1::WhatIfCount {
    let StageCount { entered, reached, now_in } = *count;
    v1::WhatIfCount { entered, reached, now_in }
}

fn to_place(place: &Whereabouts) -> v1::WhatIfPlace {
    let place = match place {
        Whereabouts::Nobody => Where::Nobody(true),
        Whereabouts::Outside => Where::Outside(true),
        Whereabouts::Stage(stage) => Where::Stage(stage.clone()),
    };
    v1::WhatIfPlace { r#where: Some(place) }
}

fn to_example(MoveExample { customer, moves }: MoveExample) -> v1::WhatIfExample {
    let moved = |(journey, from, to): &(String, Whereabouts, Whereabouts)| v1::WhatIfMoved {
        journey: journey.clone(),
        from: Some(to_place(from)),
        to: Some(to_place(to)),
    };
    let moves = moves.iter().map(moved).collect();
    v1::WhatIfExample { customer: Some(preview::to_customer(customer)), moves }
}

fn to_score(ScoreOf { measure, row }: &ScoreOf) -> v1::WhatIfScoreOf {
    let ScoreRow { histogram, asked, answered } = row;
    let score = histogram.score(*measure);
    v1::WhatIfScoreOf {
        responses: histogram.responses(),
        value: score.map(|score| score.value),
        asked: *asked,
        answered: *answered,
    }
}
