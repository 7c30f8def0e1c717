//! `FeedbackService`: how do customers feel about us?

use rapport_customer::{Measure, ScoresQuestion, Zone};
use rapport_readmodel::{Listed, ResponsesQuestion};
use tonic::{Request, Response, Status};

use super::arguments::{bucket, customer_name, days, measure, only, page_size, slice};
use super::listing::{Listing, Page};
use super::past::Asked;
use super::projections::Projections;
use super::{QueryError, convert};
use crate::wire::v1::feedback_service_server::FeedbackService;
use crate::wire::v1::{ResponsesRequest, ResponsesResponse, ScoresRequest, ScoresResponse};

/// Values of a slice that are told apart.
const MOST_SLICES: usize = 1_000;

#[derive(Clone)]
pub struct Feedbacks {
    projections: Projections,
}

impl Feedbacks {
    pub fn new(projections: Projections) -> Self {
        Self { projections }
    }

    async fn scores(&self, request: ScoresRequest) -> Result<ScoresResponse, QueryError> {
        let measures = measure(&request.measure)?.map_or(Measure::ALL.to_vec(), |measure| vec![measure]);
        let (days, bucket) = (days(&request.from_day, &request.until_day)?, bucket(request.bucket)?);
        let slice = match request.slice_by.as_str() {
            "" => None,
            name => Some(slice("slice_by", name)?),
        };
        let only = only(&request.only)?;
        let question =
            |measure| ScoresQuestion { measure, days, bucket, slice, only: only.clone(), most_slices: MOST_SLICES };
        let questions: Vec<_> = measures.into_iter().map(question).collect();
        let asked = questions.clone();
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let of = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let (scores, freshness) = of.ask(move |reader| reader.scores(&asked)).await?;
        let rows = questions.iter().zip(scores).flat_map(|(question, scores)| {
            scores.rows(question).into_iter().map(|row| convert::score_row(question.measure, row))
        });
        Ok(ScoresResponse { rows: rows.collect(), freshness: Some(freshness) })
    }

    async fn responses(&self, request: ResponsesRequest) -> Result<ResponsesResponse, QueryError> {
        let when = (request.as_of.as_ref(), request.known_at.as_ref());
        let asked = Asked::of(&self.projections, &request.tenant, request.min_position, when).await?;
        let definitions = asked.definitions();
        let zone: &Zone = &definitions.zone;
        let days = days(&request.from_day, &request.until_day)?;
        if let (Some(lowest), Some(highest)) = (request.lowest, request.highest)
            && lowest > highest
        {
            let rule = format!("is {highest}; it must not be below lowest, {lowest}");
            return Err(QueryError::Argument { field: "highest", rule });
        }
        let customer = request.customer.as_ref().map(|customer| customer_name(Some(customer))).transpose()?;
        let question = ResponsesQuestion {
            listed: Listed {
                customer: customer.clone(),
                from_time: days.from.map(|day| zone.start_of(day)),
                until_time: days.until.map(|day| zone.start_of(day)),
            },
            measure: measure(&request.measure)?,
            lowest: request.lowest,
            highest: request.highest,
            only: only(&request.only)?,
        };
        let page_size = page_size(request.page_size)?;
        let page = Page { asked: asked.about(customer.as_ref()), token: &request.page_token };
        let Listing { entries, next_page_token, freshness } =
            page.list(question, move |reader, question, after| reader.responses(question, after, page_size)).await?;
        let responses = entries.into_iter().map(convert::response).collect();
        Ok(ResponsesResponse { responses, next_page_token, freshness: Some(freshness) })
    }
}

#[tonic::async_trait]
impl FeedbackService for Feedbacks {
    async fn scores(&self, request: Request<ScoresRequest>) -> Result<Response<ScoresResponse>, Status> {
        Ok(Response::new(Self::scores(self, request.into_inner()).await?))
    }

    async fn responses(&self, request: Request<ResponsesRequest>) -> Result<Response<ResponsesResponse>, Status> {
        Ok(Response::new(Self::responses(self, request.into_inner()).await?))
    }
}
